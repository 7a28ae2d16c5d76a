"""Backbone `scratch`: a small transformer with random weights and a tokenizer trained on the run's own corpus.

It is the default, because it needs no download. Sizes differ in width; training four or five of them for a size axis
takes minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridret.base.errors import UserError
from hybridret.base.ranges import Count, Dropout, check_value, checked, hints_of
from hybridret.base.settings import TextSettings
from hybridret.encoders.pooling import PoolingName
from hybridret.encoders.sizes import resolve_size, size_entry
from hybridret.encoders.tokenizer_training import VocabularySize

if TYPE_CHECKING:
    from hybridret.encoders.dual import Body, DualEncoder
    from hybridret.encoders.tokenizer_training import TextSource


@dataclass(frozen=True)
class ScratchSize:
    """Numbers of an entry of `sizes`."""

    width: Count
    layers: Count
    heads: Count


@checked("backbone")
class Scratch:
    """`sizes`: name -> {width, layers, heads}, and learning rates that other configs refer to (`encoders/sizes.py`).

    `max_positions` is the maximum length of a text in tokens.
    """

    init = "random"
    entry = frozenset({"width", "layers", "heads"})  # required keys of a size
    attention: str | None = None  # it has only one kernel

    def __init__(
        self,
        sizes: dict[str, Any],
        vocabulary_size: VocabularySize = 8000,
        max_positions: Count = 128,
        pooling: PoolingName = "mean",
        dropout: Dropout = 0.0,
    ) -> None:
        self.sizes = sizes
        self.vocabulary_size = vocabulary_size
        self.max_positions = max_positions
        self.pooling = pooling
        self.dropout = dropout

    def encoder(self, size: str, text: TextSettings, corpus: TextSource | None, seed: int) -> DualEncoder:
        """The encoder of `size`; its weights depend only on `seed`, and the caller's random state does not change.

        Raises UserError for an unknown size, if the corpus is None, and when text lengths exceed `max_positions`.
        """
        entry = self._entry(size)
        if corpus is None:
            raise UserError(
                "backbone=scratch trains its tokenizer on a corpus, and there is none here. Name one with data=..., or "
                "pass a trained run with checkpoint=multirun/SWEEP/RUN."
            )
        import torch  # here: wrong settings are rejected before torch is imported

        from hybridret.encoders.dual import DualEncoder
        from hybridret.encoders.tokenization import Tokenization
        from hybridret.encoders.tokenizer_training import trained_tokenizer

        tokenizer = trained_tokenizer(corpus, self.vocabulary_size, (text.query_prefix, text.passage_prefix))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = self.body(len(tokenizer), entry)
        return DualEncoder(body, self.pooling, Tokenization(tokenizer, text)).eval()

    def body(self, vocabulary: int, entry: Mapping[str, Any]) -> Body:
        """A body with `vocabulary` tokens and the numbers in `entry`, from torch's random state, on its device."""
        from hybridret.encoders.transformer import Transformer

        return Transformer(vocabulary, positions=self.max_positions, dropout=self.dropout, **entry)

    def meta(self, size: str) -> Body:
        """The body of `size` on the meta device, for planning: with the full vocabulary, although the tokenizer of a
        small corpus has fewer tokens.
        """
        entry = self._entry(size)
        import torch

        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return self.body(self.vocabulary_size, entry)

    def _entry(self, size: str) -> dict[str, Any]:
        entry = size_entry(self.sizes, size, required=self.entry)
        hints, where = hints_of(ScratchSize), f"backbone.sizes.{resolve_size(self.sizes, size)}"
        return {key: check_value(hints.get(key, Any), value, f"{where}.{key}") for key, value in entry.items()}
