"""FLOPs of encoding a text, counted by torch on fake tensors: products of matrices, two per multiply-add.

Attention is counted in full, the masked half of a decoder's included, as is usual. Weights that are not trained cost no
gradient of their own, but the gradient of the activations passes through them: autograd decides, not a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from hybridret.planning.fake import FakeBody

FEW = (1, 2)  # layers


@dataclass(frozen=True)
class Flops:
    """Of one text: `forward`, and `step` with the backward pass and whatever is computed again."""

    forward: float
    step: float


def flops(fake: Callable[[int], FakeBody], depth: int, alike: bool, tokens: int, layers: bool) -> Flops:
    """Of a text of `tokens` tokens; `layers`: each is computed again in the backward pass.

    `fake(d)` is the body of its first d layers; unless layers are `alike` the whole body is run.
    """
    if not alike or depth <= FEW[-1] + 1:
        return _counted(fake(depth), tokens, layers)
    few, more = (_counted(fake(number), tokens, layers) for number in FEW)

    def grown(short: float, longer: float) -> float:
        return short + (longer - short) * (depth - FEW[0])

    return Flops(grown(few.forward, more.forward), grown(few.step, more.step))


def _counted(fake: FakeBody, tokens: int, layers: bool) -> Flops:
    # Written out, attention is made of products that the counter knows on every device.
    with sdpa_kernel(SDPBackend.MATH), fake.running(layers):
        text = [torch.ones(1, tokens, dtype=torch.int64) for _ in range(2)]
        with fake.mode.counting() as counted:
            vectors = fake.vectors(text[0], text[1], None)
            forward = counted()
            vectors.sum().backward()  # type: ignore[no-untyped-call]
            return Flops(forward, counted())
