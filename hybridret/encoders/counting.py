"""Counts of parameters: the size axis of a study is never taken from a checkpoint's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import nn


class Counted(Protocol):
    """A body or encoder that can return its input embeddings separately."""

    def parameters(self) -> Iterator[nn.Parameter]: ...

    def input_embeddings(self) -> nn.Module: ...


def counted(body: Counted) -> dict[str, int]:
    """`total`, `body` (total without the input embeddings) and `trainable`; also works on the meta device."""
    embeddings = {id(parameter) for parameter in body.input_embeddings().parameters()}
    every = list(body.parameters())  # a tensor with two names counts once
    return {
        "total": sum(parameter.numel() for parameter in every),
        "body": sum(parameter.numel() for parameter in every if id(parameter) not in embeddings),
        "trainable": sum(parameter.numel() for parameter in every if parameter.requires_grad),
    }
