from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from hybridret.errors import UserError
from hybridret.progress import Quiet
from hybridret.records import Collection
from hybridret.retrieval.bm25 import Bm25
from hybridret.retrieval.words import words

bm25s = pytest.importorskip("bm25s")


@pytest.mark.parametrize("method", ["lucene", "robertson", "bm25+"])
def test_equal_to_bm25s(small_collection: Collection, method: str) -> None:
    chosen = np.array([0, 2, 3])
    got = Bm25(method=method).index(small_collection, chosen, Quiet()).scores(np.array([2, 0, 1]))
    model = bm25s.BM25(k1=1.2, b=0.75, method=method)
    model.index([words(small_collection.passages[i]) for i in chosen], show_progress=False)
    for row, query in enumerate([2, 0, 1]):
        known = [word for word in words(small_collection.queries[query]) if word in model.vocab_dict]
        expected = model.get_scores(known) if known else np.zeros(3)
        np.testing.assert_array_equal(got[row], expected)
    assert got.max() > 0


def test_the_formula_with_the_document_frequencies_of_the_subset(small_collection: Collection) -> None:
    chosen = [0, 2]
    documents = [words(small_collection.passages[i]) for i in chosen]
    mean = sum(map(len, documents)) / 2
    got = Bm25(k1=0.9, b=0.4).index(small_collection, np.array(chosen), Quiet()).scores(np.array([0]))[0]
    for column, document in enumerate(documents):
        total = 0.0
        for word in words(small_collection.queries[0]):
            frequency, holding = document.count(word), sum(word in d for d in documents)
            idf = math.log(1 + (2 - holding + 0.5) / (holding + 0.5))
            total += idf * frequency / (frequency + 0.9 * (1 - 0.4 + 0.4 * len(document) / mean))
        assert got[column] == pytest.approx(total, abs=1e-6)


def test_contexts_are_part_of_a_passage(small_collection: Collection) -> None:
    richer = replace(small_collection, contexts=["", "", "", "where is it"])
    scores = Bm25().index(richer, np.arange(4), Quiet()).scores(np.array([0]))
    assert scores[0, 3] > 0
    assert Bm25().index(small_collection, np.arange(4), Quiet()).scores(np.array([0]))[0, 3] == 0


def test_texts_without_words_score_zero(small_collection: Collection) -> None:
    silent = replace(small_collection, passages=["!", "…", "", "?"])
    assert Bm25().index(silent, np.arange(4), Quiet()).scores(np.arange(3)).tolist() == [[0.0] * 4] * 3
    mute = replace(small_collection, queries=["?!", "", "unheard"], passages=[*small_collection.passages[:3], ""])
    assert Bm25().index(mute, np.arange(4), Quiet()).scores(np.arange(3)).tolist() == [[0.0] * 4] * 3


def test_not_cosines() -> None:
    assert not Bm25().cosine


@pytest.mark.parametrize("arguments", [{"k1": -1.0}, {"b": 1.5}, {"method": "tfidf"}])
def test_bad_parameters(arguments: dict[str, float]) -> None:
    with pytest.raises(UserError, match="bm25"):
        Bm25(**arguments)  # type: ignore[arg-type]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(UserError, match=r"pip install 'hybridret\[bm25\]'"):
        Bm25()
