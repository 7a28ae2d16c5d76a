"""Write the table of launches in docs/gpu_speed.md: what a chunk asks of a GPU, counted on tensors without memory.

    python docs/make_launches.py        # rewrites the marked part of docs/gpu_speed.md; needs no GPU, a minute

A chunk of 8 texts is encoded and goes backward, at the real sizes of the models. The number of kernels does not depend
on how many texts a chunk has. Counted in fp32, since autocast knows no tensors without memory: bf16-mixed adds a cast
for each weight and each input of a product. Attention is counted as the single operations
that a fused kernel does at once. The time that the host takes for a kernel is assumed, not measured: `MICROSECONDS`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import torch

from hybridret.components.components import Components
from hybridret.config.compose import points
from hybridret.config.validate import read_settings, resolved
from hybridret.encoders.backbone import Backbone
from hybridret.encoders.counting import counted
from hybridret.encoders.dual import Body
from hybridret.planning.launches import Launches
from hybridret.preflight.plan_command import filled

PAGE = Path(__file__).resolve().parent / "gpu_speed.md"
MARKED = re.compile(r"<!-- launches -->\n.*?<!-- end -->", re.DOTALL)
FAMILIES, SIZES = ("xlmr", "qwen3"), ("1b", "3b", "10b")
TEXTS, TOKENS = 8, 128
MICROSECONDS = 5.0  # of the host for a kernel
FLOPS = 0.4 * 989e12  # of an H100 in bf16, at the utilisation that plans assume


def body(family: str, size: str) -> Body:
    (point,) = points([f"backbone={family}", f"model={size}"], multirun=False)
    assert point.config is not None
    backbone = Components(read_settings(resolved(filled(point.config)))).backbone
    assert isinstance(backbone, Backbone)
    return backbone.meta(size).train()


def kernels(model: Body) -> tuple[int, int]:
    """Kernels of the forward pass, and of both."""
    tokens = torch.zeros((TEXTS, TOKENS), dtype=torch.int64, device="meta")
    more = (np.full(TEXTS, TOKENS),) if model.takes_lengths else ()
    with Launches() as forward:
        hidden = model(tokens, torch.ones_like(tokens), *more)
    with Launches() as backward:
        hidden.mean(dim=1).sum().backward()
    ahead = sum(forward.kernels.values())
    return ahead, ahead + sum(backward.kernels.values())


def table() -> str:
    lines = [
        "| model | kernels forward | and backward | ms to launch them | texts of 128 tokens that take as long |",
        "|---|--:|--:|--:|--:|",
    ]
    for family in FAMILIES:
        for size in SIZES:
            model = body(family, size)
            forward, both = kernels(model)
            seconds = both * MICROSECONDS * 1e-6
            texts = seconds * FLOPS / (6 * TOKENS * counted(model)["body"])
            lines.append(f"| {family} {size} | {forward:,} | {both:,} | {1000 * seconds:.1f} | {texts:.1f} |")
    return "\n".join(lines)


def main() -> int:
    PAGE.write_text(
        MARKED.sub(lambda _: f"<!-- launches -->\n\n{table()}\n\n<!-- end -->", PAGE.read_text("utf-8")), "utf-8"
    )
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
