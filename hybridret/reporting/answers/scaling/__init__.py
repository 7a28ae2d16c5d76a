"""Answer: how settings and strategies move with size."""

from hybridret.reporting.answers.scaling.find import ANSWER

__all__ = ["ANSWER"]
