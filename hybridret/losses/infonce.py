"""InfoNCE over a batch, with masks for false negatives.

For query i with its own passage p(i), temperature t and cosine s:

    loss_i = -log( exp(s(i, p(i)) / t) / sum over allowed p of exp(s(i, p) / t) )

(van den Oord et al. 2018, arXiv 1807.03748, eq. 4). The candidates are all passages of the batch: the positives of all
queries, and hard negatives. In parallel data a passage exists in many languages, and several questions share a passage.
A candidate of the query's own passage group is therefore an answer, not a negative: it is left out of the sum
(docs/pitfalls.md#false-negatives). Similarity and softmax are fp32 under any precision
(docs/pitfalls.md#low-precision).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from hybridret.base.range_words import Because
from hybridret.base.ranges import Positive, checked

if TYPE_CHECKING:
    from torch import Tensor


@checked("loss")
class InfoNCE:
    """Mean InfoNCE of the queries. Raises UserError when `temperature` is not a positive number.

    >>> import torch
    >>> queries = torch.eye(2)
    >>> round(InfoNCE(temperature=1.0)(queries, queries, torch.arange(2), torch.arange(2), torch.arange(2)).item(), 4)
    0.3133
    """

    def __init__(
        self,
        temperature: Annotated[Positive, Because("0.05 is a good start.")] = 0.05,
        mask_false_negatives: bool = True,
    ) -> None:
        self.temperature = temperature
        self.mask_false_negatives = mask_false_negatives

    def __call__(
        self, queries: Tensor, passages: Tensor, positives: Tensor, query_groups: Tensor, passage_groups: Tensor
    ) -> Tensor:
        """[B, D], [P, D], [B], [B], [P] -> scalar, fp32.

        `positives[i]` is the row of query i's own passage. Groups are passage groups, -1 where none is known: such a
        query or passage is never masked.
        """
        import torch  # here: a wrong temperature is rejected before torch is imported
        import torch.nn.functional as F

        precision = torch.promote_types(queries.dtype, torch.float32)
        with torch.autocast(queries.device.type, enabled=False):
            logits = queries.to(precision) @ passages.to(precision).T / self.temperature
            if self.mask_false_negatives:
                false = (query_groups[:, None] == passage_groups[None, :]) & (query_groups[:, None] >= 0)
                false = false.scatter(1, positives[:, None], False)
                logits = logits.masked_fill(false, float("-inf"))
            return F.cross_entropy(logits, positives)
