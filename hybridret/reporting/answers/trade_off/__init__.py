"""Answer: the trade-off of monolingual and cross-lingual quality."""

from hybridret.reporting.answers.trade_off.find import ANSWER

__all__ = ["ANSWER"]
