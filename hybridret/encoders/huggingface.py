"""Backbone family for any transformers encoder or decoder: a hub name, a folder, a checkpoint inside an installed
package, or random weights.

Weights are read from safetensors files only (nothing is unpickled), in fp32; a weight that the checkpoint lacks is an
error and never random (docs/pitfalls.md#missing-weights). Only the part that reads text is used of a model of text and
images, and of an encoder-decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridret.base.settings import TextSettings
from hybridret.encoders.huggingface_options import HuggingFaceOptions

if TYPE_CHECKING:
    from hybridret.encoders.dual import DualEncoder
    from hybridret.encoders.huggingface_body import HuggingFaceBody
    from hybridret.encoders.tokenizer_training import TextSource


class HuggingFace(HuggingFaceOptions):
    """Plug-in `backbone`; its arguments are those of `HuggingFaceOptions`."""

    def encoder(self, size: str, text: TextSettings, corpus: TextSource | None, seed: int) -> DualEncoder:
        """The encoder of `size`. Pretrained: nothing is random; `corpus` and `seed` are not used. Random: the weights
        depend on `seed`, and the tokenizer is trained on `corpus`.

        Raises UserError when the size is unknown, the checkpoint is unavailable or does not fit, or the corpus is None.
        """
        from hybridret.encoders.huggingface_loading import encoder_of  # here: torch, transformers

        return encoder_of(self, size, text, corpus, seed)

    def meta(self, size: str) -> HuggingFaceBody:
        """The body of `size` on the meta device: shapes without memory, for counting and planning. The hub is not used
        if the size has a `config`.
        """
        from hybridret.encoders.huggingface_loading import meta_body

        return meta_body(self, size)

    def untrained(self, size: str, attention: str | None) -> HuggingFaceBody:
        """The body of `size` with random weights, on torch's current device and from its current random state."""
        from hybridret.encoders.huggingface_loading import untrained_body

        return untrained_body(self, size, attention)

    def counted_parameters(self, size: str) -> dict[str, int]:
        """`total`, `body` (without the input embeddings) and `trainable` of `size`, counted on the meta device."""
        from hybridret.encoders.counting import counted

        return counted(self.meta(size))
