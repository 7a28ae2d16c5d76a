"""AdamW whose two moments are kept in 8 bits each, in blocks of 256 with a scale (Dettmers et al., arXiv 2110.02861),
by torchao: 2 bytes for each trained weight instead of 8. bitsandbytes has the same, but not for weights that FSDP2
shards (DTensor).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Annotated, Any

import torch
from annotated_types import MaxLen, MinLen

from hybridret.base.errors import UserError
from hybridret.base.ranges import NotNegative, checked
from hybridret.encoders.quiet_import import quiet_import
from hybridret.training.check import Beta

try:
    with quiet_import():
        from torchao.optim import AdamW8bit
except ImportError as error:
    raise UserError(
        f"optim=adam8bit needs the package torchao in a version for this torch ({error}). Run pip install --upgrade "
        "torchao, or choose optim=adamw."
    ) from error


@checked("optim")
class Adam8bit(AdamW8bit):  # type: ignore[misc]  # torchao has no types
    """torchao's AdamW8bit. Tensors below 4,096 elements, or whose size is no multiple of 256, keep fp32 moments.

    torchao compiles the update of each shape of weight. Here it is compiled only on a GPU: a laptop may have no
    compiler, and for the small models that are trained there compiling would cost more than it saves.
    """

    states_of_a_shard = True  # blocks begin at the start of a shard: another number of shards needs other blocks

    def __init__(
        self,
        params: Any,
        lr: NotNegative,
        weight_decay: NotNegative,
        betas: Annotated[list[Beta], MinLen(2), MaxLen(2)],
        eps: NotNegative,
    ) -> None:
        first, second = betas
        super().__init__(params, lr=lr, weight_decay=weight_decay, betas=(first, second), eps=eps)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; returns what `closure` returns."""
        on_cpu = self.param_groups[0]["params"][0].device.type == "cpu"
        with torch.compiler.set_stance("force_eager") if on_cpu else nullcontext():
            return super().step(closure)
