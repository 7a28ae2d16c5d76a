"""From hidden states to one vector per text: mean, first token or last token.

Each rule uses the attention mask, never a fixed position, so the result depends neither on the side of the padding nor
on the other texts of the batch (docs/pitfalls.md#padding). LaReQA-style encoders use `cls` or `mean`, decoder backbones
`last`.

Shape legend: b texts, T tokens, D dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from hybridret.base.errors import UserError, nearest

if TYPE_CHECKING:
    from torch import Tensor

Pooling = Callable[["Tensor", "Tensor"], "Tensor"]
PoolingName = Literal["mean", "cls", "last"]


def mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """[b, T, D], [b, T] -> [b, D]: the mean over the tokens that are not padding."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def cls(hidden: Tensor, mask: Tensor) -> Tensor:
    """[b, T, D], [b, T] -> [b, D]: the first token that is not padding."""
    return _row(hidden, mask.long().argmax(dim=1))


def last(hidden: Tensor, mask: Tensor) -> Tensor:
    """[b, T, D], [b, T] -> [b, D]: the last token that is not padding."""
    return _row(hidden, mask.shape[1] - 1 - mask.long().flip(1).argmax(dim=1))


def pooling_by_name(name: str) -> Pooling:
    """The rule called `name`. Raises UserError for an unknown name."""
    rules: dict[str, Pooling] = {"mean": mean, "cls": cls, "last": last}
    if name not in rules:
        raise UserError(f"backbone.pooling={name} is no way to pool. {nearest(name, rules)}")
    return rules[name]


def _row(hidden: Tensor, positions: Tensor) -> Tensor:
    import torch  # here: a wrong name is refused without it

    return hidden[torch.arange(len(hidden), device=hidden.device), positions]
