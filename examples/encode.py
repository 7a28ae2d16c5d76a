"""Encode and search without Hydra: an encoder folder, a few passages in two languages, one question.

python examples/encode.py FOLDER/checkpoints/best        # after examples/train.py, or of any run
"""

from __future__ import annotations

import sys
from pathlib import Path

from hybridret.base.progress import Quiet
from hybridret.encoders.folder import load_encoder
from hybridret.retrieval.encode import encode_texts

PASSAGES = [
    "Paris is the capital of France.",
    "Die Hauptstadt von Italien ist Rom.",
    "The currency of Japan is the yen.",
]


def main(folder: Path) -> None:
    """Print the passages by their cosine with the question, best first."""
    encoder = load_encoder(folder)
    passages = encode_texts(encoder, PASSAGES, "passage", 64, Quiet())
    query = encode_texts(encoder, ["Was ist die Hauptstadt von Frankreich?"], "query", 64, Quiet())
    scores = (passages @ query[0]).tolist()
    for score, text in sorted(zip(scores, PASSAGES, strict=True), reverse=True):
        print(f"{score:6.3f}  {text}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
