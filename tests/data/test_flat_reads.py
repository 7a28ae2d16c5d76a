"""What reads all of large prepared data in flat memory, against the same in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hybridret.base.records import ParallelPairs
from hybridret.data.leaks import sides
from hybridret.data.leaks.sides import training_slices, training_texts
from hybridret.data.prepared import distinct, question_sets
from hybridret.data.prepared import source as source_module
from hybridret.data.prepared.distinct import each_text_once
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.prepared.stored_pairs import StoredPairs, complete_pairs, questions_in, read_pairs, write_pairs
from hybridret.data.source import distinct_texts


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(distinct, "LARGE", 0)
    for module in (distinct, question_sets, sides):
        monkeypatch.setattr(module, "CHUNK", 7)


@pytest.fixture(params=[0, 1, 2])
def data(request: pytest.FixtureRequest) -> ParallelPairs:
    """100 questions with texts that come back, in other languages and other columns; languages are missing."""
    random = np.random.default_rng(request.param)
    languages = ("en", "de", "tr")
    there = random.random((100, 3)) < 0.6
    queries = {
        one: [f"text {random.integers(0, 150)}" if there[q, n] else None for q in range(100)]
        for n, one in enumerate(languages)
    }
    groups = random.integers(0, 60, 100)
    passages = {
        one: [f"text {groups[q] + 100 + 60 * (q % 4 == n)}" if there[q, n] else None for q in range(100)]
        for n, one in enumerate(languages)
    }  # some groups have two wordings
    ids = tuple(f"q{number}" for number in range(100))
    return ParallelPairs("facts", languages, ids, queries, passages, groups.astype(np.int64) * 9 - 70)


@pytest.fixture
def stored(data: ParallelPairs, tmp_path: Path) -> StoredPairs:
    write_pairs(tmp_path / "facts", data)
    complete_pairs(tmp_path / "facts")
    return read_pairs(tmp_path / "facts")


def test_each_text_comes_once_in_the_same_order(data: ParallelPairs, stored: StoredPairs) -> None:
    expected = list(distinct_texts([data, data]))
    assert len(expected) == len(set(expected)) > 100
    assert list(each_text_once([stored, stored])) == expected
    assert list(each_text_once([])) == []


def test_the_leak_check_sees_the_same_slices(data: ParallelPairs, stored: StoredPairs) -> None:
    for side in ("questions", "passages"):
        mine, theirs = (list(training_slices(pairs, side, 16)) for pairs in (stored, data))  # type: ignore[arg-type]
        assert [one.language for one in mine] == [one.language for one in theirs]
        for one, other in zip(mine, theirs, strict=True):
            assert np.array_equal(one.questions, other.questions)
            assert list(one.texts) == list(other.texts)
        whole = sum(len(one.texts) for one in theirs)
        assert training_texts(stored, side) == training_texts(data, side) == whole  # type: ignore[arg-type]
        assert all(len(one.texts) <= 16 for one in mine)


def test_questions_of_a_language_are_the_same(data: ParallelPairs, stored: StoredPairs) -> None:
    for language in range(3):
        mine, theirs = questions_in(stored, language), questions_in(data, language)
        assert (mine.count, mine.passages, mine.largest) == (theirs.count, theirs.passages, theirs.largest)
        assert mine.part(0, mine.count).tolist() == np.flatnonzero(data.present[:, language]).tolist()


def test_an_older_copy_is_named_and_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hybridret.data.cldr.source import CldrCorpus

    source = CldrCorpus(languages=["en", "de"], cities=20, spoken=20)
    monkeypatch.setattr(source_module, "VERSION", 1)
    older = PreparedSource(source)
    older.prepare(older._progress)
    monkeypatch.setattr(source_module, "VERSION", 2)
    newer = PreparedSource(source)
    newer.training()
    assert older.path != newer.path
    assert str(older.path) in caplog.text
    assert "prepared again" in caplog.text
