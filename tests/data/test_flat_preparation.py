"""A preparation of more rows holds no more memory: neither arrays nor pages of the files that it reads and writes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hybridret.base import mapped
from hybridret.base.mapped import chunks, release, taken
from hybridret.base.scratch import scratch_array
from hybridret.data.lines import no_progress
from hybridret.data.prepared import card, distinct, question_sets, stored_texts
from hybridret.data.prepared.card import _dataset
from hybridret.data.prepared.distinct import each_text_once
from hybridret.data.prepared.stored_pairs import complete_pairs, read_pairs, write_about
from hybridret.data.prepared.stored_texts import StoredTexts, write_batches

CHUNK, LETTERS = 1 << 10, 2400
MEGABYTE = 1 << 20
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(distinct, "LARGE", 0)
    for module, name in (
        (stored_texts, "ROWS"), (card, "ROWS"), (card, "BLOCK"), (card, "QUESTIONS"),
        (question_sets, "CHUNK"), (distinct, "CHUNK"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, CHUNK)


def written(folder: Path, questions: int) -> Path:
    """Pairs of two languages; two questions share a passage, and the second language lacks every tenth question."""
    folder.mkdir()
    for number, language in enumerate(("de", "en")):
        for side, letters, count in (("queries", 20, questions), ("passages", LETTERS, questions // 2)):
            write_batches(
                folder / f"{side}.{language}.arrow",
                (
                    pa.record_batch(
                        [pa.array([None if number and row % 10 == 0 else f"{row:0{letters}d}" for row in rows],
                                  pa.large_string())], names=["text"],
                    )
                    for rows in (range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))
                ),
            )  # fmt: skip
    write_batches(
        folder / "question_ids.arrow",
        (
            pa.record_batch([pa.array(list(map(str, range(start, stop))), pa.large_string())], names=["text"])
            for start, stop in chunks(questions, CHUNK)
        ),
    )
    np.save(folder / "question_passages.npy", np.arange(questions) // 2)
    np.save(folder / "question_queries.npy", np.arange(questions))
    np.save(folder / "passage_groups.npy", np.arange(questions) // 2 * 3)
    write_about(folder, "facts", ("de", "en"))
    return folder


def _complete(folder: Path) -> None:
    complete_pairs(folder)


def _card(folder: Path) -> None:
    _dataset("training", read_pairs(folder), no_progress)


def _texts(folder: Path) -> None:
    for _ in each_text_once([read_pairs(folder)]):
        pass


def _iterated(folder: Path) -> None:
    for _ in StoredTexts(folder / "passages.de.arrow"):
        pass


def arrays(work: Callable[[Path], None], folder: Path) -> int:
    """Most bytes of Python's and numpy's memory that `work` holds at a time."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work(folder)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def resident(work: Callable[[Path], None], folder: Path) -> int:
    """Bytes by which the largest resident memory of the process, pages of files included, exceeds that before."""
    CLEAR.write_text("5")
    before = _peak()
    work(folder)
    return _peak() - before


def _peak() -> int:
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("work", [_complete, _card])
def test_no_array_grows_with_the_rows(work: Callable[[Path], None], tmp_path: Path) -> None:
    few, many = (written(tmp_path / str(times), times * CHUNK) for times in (4, 16))
    if work is _card:
        complete_pairs(few)
        complete_pairs(many)
    work(few)  # imports and caches
    assert arrays(work, many) < 1.1 * arrays(work, few)


@pytest.mark.skipif(not CLEAR.exists(), reason="Linux counts resident memory there")
@pytest.mark.parametrize("work", [_card, _texts, _iterated])
def test_pages_of_files_do_not_stay(work: Callable[[Path], None], tmp_path: Path) -> None:
    folder = written(tmp_path / "many", 24 * CHUNK)
    complete_pairs(folder)
    size = (folder / "passages.de.arrow").stat().st_size
    assert size > 28 * MEGABYTE
    work(folder)
    assert resident(work, folder) < size / 2


@pytest.mark.skipif(not CLEAR.exists(), reason="Linux counts resident memory there")
def test_what_is_given_back_is_not_lost() -> None:
    array = scratch_array(8 * MEGABYTE, np.int8)
    CLEAR.write_text("5")
    before = _peak()
    for start, stop in chunks(len(array), MEGABYTE // 2, array[3:]):
        array[start:stop] = 7
    assert _peak() - before < 4 * MEGABYTE
    assert (array == 7).all()
    assert _peak() - before > 6 * MEGABYTE  # the measure sees pages that stay


def test_arrays_in_memory_and_nothing_are_left_as_they_are() -> None:
    array = np.arange(5)
    release(array, array[2:], None)
    assert array.tolist() == [0, 1, 2, 3, 4]
    assert list(chunks(5, 2)) == [(0, 2), (2, 4), (4, 5)]
    assert list(chunks(0, 2)) == []


def test_taken_is_indexing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "numbers.npy", np.random.default_rng(0).integers(0, 99, (100, 3)))
    stored = np.load(tmp_path / "numbers.npy", mmap_mode="r")
    given: list[Any] = []
    monkeypatch.setattr(mapped, "release", lambda *some: given.append(some))
    for rows in (np.array([], np.int64), np.array([0, 6, 7, 7, 13, 99]), np.arange(100)):
        assert taken(stored[:, 1], rows, 7).tolist() == stored[rows, 1].tolist()
    assert len(given) == 3 * 15
