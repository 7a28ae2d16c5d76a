"""What an evaluation costs before it is run: bytes, operations, hours. Plain arithmetic, to be checked by hand.

Legend: P passages, Q queries, D dimensions of a vector, T tokens of a text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Encoder:
    """The numbers of an encoder that costs follow from; `body` counts parameters without the token embeddings."""

    name: str
    body: int
    layers: int
    width: int


@dataclass(frozen=True)
class Gpu:
    """One accelerator: dense bf16 peak and fp32 peak in operations a second, bytes of memory, bytes a second to it."""

    name: str
    bf16: float
    fp32: float
    memory: float
    bandwidth: float


def encoding_flops(encoder: Encoder, tokens: int) -> float:
    """Operations of one forward pass over a text of `tokens`: two per parameter and token, and attention's two
    products of T x T x width in each layer (Kaplan et al., arXiv 2001.08361, with attention not left out).
    """
    return 2.0 * encoder.body * tokens + 4.0 * encoder.layers * tokens**2 * encoder.width


def encoding_seconds(encoder: Encoder, passages: int, tokens: int, gpu: Gpu, utilisation: float) -> float:
    """GPU-seconds to encode P passages at a share `utilisation` (0..1] of the bf16 peak."""
    return passages * encoding_flops(encoder, tokens) / (gpu.bf16 * utilisation)


def index_bytes(passages: int, dimension: int, bytes_per_value: float) -> float:
    """Bytes of P vectors: 4 a value in float32, 2 in float16; product quantisation has its bytes per vector over D."""
    return passages * dimension * bytes_per_value


def search_seconds(queries: int, passages: int, dimension: int, gpu: Gpu, bytes_per_value: float) -> float:
    """GPU-seconds of an exact search, whichever is longer: the products at fp32 peak, or reading every vector once."""
    products = 2.0 * queries * passages * dimension / gpu.fp32
    return max(products, index_bytes(passages, dimension, bytes_per_value) / gpu.bandwidth)


def gpus_to_hold(size: float, gpu: Gpu, share: float) -> int:
    """How many accelerators hold `size` bytes if a share (0..1] of each one's memory is used for it."""
    return max(1, -int(-size // (gpu.memory * share)))
