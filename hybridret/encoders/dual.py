"""The dual encoder: one network with shared weights turns queries and passages into unit vectors; the score is their
cosine.

A body is any network that turns ids into hidden states and can save and rebuild its architecture. Hidden states are
pooled and normalised in fp32 for any precision of the body (docs/pitfalls.md#low-precision), except that an fp64 body
stays in fp64.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hybridret.base.errors import UserError
from hybridret.base.files import hash_json
from hybridret.base.records import IntArray
from hybridret.encoders.counting import counted
from hybridret.encoders.plain_state import state_hash
from hybridret.encoders.pooling import pooling_by_name
from hybridret.encoders.tokenization import Tokenization, tokenizer_rules


class Body(nn.Module, ABC):
    """ids [b, T], mask [b, T] -> hidden states [b, T, D]. `positions`: the largest T, None for no limit.

    With `takes_lengths` a third argument of `forward` may be the lengths [b] of right-padded rows, on the host.
    """

    kind: ClassVar[str]
    takes_lengths: ClassVar[bool] = False
    dimension: int
    positions: int | None

    @abstractmethod
    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor: ...

    @abstractmethod
    def input_embeddings(self) -> nn.Module:
        """The table of token embeddings: counted separately from the body, with a learning rate of its own."""

    @abstractmethod
    def layers(self) -> nn.ModuleList:
        """The repeated blocks of the network: each is recomputed, compiled and sharded as a unit."""

    @abstractmethod
    def save_architecture(self, folder: Path) -> dict[str, Any]:
        """The input of `load_architecture`, as JSON values; larger descriptions may be written into `folder`."""

    def architecture_text(self) -> str:
        """All that the hidden states depend on beside kind and weights, as text; "" if there is nothing else."""
        return ""

    @classmethod
    @abstractmethod
    def load_architecture(cls, folder: Path, saved: dict[str, Any], trust_remote_code: bool) -> Body:
        """The body with arbitrary weights, ready for a strict `load_state_dict`."""


class DualEncoder(nn.Module):
    """Body, pooling and tokenization. Raises UserError when the text lengths exceed the body's positions."""

    cosine: ClassVar[bool] = True  # vectors have unit norm

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
        self._pooled = pooling_by_name(pooling)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, lengths: IntArray | None = None) -> Tensor:
        """[b, T] int64, [b, T] int64 -> [b, D] fp32, unit norm. `lengths` [b], on the host: those of right-padded rows,
        so that nobody has to ask the mask for them.
        """
        more = () if lengths is None or not self.body.takes_lengths else (lengths,)
        hidden: Tensor = self.body(input_ids, attention_mask, *more)
        hidden = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        with torch.autocast(hidden.device.type, enabled=False):
            return F.normalize(self._pooled(hidden, attention_mask), dim=-1)

    def parameters_counted(self) -> dict[str, int]:
        """Counts of parameters: `total`, `body` (total without the input embeddings) and `trainable`."""
        return counted(self.body)

    def weights_hash(self, length: int = 16) -> str:
        """`length` hex digits of the SHA-256 of all weights with their names, types and shapes."""
        return state_hash(self.body.state_dict())[:length]

    def identity(self) -> dict[str, str]:
        """All that a vector depends on beside its text, as plain text, for keys of caches: weights, body, pooling,
        prefixes and lengths, tokenizer. Equal identities give equal vectors (docs/pitfalls.md#stale-caches).
        """
        return {
            "weights": self.weights_hash(length=64),
            "body": self.body.kind,
            "architecture": self.body.architecture_text(),
            "pooling": self.pooling,
            "text": json.dumps(asdict(self.tokenization.text), sort_keys=True),
            "append_eos": str(self.tokenization.append_eos),
            "tokenizer": hash_json(tokenizer_rules(self.tokenization.tokenizer.backend_tokenizer.to_str())),
        }

    def embedding_parameters(self) -> list[nn.Parameter]:
        """The parameters of the input embeddings, whose learning rate is `schedule.embedding_lr`."""
        return list(self.body.input_embeddings().parameters())
