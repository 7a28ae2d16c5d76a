"""Large prepared data against its slow twin, the path in memory: the same batches, bit for bit."""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import STRATEGIES, MakePairs

from hybridret.base import scratch
from hybridret.base.errors import UserError
from hybridret.base.records import Batch, ParallelPairs
from hybridret.batching import mapped_streams, question_sources
from hybridret.batching.cross import Cross
from hybridret.batching.en_en import EnEn
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mapped_streams import MappedStream
from hybridret.batching.mono import Mono
from hybridret.batching.schedule import MixedSchedule
from hybridret.batching.strategy import Schedule
from hybridret.batching.validation_batches import validation_batches
from hybridret.data.prepared import question_sets
from hybridret.data.prepared.question_sets import MOST_LANGUAGES, SETS
from hybridret.data.prepared.stored_pairs import StoredPairs, complete_pairs, read_pairs, write_pairs

SMALL_CHUNK = 7  # elements: several chunks in data of 100 questions


@pytest.fixture(autouse=True)
def _mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared data of any size stay in files, and work is done in small chunks."""
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(question_sources, "LARGE", 0)
    for module in (mapped_streams, question_sets):
        monkeypatch.setattr(module, "CHUNK", SMALL_CHUNK)


def stored(folder: Path, datasets: Sequence[ParallelPairs]) -> list[StoredPairs]:
    found = []
    for number, pairs in enumerate(datasets):
        write_pairs(folder / str(number), pairs)
        complete_pairs(folder / str(number))
        found.append(read_pairs(folder / str(number)))
    return found


def made(strategy: Any, datasets: Sequence[ParallelPairs]) -> tuple[Schedule | None, str]:
    """The schedule in batches of 5, or the message of the error."""
    try:
        return strategy.schedule(datasets, 5), ""
    except UserError as error:
        return None, str(error)


def assert_same(one: Batch, other: Batch) -> None:
    for field in fields(Batch):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(mine, theirs), (field.name, one.step)
        assert np.asarray(mine).dtype == np.asarray(theirs).dtype


def streams_of(schedule: Schedule) -> list[Any]:
    assert isinstance(schedule, MixedSchedule)
    return [stream for one in schedule._types for streams in one.streams for stream in streams]


@pytest.mark.parametrize("size", [8, 15])
def test_every_strategy_gives_the_same_batches(strategy: Any, size: int, datasets: Any, tmp_path: Path) -> None:
    mine = strategy.schedule(stored(tmp_path, datasets), size)
    theirs = strategy.schedule(datasets, size)
    assert all(isinstance(stream, MappedStream) for stream in streams_of(mine))
    for step in [*range(300), 5000, 123_456, 17]:
        assert_same(mine(5, step), theirs(5, step))


GROUPS = {
    "own": lambda random, count: np.arange(count),
    "pairs": lambda random, count: np.arange(count) // 2,
    "random": lambda random, count: random.integers(0, count // 2, count) * 5 - 40,
    "one_is_large": lambda random, count: np.where(random.random(count) < 0.4, 3, np.arange(count) + 10),
    "few": lambda random, count: random.integers(0, 6, count),
}


@pytest.mark.parametrize("groups", list(GROUPS))
@pytest.mark.parametrize("present", [1.0, 0.7, 0.25])
def test_random_data_give_the_same_batches(groups: str, present: float, make_pairs: MakePairs, tmp_path: Path) -> None:
    """Groups of all kinds, missing languages, several datasets and epochs; two seeds."""
    random = np.random.default_rng(3)
    datasets = [
        make_pairs("a", ("en", "de", "th"), 211, present, GROUPS[groups](random, 211), seed=4),
        make_pairs("b", ("de", "en"), 97, present, GROUPS[groups](random, 97), seed=5),
    ]
    on_disk = stored(tmp_path, datasets)
    surplus = 0
    for strategy in (Hybrid(0.5), Hybrid(0.5, 0.5, ["de-en"]), STRATEGIES["x_x"], EnEn("de"), Cross("english")):
        theirs, refused = made(strategy, datasets)
        mine, refused_too = made(strategy, on_disk)
        assert refused == refused_too
        if theirs is None or mine is None:
            continue
        surplus += sum(stream.questions.largest > stream.batches for stream in streams_of(mine))
        for seed in (0, 9):
            for step in range(60):
                assert_same(mine(seed, step), theirs(seed, step))
    assert surplus or groups not in ("one_is_large", "few")


def test_any_step_is_found_without_the_steps_before(datasets: Any, tmp_path: Path) -> None:
    """A resumed run, each of several workers, and an object that was sent to another process."""
    on_disk = stored(tmp_path, datasets)
    usual = Hybrid(0.5).schedule(datasets, 8)
    sent = pickle.dumps(Hybrid(0.5).schedule(on_disk, 8))
    assert len(sent) < 20_000  # paths, no arrays
    for start in (0, 33, 250, 7777):
        resumed = pickle.loads(sent)
        for step in range(start, start + 60, 3):
            assert_same(resumed(2, step), usual(2, step))


def test_validation_batches_are_the_same(make_pairs: MakePairs, tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    pairs = make_pairs("a", ("en", "de", "th"), 80, 0.6, random.integers(0, 50, 80))
    (on_disk,) = stored(tmp_path, [pairs])
    for size in (4, 16, 500):
        for mine, theirs in zip(
            validation_batches(on_disk, size, 40, 0), validation_batches(pairs, size, 40, 0), strict=True
        ):
            assert len(mine) == len(theirs) > 0
            for one, other in zip(mine, theirs, strict=True):
                assert_same(one, other)


def test_small_data_stay_in_memory(datasets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_sources, "LARGE", 100)
    on_disk = stored(tmp_path, datasets)
    kinds = {stream.key[0]: isinstance(stream, MappedStream) for stream in streams_of(Hybrid(0.5).schedule(on_disk, 8))}
    assert kinds == {0: False, 1: True}  # 90 and 120 questions
    mine, theirs = Hybrid(0.5).schedule(on_disk, 8), Hybrid(0.5).schedule(datasets, 8)
    for step in range(80):
        assert_same(mine(1, step), theirs(1, step))


def test_a_copy_without_sets_is_read_in_memory(datasets: Any, tmp_path: Path) -> None:
    on_disk = stored(tmp_path, datasets)
    (tmp_path / "0" / SETS).unlink()
    again = [read_pairs(tmp_path / "0"), on_disk[1]]
    mine, theirs = Mono().schedule(again, 8), Mono().schedule(datasets, 8)
    for step in range(80):
        assert_same(mine(1, step), theirs(1, step))


def test_more_languages_than_bits_are_read_in_memory(make_pairs: MakePairs, tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    languages = [f"q{one}{other}" for one in letters[:8] for other in letters[:8]]
    assert len(languages) > MOST_LANGUAGES
    pairs = make_pairs("many", languages, 20, 0.5)
    (on_disk,) = stored(tmp_path, [pairs])
    assert on_disk.sets is None
    assert np.array_equal(on_disk.present, pairs.present)
    assert_same(Cross().schedule([on_disk], 8)(0, 3), Cross().schedule([pairs], 8)(0, 3))


def test_counts_are_those_of_a_loop(make_pairs: MakePairs, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    pairs = make_pairs("a", ("en", "de", "th"), 150, 0.5, random.integers(0, 30, 150) ** 2)
    (on_disk,) = stored(tmp_path, [pairs])
    sets = on_disk.sets
    assert sets is not None
    for language in range(3):
        mine = sets.of(sets.patterns[:, language])
        own = np.flatnonzero(pairs.present[:, language])
        assert mine.part(0, mine.count).tolist() == own.tolist()
        counts = np.unique(pairs.passage_groups[own], return_counts=True)[1]
        assert mine.passages == len(counts)
        assert np.repeat(mine.sizes, mine.groups).tolist() == sorted(counts.tolist())
    assert sets.codes[:].tolist() == np.unique(pairs.passage_groups, return_inverse=True)[1].tolist()


def test_the_newest_epoch_of_a_stream_takes_room_on_the_disk(make_pairs: MakePairs, tmp_path: Path) -> None:
    (on_disk,) = stored(tmp_path, [make_pairs(questions=64)])
    schedule = Mono().schedule([on_disk], 8)
    assert isinstance(schedule, MixedSchedule)
    for step in range(200):
        schedule(0, step)
    assert len(schedule._epochs._orders) == 3  # one for each language, of some eight epochs


def test_scratch_files_have_no_name(tmp_path: Path) -> None:
    """So nothing is left behind, also after a kill; and a forked process has the same pages, not copies in memory."""
    array = scratch.scratch_array(1000, np.int64)
    assert not any(path.is_file() for path in (tmp_path / "cache").rglob("*"))
    array[:] = np.arange(1000)
    child = os.fork()
    if not child:
        whole = array.sum() == 999 * 500
        array[0] = -1
        os._exit(int(not whole))
    assert os.waitpid(child, 0)[1] == 0
    assert array[0] == -1
    assert scratch.scratch_array(0, np.int32).tolist() == []


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*unused: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError, match=r"No space left on device.*HYBRIDRET_CACHE"):
        scratch.scratch_array(10, np.int32)


def test_a_cache_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"temporary file.*HYBRIDRET_CACHE"):
        scratch.scratch_array(10, np.int32)
