"""Interface of a family of encoders; plug-in `backbone`. (The other kind of backbone is a retriever itself: BM25.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hybridret.base.settings import TextSettings

if TYPE_CHECKING:
    from hybridret.encoders.dual import Body, DualEncoder
    from hybridret.encoders.tokenizer_training import TextSource


@runtime_checkable
class EncoderFamily(Protocol):
    """Encoders with a table of sizes (`encoders/sizes.py`); this interface is sufficient for an evaluation."""

    sizes: Mapping[str, Any]

    def encoder(self, size: str, text: TextSettings, corpus: TextSource | None, seed: int) -> DualEncoder:
        """The encoder of `size`, in evaluation mode, as if loaded from a folder; call `train()` to turn dropout on.

        `corpus` is for tokenizers that are trained, `seed` for random weights. Raises UserError for an unknown size and
        for unavailable checkpoints and packages.
        """
        ...


@runtime_checkable
class Backbone(EncoderFamily, Protocol):
    """A family that can be trained, and therefore planned.

    `init`: `pretrained` or `random`; `attention`: the chosen kernel, None for the body's own.
    """

    init: str
    pooling: str
    attention: str | None

    def meta(self, size: str) -> Body:
        """The body of `size` on the meta device: shapes without memory, for counting and planning."""
        ...
