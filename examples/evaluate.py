"""Evaluate without Hydra: an encoder folder on the test sets of the built-in corpus, in three settings.

python examples/evaluate.py FOLDER/checkpoints/best      # after examples/train.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from hybridret.base.bars import Bars
from hybridret.base.settings import EvaluationSettings
from hybridret.data.cldr.source import CldrCorpus
from hybridret.encoders.folder import load_encoder
from hybridret.evaluation.evaluate import evaluate
from hybridret.retrieval.dense import Dense

SETTINGS = EvaluationSettings(
    batch_size=64,
    settings=["monolingual", "cross-lingual", "multilingual"],
    cutoffs=[10, 100],
    entropy_temperature=0.05,
    entropy_sample=256,
    precision="fp32",
    full_ranks=200_000,
    depth=1000,
    cache=None,
    cache_from=50_000,
    vectors="float32",
    trec=False,
    mteb=False,
)


def main(folder: Path) -> None:
    """Print mAP and recall@10 of each test set, averaged over languages or pairs."""
    retriever = Dense(load_encoder(folder), batch_size=64)
    for collection in CldrCorpus(languages=["en", "de", "ar"], cities=40).test():
        found = evaluate(retriever, collection, SETTINGS, seed=0, progress=Bars()).macro()
        for setting in SETTINGS.settings:
            name = f"{collection.name}/{setting}"
            print(f"{name:28} mAP {found[f'{name}/map']:.3f}   recall@10 {found[f'{name}/recall@10']:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
