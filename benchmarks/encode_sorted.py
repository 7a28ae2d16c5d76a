"""Seconds to encode XQuAD-R sentences in the order of the corpus over seconds of `encode_texts`, which sorts by tokens.

    python benchmarks/encode_sorted.py --data ../shared/data/eval/xquad-r
        # about 12 minutes on one thread; targets: at least 2.3, with the paragraph as context at least 1.3

The rival has the same encoder, precision and tokenisation in one go; it takes 64 texts in the order of the corpus and
pads them to the longest. Ours takes at most 64 texts of about equal length. Two encoders of the same shape (6 layers,
width 384): all-MiniLM-L6-v2 on the languages that its vocabulary knows, and one with random weights and a tokenizer
trained on the texts themselves, all eleven languages, as a multilingual checkpoint has one. (MiniLM's vocabulary cuts
Greek, Hindi or Russian into letters: nearly every paragraph then stands at the cap, and there is nothing to sort.)
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from compare import compare, cut, minilm, padding, sentences

from hybridret.base.files import hash_json
from hybridret.base.progress import Quiet
from hybridret.base.records import FloatArray
from hybridret.base.settings import TextSettings
from hybridret.data.benchmarks.xquad_r import LANGUAGES
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.scratch import Scratch
from hybridret.retrieval.encode import encode_texts, length_batches


@torch.inference_mode()
def in_order(encoder: DualEncoder, texts: list[str], batch_size: int, contexts: list[str] | None) -> FloatArray:
    rows = encoder.tokenization.passages(texts, contexts)
    parts = []
    for start in range(0, len(rows), batch_size):
        tokens = encoder.tokenization.pad(rows[start : start + batch_size])
        parts.append(encoder(*tokens).numpy())
    return np.concatenate(parts)


@dataclass(frozen=True)
class Texts:
    """A corpus in memory, for the tokenizer to be trained on."""

    lines: list[str]

    def texts(self) -> list[str]:
        return self.lines

    def fingerprint(self) -> str:
        return hash_json(self.lines)


def multilingual(lines: list[str], length: int) -> DualEncoder:
    """MiniLM's shape with random weights and a vocabulary of 32,000 trained on `lines`."""
    shape = {"base": {"width": 384, "layers": 6, "heads": 12}}
    family = Scratch(shape, vocabulary_size=32_000, max_positions=length)
    return family.encoder("base", TextSettings("", "", length, length), Texts(lines), 0)


def measure(name: str, encoder: DualEncoder, languages: list[str], options: argparse.Namespace) -> None:
    """Both comparisons for one encoder, without context and with it."""
    for what, count, with_contexts, target in (
        ("sentences", options.sentences, False, 2.3),
        ("sentences with context", options.context_sentences, True, 1.3),
    ):
        texts, paragraphs = sentences(options.data, languages, -(-count // len(languages)))
        contexts = paragraphs if with_contexts else None
        lengths = [len(row) for row in encoder.tokenization.passages(texts, contexts)]
        print(
            f"{name}, {what}: {len(texts)} of {' '.join(languages)}, {sum(lengths) / len(lengths):.1f} tokens on "
            f"average; padding {padding(lengths, cut(np.arange(len(texts)), options.batch_size)):.1%} in order, "
            f"{padding(lengths, length_batches(lengths, options.batch_size)):.1%} sorted",
            flush=True,
        )
        compare(
            f"{name}, {what}",
            partial(in_order, encoder, texts, options.batch_size, contexts),
            partial(encode_texts, encoder, texts, "passage", options.batch_size, Quiet(), contexts=contexts),
            options.repeats,
            sum(lengths),
            target,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval/xquad-r"))
    parser.add_argument("--sentences", type=int, default=880, help="of all languages together")
    parser.add_argument("--context-sentences", type=int, default=220, help="of all languages together, with context")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    measure("MiniLM", minilm(options.length), ["en", "es"], options)
    lines = [line for texts in sentences(options.data, LANGUAGES, 10_000) for line in dict.fromkeys(texts)]
    measure("all languages", multilingual(lines, options.length), list(LANGUAGES), options)


if __name__ == "__main__":
    main()
