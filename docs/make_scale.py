"""Compute the tables of docs/scale.md: what evaluation costs at the size of MIRACL-en and of a billion passages.

    python docs/make_scale.py        # rewrites the marked place of docs/scale.md

Everything that is assumed stands in the constants below; change them and run it again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hybridret.analysis.scale import (
    Encoder,
    Gpu,
    encoding_flops,
    encoding_seconds,
    gpus_to_hold,
    index_bytes,
    search_seconds,
)

PAGE = Path(__file__).resolve().parent / "scale.md"
BEGIN, END = "<!-- computed -->\n", "<!-- end -->"

# Body parameters from the configs of the checkpoints, without token embeddings.
ENCODERS = (
    Encoder("MiniLM-L6", 10_650_000, 6, 384),
    Encoder("XLM-R base", 85_600_000, 12, 768),
    Encoder("XLM-R large", 303_300_000, 24, 1024),
    Encoder("1B decoder, 2,048 wide", 1_000_000_000, 16, 2048),
    Encoder("3B decoder, 2,560 wide", 3_000_000_000, 36, 2560),
    Encoder("10B decoder, 4,096 wide", 10_000_000_000, 40, 4096),
)
# NVIDIA's data sheets, without sparsity.
H200 = Gpu("H200", bf16=989e12, fp32=67e12, memory=141e9, bandwidth=4.8e12)
TOKENS = 128  # of a passage
UTILISATION = 0.4  # of the bf16 peak, in the forward pass
HELD = 0.8  # share of a GPU's memory for vectors
QUERIES = 1_000
CORPORA = (("MIRACL-en", 32_893_221), ("one billion", 1_000_000_000))
PQ_BYTES = 64  # IVF-PQ code of a vector


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
        f"Assumed: passages of {TOKENS} tokens, {UTILISATION:.0%} of an {H200.name}'s dense bf16 peak "
        f"({H200.bf16 / 1e12:,.0f} TFLOP/s) in the forward pass, vectors in float16, {HELD:.0%} of {size(H200.memory)} "
        f"of GPU memory for vectors, {QUERIES:,} queries, products in fp32 ({H200.fp32 / 1e12:,.0f} TFLOP/s).\n"
    ]
    for name, passages in CORPORA:
        rows = [["encoder", "GFLOP a passage", "encode, one GPU", "float32", "float16", f"PQ {PQ_BYTES} B"]]
        rows[0] += ["GPUs to hold float16", "exact search, one GPU's time"]
        for encoder in ENCODERS:
            half = index_bytes(passages, encoder.width, 2)
            rows.append(
                [
                    encoder.name,
                    f"{encoding_flops(encoder, TOKENS) / 1e9:,.1f}",
                    duration(encoding_seconds(encoder, passages, TOKENS, H200, UTILISATION)),
                    size(index_bytes(passages, encoder.width, 4)),
                    size(half),
                    size(passages * PQ_BYTES),
                    str(gpus_to_hold(half, H200, HELD)),
                    duration(search_seconds(QUERIES, passages, encoder.width, H200, 2)),
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
