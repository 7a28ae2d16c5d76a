"""Full fine-tuning: every weight of the body is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridret.encoders.dual import Body


class Full:
    """Does not change the body."""

    name = "full"

    def apply(self, body: Body, seed: int) -> None:
        return None

    def check_precision(self, precision: str) -> None:
        return None
