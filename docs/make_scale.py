"""Compute the tables of docs/scale.md: what evaluation costs at the size of MIRACL-en and of a billion passages.

    python docs/make_scale.py        # rewrites the marked place of docs/scale.md

Everything that is assumed stands in the constants below; change them and run it again. It is arithmetic that can be
checked by hand: what one encoder does is counted by `hybridret.plan`, operation by operation.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from hybridret.planning.gpus import GPUS, Gpu

PAGE = Path(__file__).resolve().parent / "scale.md"
BEGIN, END = "<!-- computed -->\n", "<!-- end -->"


@dataclass(frozen=True)
class Encoder:
    """`body` counts parameters without the token embeddings; vectors are as wide as the body."""

    name: str
    body: int
    layers: int
    width: int


# Body parameters from the configs of the checkpoints, without token embeddings.
ENCODERS = (
    Encoder("MiniLM-L6", 10_650_000, 6, 384),
    Encoder("XLM-R base", 85_600_000, 12, 768),
    Encoder("XLM-R large", 303_300_000, 24, 1024),
    Encoder("1B decoder, 2,048 wide", 1_000_000_000, 16, 2048),
    Encoder("3B decoder, 2,560 wide", 3_000_000_000, 36, 2560),
    Encoder("10B decoder, 4,096 wide", 10_000_000_000, 40, 4096),
)
H200 = GPUS["h200"]
BANDWIDTH = 4.8e12  # bytes a second from the memory of an H200, by its data sheet
TOKENS = 128  # of a passage
UTILISATION = 0.4  # of the bf16 peak, in the forward pass
HELD = 0.8  # share of a GPU's memory for vectors
QUERIES = 1_000
CORPORA = (("MIRACL-en", 32_893_221), ("one billion", 1_000_000_000))
PQ_BYTES = 64  # IVF-PQ code of a vector


def encoding_flops(encoder: Encoder, tokens: int) -> float:
    """Operations of one forward pass over a text of `tokens`: two per parameter and token, and attention's two
    products of tokens x tokens x width in each layer (Kaplan et al., arXiv 2001.08361, with attention not left out).
    """
    return 2.0 * encoder.body * tokens + 4.0 * encoder.layers * tokens**2 * encoder.width


def encoding_seconds(encoder: Encoder, passages: int, tokens: int, gpu: Gpu, utilisation: float) -> float:
    """GPU-seconds to encode `passages` at a share `utilisation` (0..1] of the bf16 peak."""
    return passages * encoding_flops(encoder, tokens) / (gpu.bf16_flops * utilisation)


def search_seconds(queries: int, passages: int, width: int, gpu: Gpu, bandwidth: float, value: int) -> float:
    """GPU-seconds of an exact search, whichever is longer: the products at fp32 peak, or reading every vector of
    `width` values of `value` bytes once."""
    return max(2.0 * queries * passages * width / gpu.fp32_flops, passages * width * value / bandwidth)


def gpus_to_hold(size: float, gpu: Gpu, share: float) -> int:
    """How many accelerators hold `size` bytes if a share (0..1] of each one's memory is used for it."""
    return max(1, -int(-size // (gpu.memory_bytes * share)))


def table(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = [head, [":--"] + ["--:"] * (len(head) - 1), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def size(count: float) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count / 1e6:,.1f} MB"


def duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{seconds / 3600:,.1f} h"
    return f"{seconds / 60:,.1f} min" if seconds >= 60 else f"{seconds:,.1f} s"


def computed() -> str:
    parts = [
        f"Assumed: passages of {TOKENS} tokens, {UTILISATION:.0%} of an H200's dense bf16 peak "
        f"({H200.bf16_flops / 1e12:,.0f} TFLOP/s) in the forward pass, vectors in float16, {HELD:.0%} of "
        f"{size(H200.memory_bytes)} of GPU memory for vectors, {QUERIES:,} queries, products in fp32 "
        f"({H200.fp32_flops / 1e12:,.0f} TFLOP/s).\n"
    ]
    for name, passages in CORPORA:
        rows = [["encoder", "GFLOP a passage", "encode, one GPU", "float32", "float16", f"PQ {PQ_BYTES} B"]]
        rows[0] += ["GPUs to hold float16", "exact search, one GPU's time"]
        for encoder in ENCODERS:
            half = passages * encoder.width * 2
            rows.append(
                [
                    encoder.name,
                    f"{encoding_flops(encoder, TOKENS) / 1e9:,.1f}",
                    duration(encoding_seconds(encoder, passages, TOKENS, H200, UTILISATION)),
                    size(passages * encoder.width * 4),
                    size(half),
                    size(passages * PQ_BYTES),
                    str(gpus_to_hold(half, H200, HELD)),
                    duration(search_seconds(QUERIES, passages, encoder.width, H200, BANDWIDTH, 2)),
                ]
            )
        ids = passages * 8 * 2  # tie order and its slice
        parts.append(
            f"### {name}: {passages:,} passages\n\n{table(rows)}\nIn main memory beside the vectors: {size(ids)} for "
            f"the order of ties (two integers a passage); texts and ids stay on disk.\n"
        )
    return "\n".join(parts) + "\n\n"


def main() -> int:
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + "\n" + computed() + END + after, encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
