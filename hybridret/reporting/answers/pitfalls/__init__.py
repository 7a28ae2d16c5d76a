"""Answer: questions that are lost across languages."""

from hybridret.reporting.answers.pitfalls.find import ANSWER

__all__ = ["ANSWER"]
