"""The dual encoder: one network with shared weights turns queries and passages into unit vectors; the score is their
cosine.

A body is any network that turns ids into hidden states and can write down and rebuild its architecture. Hidden states
are pooled and normalised in fp32 whatever precision the body ran in (docs/pitfalls.md#low-precision); an fp64 body
stays fp64.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hybridret.base.errors import UserError
from hybridret.encoders.counting import counted
from hybridret.encoders.pooling import pooling_by_name
from hybridret.encoders.tokenization import Tokenization


class Body(nn.Module, ABC):
    """ids [b, T], mask [b, T] -> hidden states [b, T, D]. `positions`: the longest T, None if there is no limit."""

    kind: ClassVar[str]
    dimension: int
    positions: int | None

    @abstractmethod
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor: ...

    @abstractmethod
    def input_embeddings(self) -> nn.Module:
        """The table of token embeddings: counted apart from the body, and given a learning rate of its own."""

    @abstractmethod
    def layers(self) -> nn.ModuleList:
        """The repeated blocks that make up the depth: what is recomputed, compiled and sharded one by one."""

    @abstractmethod
    def save_architecture(self, folder: Path) -> dict[str, Any]:
        """What `load_architecture` needs, as JSON; larger descriptions may be written into `folder`."""

    @classmethod
    @abstractmethod
    def load_architecture(cls, folder: Path, saved: dict[str, Any], trust_remote_code: bool) -> Body:
        """The body with weights of no meaning, ready for a strict `load_state_dict`."""


class DualEncoder(nn.Module):
    """Body, pooling and tokenization. Raises UserError when the text is longer than the body's positions."""

    def __init__(self, body: Body, pooling: str, tokenization: Tokenization) -> None:
        super().__init__()
        text = tokenization.text
        longest = max(text.query_length, text.passage_length)
        if body.positions is not None and longest > body.positions:
            raise UserError(
                f"text.query_length={text.query_length}, text.passage_length={text.passage_length}: this backbone "
                f"reads at most {body.positions} tokens. Lower the length, or choose a backbone that reads more."
            )
        self.body = body
        self.pooling = pooling
        self.tokenization = tokenization
        self.dimension = body.dimension
        self._pool = pooling_by_name(pooling)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """[b, T] int64, [b, T] int64 -> [b, D] fp32, unit norm."""
        hidden: Tensor = self.body(input_ids, attention_mask)
        hidden = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        with torch.autocast(hidden.device.type, enabled=False):
            return F.normalize(self._pool(hidden, attention_mask), dim=-1)

    def parameters_counted(self) -> dict[str, int]:
        """`total`, `body` (total without the input embeddings) and `trainable`, counted, never taken from a name."""
        return counted(self.body)

    def embedding_parameters(self) -> list[nn.Parameter]:
        """The parameters of the input embeddings: the group that `schedule.embedding_lr` is for."""
        return list(self.body.input_embeddings().parameters())
