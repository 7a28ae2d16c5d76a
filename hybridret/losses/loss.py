"""Interface of a training loss; plug-in `loss`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Loss(Protocol):
    """Vectors of a batch -> scalar, fp32, to be minimised. A loss has no trainable parameters."""

    def __call__(
        self, queries: Tensor, passages: Tensor, positives: Tensor, query_groups: Tensor, passage_groups: Tensor
    ) -> Tensor:
        """[B, D], [P, D], [B], [B], [P] -> scalar.

        `positives[i]` is the row of query i's own passage. Groups are passage groups, -1 where none is known.
        """
        ...
