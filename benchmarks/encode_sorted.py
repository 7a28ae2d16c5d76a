"""Seconds to encode XQuAD-R sentences in the order of the corpus over seconds of `encode_texts`, which sorts by tokens.

    python benchmarks/encode_sorted.py --data ../shared/data/eval/xquad-r
        # about 6 minutes on one thread; targets: at least 2.3, with the paragraph as context at least 1.3

The rival has the same encoder (all-MiniLM-L6-v2), precision and tokenisation in one go; it takes 64 texts in the order
of the corpus and pads them to the longest. Ours takes at most 64 texts of about equal length.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from compare import compare, cut, minilm, padding, sentences

from hybridret.encoders.dual import DualEncoder
from hybridret.progress import Quiet
from hybridret.records import FloatArray
from hybridret.retrieval.encode import encode_texts, length_batches


@torch.inference_mode()
def in_order(encoder: DualEncoder, texts: list[str], batch_size: int, contexts: list[str] | None) -> FloatArray:
    rows = encoder.tokenization.passages(texts, contexts)
    parts = []
    for start in range(0, len(rows), batch_size):
        tokens = encoder.tokenization.pad(rows[start : start + batch_size])
        parts.append(encoder(*tokens).numpy())
    return np.concatenate(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval/xquad-r"))
    parser.add_argument("--languages", nargs="+", default=["en", "es"])
    parser.add_argument("--sentences", type=int, default=400, help="of each language")
    parser.add_argument("--context-sentences", type=int, default=100, help="of each language, with context")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = minilm(options.length)
    for name, count, with_contexts, target in (
        ("sentences", options.sentences, False, 2.3),
        ("sentences with context", options.context_sentences, True, 1.3),
    ):
        if not count:
            continue
        texts, paragraphs = sentences(options.data, options.languages, count)
        contexts = paragraphs if with_contexts else None
        lengths = [len(row) for row in encoder.tokenization.passages(texts, contexts)]
        print(
            f"{name}: {len(texts)} of {' '.join(options.languages)}, {sum(lengths) / len(lengths):.1f} tokens on "
            f"average; padding "
            f"{padding(lengths, cut(np.arange(len(texts)), options.batch_size)):.1%} in order, "
            f"{padding(lengths, length_batches(lengths, options.batch_size)):.1%} sorted",
            flush=True,
        )
        compare(
            name,
            partial(in_order, encoder, texts, options.batch_size, contexts),
            partial(encode_texts, encoder, texts, "passage", options.batch_size, Quiet(), contexts=contexts),
            options.repeats,
            sum(lengths),
            target,
        )


if __name__ == "__main__":
    main()
