from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.retrieval.bm25 import Bm25
from hybridret.retrieval.exact_search import search_top_k
from hybridret.retrieval.terms import STOPWORDS, Terms
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
        shares = np.array([bool({*known} & {*words(small_collection.passages[i])}) for i in chosen])
        if method == "robertson":  # its weight of a word that half of the passages have is 0
            shares &= expected > 0
        np.testing.assert_array_equal(got[row], np.where(shares, expected, -np.inf))
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
    assert Bm25().index(small_collection, np.arange(4), Quiet()).scores(np.array([0]))[0, 3] == -np.inf


def test_texts_without_words_are_no_hits(small_collection: Collection) -> None:
    silent = replace(small_collection, passages=["!", "…", "", "?"])
    assert Bm25().index(silent, np.arange(4), Quiet()).scores(np.arange(3)).tolist() == [[-np.inf] * 4] * 3
    mute = replace(small_collection, queries=["?!", "", "unheard"], passages=[*small_collection.passages[:3], ""])
    assert Bm25().index(mute, np.arange(4), Quiet()).scores(np.arange(3)).tolist() == [[-np.inf] * 4] * 3


def test_not_cosines() -> None:
    assert not Bm25().cosine


@pytest.mark.parametrize("arguments", [{"k1": -1.0}, {"b": 1.5}, {"method": "tfidf"}, {"backend": "jax"}])
def test_bad_parameters(arguments: dict[str, float]) -> None:
    with pytest.raises(UserError, match=rf"^backbone\.{next(iter(arguments))}="):
        Bm25(**arguments)  # type: ignore[arg-type]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(UserError, match=r"pip install 'hybridret\[bm25\]'"):
        Bm25()


def drawn(size: int, seed: int, queries: int = 40) -> Collection:
    """Passages of few words from a small vocabulary, in a random order of ids: most scores are tied."""
    random = np.random.default_rng(seed)
    texts = [" ".join(f"w{i}" for i in random.integers(0, 12, random.integers(0, 6))) for _ in range(size)]
    asked = [" ".join(f"w{i}" for i in random.integers(0, 14, 2)) for _ in range(queries)]
    return Collection(
        name="drawn",
        languages=("en",),
        query_ids=tuple(f"q{i}" for i in range(queries)),
        queries=asked,
        query_languages=np.zeros(queries, dtype=np.int64),
        questions=np.arange(queries),
        passage_ids=tuple(f"p{i}" for i in random.permutation(size)),
        passages=texts,
        passage_languages=np.zeros(size, dtype=np.int64),
        relevant_queries=np.arange(1),
        relevant_passages=np.arange(1),
        grades=np.ones(1, dtype=np.int64),
    )


@pytest.mark.parametrize("method", ["lucene", "robertson", "bm25+"])
@pytest.mark.parametrize("k", [1, 7, 60, 500])
def test_search_is_the_full_ranking_without_passages_that_share_no_word(method: str, k: int) -> None:
    collection, first, last = drawn(300, seed=k), 50, 250
    asked = np.array([3, 0, 39, 21, 8])
    retriever = Bm25(method=method)
    scores = retriever.index(collection, np.arange(first, last), Quiet()).scores(asked)
    columns, expected = search_top_k(scores, k, collection.tie_order[first:last])
    hits = retriever.search(collection, asked, first, last, k, Quiet())
    assert hits.passages.shape == hits.scores.shape == (5, min(k, 200))
    assert hits.scores.dtype == np.float32
    sharing = 0
    for row, query in enumerate(asked.tolist()):
        known = set(words(collection.queries[query]))
        shares = np.array([bool(known & set(words(text))) for text in collection.passages])
        count = int(shares[columns[row] + first].sum())
        assert shares[columns[row, :count] + first].all()  # they are before those that share none
        if method != "robertson":  # its weight of a frequent word is 0
            np.testing.assert_array_equal(hits.passages[row, :count], columns[row, :count] + first)
            np.testing.assert_array_equal(hits.scores[row, :count], expected[row, :count])
            assert (hits.passages[row, count:] == -1).all()
            assert (hits.scores[row, count:] == -np.inf).all()
        sharing += count
    assert sharing > 0


@pytest.mark.parametrize("k", [1, 7, 60, 199, 200, 500])
def test_numba_gives_the_same_hits(k: int) -> None:
    pytest.importorskip("numba")
    collection = drawn(300, seed=k)
    asked = np.arange(40)
    slow = Bm25(backend="numpy").search(collection, asked, 50, 250, k, Quiet())
    fast = Bm25(backend="numba").search(collection, asked, 50, 250, k, Quiet())
    np.testing.assert_array_equal(fast.passages, slow.passages)
    np.testing.assert_array_equal(fast.scores, slow.scores)
    equal = (slow.scores[:, 1:] == slow.scores[:, :-1]) & (slow.passages[:, 1:] >= 0)
    assert k == 1 or equal.any()  # there are ties to break


def test_search_has_the_document_frequencies_of_its_range(small_collection: Collection) -> None:
    retriever = Bm25()
    for first, last in ((0, 2), (2, 4), (0, 4)):
        hits = retriever.search(small_collection, np.array([2]), first, last, 1, Quiet())
        scores = Bm25().index(small_collection, np.arange(first, last), Quiet()).scores(np.array([2]))[0]
        if scores.max() > 0:
            assert hits.passages[0, 0] == first + scores.argmax()
            assert hits.scores[0, 0] == scores.max()
        else:
            assert hits.passages[0, 0] == -1


def test_passages_are_read_in_slices_and_split_once(
    small_collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnDisk(Sequence[str]):
        def __init__(self, texts: Sequence[str]) -> None:
            self.texts, self.read = texts, 0

        def __len__(self) -> int:
            return len(self.texts)

        def __getitem__(self, place: int | slice) -> str:
            assert isinstance(place, slice)
            assert place.stop - place.start <= 3
            self.read += len(self.texts[place])
            return self.texts[place]

    monkeypatch.setattr("hybridret.retrieval.word_table.SLICE", 3)
    texts = OnDisk(small_collection.passages)
    retriever, collection = Bm25(), replace(small_collection, passages=texts)
    got = retriever.search(collection, np.arange(3), 0, 4, 4, Quiet())
    retriever.search(collection, np.arange(3), 0, 4, 2, Quiet())
    retriever.index(collection, np.arange(1, 3), Quiet())
    assert texts.read == 4
    expected = Bm25().search(small_collection, np.arange(3), 0, 4, 4, Quiet())
    np.testing.assert_array_equal(got.passages, expected.passages)


def test_nothing_to_find() -> None:
    collection = replace(drawn(5, 1, queries=3), queries=["unheard", "", "w1 w2"], passages=["", "!", "?", "", "…"])
    hits = Bm25().search(collection, np.arange(3), 0, 5, 4, Quiet())
    assert (hits.passages == -1).all()
    assert Bm25().search(collection, np.arange(3), 2, 2, 4, Quiet()).passages.shape == (3, 0)
    assert Bm25().search(collection, np.arange(0), 0, 5, 4, Quiet()).passages.shape == (0, 4)


def test_notes_say_how() -> None:
    notes = Bm25(k1=0.9, b=0.4).about(drawn(3, 1))
    assert notes["bm25"] == "lucene, k1 0.9, b 0.4; a passage without a word of the query is no hit"
    assert "case folded" in notes["words"]
    assert "Hangul" in notes["words"]
    assert (notes["stemmer"], notes["stop words"]) == ("none", "none")


def test_stems_and_stop_words_of_the_languages_that_have_them() -> None:
    pytest.importorskip("Stemmer")
    collection = replace(
        drawn(4, 1, queries=3),
        languages=("en", "de", "zh"),
        queries=["the running of dogs", "die Häuser", "的东京"],
        query_languages=np.array([0, 1, 2]),
        passages=["a dog runs", "the of", "ein Haus", "的"],
        passage_languages=np.array([0, 0, 1, 2]),
    )
    every = np.arange(4)

    def found(retriever: Bm25) -> list[list[int]]:
        scores = retriever.index(collection, every, Quiet()).scores(np.arange(3))
        return [np.flatnonzero(row > 0).tolist() for row in scores]

    assert found(Bm25()) == [[1], [], [3]]
    assert found(Bm25(stopwords=True)) == [[], [], [3]]
    assert found(Bm25(stemmer=True)) == [[0, 1], [2], [3]]
    assert found(Bm25(stemmer=True, stopwords=True)) == [[0], [2], [3]]
    notes = Bm25(stemmer=True, stopwords=True).about(collection)
    assert notes["stemmer"] == "Snowball in en, de; none for zh"
    assert notes["stop words"] == "the lists of bm25s in en, de; none for zh"
    hits = Bm25(stemmer=True).search(collection, np.arange(3), 0, 4, 4, Quiet())
    assert [sorted(row[row >= 0].tolist()) for row in hits.passages] == [[0, 1], [2], [3]]


def test_every_list_of_stop_words_is_there() -> None:
    terms = Terms(stopwords=True)
    for language in STOPWORDS:
        assert len(terms.notes([language])["stop words"].split()) == 6
        assert terms.of("东京 tokyo", language)[-1] == "tokyo"


def test_a_missing_stemmer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    with pytest.raises(UserError, match=r"PyStemmer.*pip install 'hybridret\[bm25\]'"):
        Bm25(stemmer=True)


def test_numba_asked_for_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    assert Bm25(backend="auto").index(drawn(9, 1), np.arange(9), Quiet()) is not None
    with pytest.raises(UserError, match=r"numba.*pip install 'hybridret\[bm25\]'"):
        Bm25(backend="numba")
