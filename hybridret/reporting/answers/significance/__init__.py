"""Answer: the differences between configurations."""

from hybridret.reporting.answers.significance.find import ANSWER

__all__ = ["ANSWER"]
