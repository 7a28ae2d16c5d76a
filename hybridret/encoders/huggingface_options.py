"""The settings in the yaml of a Hugging Face backbone, checked without torch or transformers."""

from __future__ import annotations

from typing import Any, Literal

from hybridret.base.ranges import Dropout, checked
from hybridret.encoders.attention import Kernel
from hybridret.encoders.pooling import PoolingName


@checked("backbone")
class HuggingFaceOptions:
    """`sizes`: name -> {checkpoint, revision (null: main), config}, and learning rates that other configs refer to
    (`encoders/sizes.py`).

    `checkpoint` is a hub name, a folder, or `package:NAME` for the folder `model` of an installed package. `config`
    describes the same network without the checkpoint: a transformers `model_type` and that type's numbers. `init` is
    `pretrained` or `random`. `append_eos` is for decoder backbones with `pooling=last`. `attention` is `sdpa`, `eager`,
    `flash_attention_2` or `packed` (no padding inside the network), null for transformers' own choice. `bidirectional`
    removes a decoder's causal mask. `dropout` null keeps the checkpoint's own rates.
    """

    def __init__(
        self,
        sizes: dict[str, Any],
        init: Literal["pretrained", "random"] = "pretrained",
        pooling: PoolingName = "mean",
        append_eos: bool = False,
        attention: Kernel | None = None,
        bidirectional: bool = False,
        trust_remote_code: bool = False,
        dropout: Dropout | None = None,
    ) -> None:
        self.sizes = sizes
        self.init = init
        self.pooling = pooling
        self.append_eos = append_eos
        self.attention = attention
        self.bidirectional = bidirectional
        self.trust_remote_code = trust_remote_code
        self.dropout = dropout
