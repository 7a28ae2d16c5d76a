"""A small transformer encoder trained from scratch: pre-norm, learned positions, GELU, no bias towards any language.

Attention is written out instead of `scaled_dot_product_attention`. At width 64 and 20 tokens, on one CPU thread with a
padding mask, the fused kernel is 5% faster in fp32, but 2.6 times slower in bf16, where its backward pass has no fast
path; and bf16 is the faster precision (24 against 33 ms for a training step of 128 pairs). `benchmarks/` repeats this
measurement.

Shape legend: b texts, T tokens, D width, H heads.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hybridret.base.errors import UserError
from hybridret.base.ranges import Dropout, checked
from hybridret.encoders.dual import Body


@checked("backbone")
class Transformer(Body):
    """ids [b, T], mask [b, T] -> hidden states [b, T, width]; T is at most `positions`, padding on the right.

    Raises UserError when `heads` does not divide `width`.
    """

    kind: ClassVar[str] = "transformer"

    def __init__(
        self, vocabulary: int, width: int, layers: int, heads: int, positions: int, dropout: Dropout = 0.0
    ) -> None:
        super().__init__()
        if min(vocabulary, width, layers, heads, positions) < 1 or width % heads:
            raise UserError(
                f"A transformer of width {width}, {layers} layers and {heads} heads: heads must divide width."
            )
        self.architecture: dict[str, Any] = {
            "vocabulary": vocabulary,
            "width": width,
            "layers": layers,
            "heads": heads,
            "positions": positions,
            "dropout": dropout,
        }
        self.dimension = width
        self.positions = positions
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.position_embedding = nn.Parameter(torch.empty(positions, width))
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self._initialise(layers)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states = self.token_embedding(input_ids) + self.position_embedding[: input_ids.shape[1]]
        bias = torch.zeros(attention_mask.shape, dtype=states.dtype, device=states.device)
        bias = bias.masked_fill(attention_mask == 0, float("-inf"))[:, None, None, :]
        states = self.dropout(states)
        for block in self.blocks:
            states = block(states, bias)
        hidden: Tensor = self.norm(states)
        return hidden

    def input_embeddings(self) -> nn.Module:
        return self.token_embedding

    def layers(self) -> nn.ModuleList:
        return self.blocks

    def save_architecture(self, folder: Path) -> dict[str, Any]:
        return dict(self.architecture)

    @classmethod
    def load_architecture(cls, folder: Path, saved: dict[str, Any], trust_remote_code: bool) -> Transformer:
        return cls(**saved)

    def _initialise(self, layers: int) -> None:
        nn.init.normal_(self.token_embedding.weight, std=self.dimension**-0.5)
        nn.init.normal_(self.position_embedding, std=0.1 * self.dimension**-0.5)
        for module in self.blocks.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)
                nn.init.zeros_(module.bias)
        for name, parameter in self.named_parameters():
            # Layers that add to the residual stream start with small weights, so that depth does not change its scale.
            if name.endswith(("attention_out.weight", "feed_out.weight")):
                nn.init.normal_(parameter, std=(2 * layers * parameter.shape[1]) ** -0.5)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.feed_norm = nn.LayerNorm(width)
        self.feed_in = nn.Linear(width, 4 * width)
        self.feed_out = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        states = states + self.dropout(self.attention_out(self._attention(self.attention_norm(states), bias)))
        feed = self.feed_out(F.gelu(self.feed_in(self.feed_norm(states))))
        mixed: Tensor = states + self.dropout(feed)
        return mixed

    def _attention(self, states: Tensor, bias: Tensor) -> Tensor:
        size, length, width = states.shape
        split = self.attention_in(states).view(size, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)  # each [b, H, T, D / H]
        scores = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads) + bias
        weights = self.dropout(scores.softmax(dim=-1)).to(value.dtype)
        values: Tensor = weights @ value
        return values.transpose(1, 2).reshape(size, length, width)
