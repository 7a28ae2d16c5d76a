"""What a family of encoders is; plug-in `backbone`. (The other kind of backbone is a retriever of its own, BM25.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hybridret.base.settings import TextSettings

if TYPE_CHECKING:
    from hybridret.encoders.dual import Body, DualEncoder
    from hybridret.encoders.tokenizer_training import TextSource


@runtime_checkable
class EncoderFamily(Protocol):
    """Encoders with a table of sizes (`encoders/sizes.py`): enough for an evaluation."""

    sizes: Mapping[str, Any]

    def encoder(self, size: str, text: TextSettings, corpus: TextSource | None, seed: int) -> DualEncoder:
        """The encoder of `size`, in evaluation mode, as from a folder: training switches dropout on with `train()`.

        `corpus` is for tokenizers that are trained, `seed` for weights that are drawn. Raises UserError for an unknown
        size and for what cannot be had.
        """
        ...


@runtime_checkable
class Backbone(EncoderFamily, Protocol):
    """A family that can be trained, and so planned.

    `init`: `pretrained` or `random`; `attention`: the kernel that was chosen, None for the body's own.
    """

    init: str
    pooling: str
    attention: str | None

    def meta(self, size: str) -> Body:
        """The body of `size` on the meta device: shapes without memory, for counting and planning."""
        ...
