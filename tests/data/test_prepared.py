"""Prepared data: the same pairs and collections as the source holds, made once, and damage found."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base import files
from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection, Negative, ParallelPairs
from hybridret.batching.hybrid import Hybrid
from hybridret.data.cldr.source import CldrCorpus
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.prepared import source as source_module
from hybridret.data.prepared.folder import ABOUT
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.prepared.stored_collection import read_collection, stored_fields, write_collection
from hybridret.data.prepared.stored_pairs import StoredPairs, read_pairs, write_pairs
from hybridret.data.prepared.stored_texts import ROWS, StoredTexts, write_texts
from hybridret.runs.lock import exclusive

TEXTS: list[str | None] = ["a", None, "é", "", "漢字\u2028x", "a\tb\n", "\x85"]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


def small() -> CldrCorpus:
    return CldrCorpus(languages=["en", "de", "tr"], cities=20, spoken=20)


def same_pairs(stored: ParallelPairs, pairs: ParallelPairs) -> None:
    assert (stored.name, stored.languages, len(stored)) == (pairs.name, pairs.languages, len(pairs))
    assert list(stored.question_ids) == list(pairs.question_ids)
    assert np.array_equal(stored.passage_groups, pairs.passage_groups)
    assert np.array_equal(stored.present, pairs.present)
    for language in pairs.languages:
        assert list(stored.queries[language]) == list(pairs.queries[language])
        assert list(stored.passages[language]) == list(pairs.passages[language])
    assert {one: list(rows) for one, rows in stored.negatives.items()} == {
        one: list(rows) for one, rows in pairs.negatives.items()
    }


def same_collection(stored: Collection, collection: Collection) -> None:
    for field in fields(Collection):
        mine, theirs = getattr(stored, field.name), getattr(collection, field.name)
        if field.name == "unmet":
            assert [np.asarray(getattr(mine, one)).tolist() for one in ("queries", "grades", "languages")] == [
                np.asarray(getattr(theirs, one)).tolist() for one in ("queries", "grades", "languages")
            ]
            assert list(mine.passage_ids) == list(theirs.passage_ids)
        elif isinstance(theirs, np.ndarray):
            assert np.array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        elif theirs is None or isinstance(theirs, str | bool):
            assert mine == theirs
        else:
            assert (dict(mine) if isinstance(mine, dict) else list(mine)) == (
                dict(theirs) if isinstance(theirs, dict) else list(theirs)
            )


@pytest.mark.parametrize("nothing", [None, ""])
def test_rows_without_any_letter_come_back(tmp_path: Path, nothing: str | None) -> None:
    """The buffer of their letters is empty, and has an address that is not in the file."""
    texts: list[str | None] = [nothing] * (ROWS + 3) + ["a"]
    write_texts(tmp_path / "a.arrow", texts)
    assert list(StoredTexts(tmp_path / "a.arrow")) == texts


@pytest.mark.parametrize("count", [0, 1, ROWS - 1, ROWS, 2 * ROWS + 3])
def test_texts_come_back_as_they_were(tmp_path: Path, count: int) -> None:
    texts = [TEXTS[row % len(TEXTS)] if row % 3 else f"text {row}" for row in range(count)]
    assert write_texts(tmp_path / "a.arrow", iter(texts)) == count
    stored = StoredTexts(tmp_path / "a.arrow")
    assert list(stored) == texts
    assert stored.present.tolist() == [text is not None for text in texts]
    assert stored[count // 3 : count // 2 : 2] == texts[count // 3 : count // 2 : 2]
    if count:
        rows = np.random.default_rng(1).integers(0, count, 50)
        assert stored.take(rows) == [texts[row] for row in rows]
        chosen = pickle.loads(pickle.dumps(StoredTexts(tmp_path / "a.arrow", rows)))
        assert chosen[:] == [texts[row] for row in rows]
        assert chosen.present.tolist() == [texts[row] is not None for row in rows]
        assert stored[-1] == texts[-1]
        with pytest.raises(IndexError):
            stored[count]


def test_pairs_come_back_as_they_were(tmp_path: Path) -> None:
    """Passages that questions share, texts that differ within a group, languages that a question lacks, negatives."""
    pairs = ParallelPairs(
        "facts",
        ("en", "zh-hant"),
        ("q0", "q1", "q2", "q3"),
        {"en": ["a?", "b?", None, "d?"], "zh-hant": [None, "乙?", "丙?", "丁?"]},
        {"en": ["A", "A", None, "D"], "zh-hant": [None, "甲", "丙", "丁"]},
        np.array([7, 7, 3, 7]),
        {"en": [(Negative("N", 3), Negative("", -1)), (), (), (Negative("M\u2028"),)]},
    )
    write_pairs(tmp_path / "facts", pairs)
    same_pairs(read_pairs(tmp_path / "facts"), pairs)


def test_a_passage_of_several_questions_is_written_once(tmp_path: Path) -> None:
    (pairs,) = small().training()
    write_pairs(tmp_path / "cldr", pairs)
    stored = read_pairs(tmp_path / "cldr")
    assert len(StoredTexts(tmp_path / "cldr" / "passages.en.arrow")) == len(set(pairs.passage_groups.tolist()))
    same_pairs(stored, pairs)


def test_every_field_of_a_collection_is_kept(tmp_path: Path) -> None:
    assert stored_fields()
    for number, collection in enumerate(small().test()):
        write_collection(tmp_path / str(number), collection)
        same_collection(read_collection(tmp_path / str(number)), collection)


def same_source(prepared: PreparedSource, source: Any) -> None:
    for stored, pairs in zip(prepared.training(), source.training(), strict=True):
        assert isinstance(stored, StoredPairs)
        same_pairs(stored, pairs)
    same_pairs(prepared.validation(), source.validation())
    for stored, collection in zip(prepared.test(), source.test(), strict=True):
        same_collection(stored, collection)
    assert list(prepared.texts()) == list(source.texts())
    for name in ("fingerprint", "licence", "summary", "articles"):
        assert getattr(prepared, name)() == getattr(source, name)()
    assert (prepared.name, prepared.templated) == (source.name, source.templated)


def test_the_built_in_corpus_comes_back_as_it_was() -> None:
    same_source(PreparedSource(small()), small())


def test_json_rows_come_back_as_they_were(real_data: Path) -> None:
    files = ["squad-dev.en*", "squad-dev.da*", "tydiqa-goldp.sw*"]
    make = lambda: JsonlPairs(str(real_data / "train"), files=files)  # noqa: E731
    same_source(PreparedSource(make()), make())


def test_batches_are_the_same(tmp_path: Path) -> None:
    mine, theirs = PreparedSource(small()).training(), small().training()
    for step in range(20):
        one, other = (Hybrid(0.5).schedule(pairs, 16)(3, step) for pairs in (mine, theirs))
        for field in fields(one):
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sources that were prepared."""
    calls: list[Any] = []
    real = source_module.write_source

    def counting(folder: Path, one: Any, progress: Any) -> Any:
        calls.append(one)
        return real(folder, one, progress)

    monkeypatch.setattr(source_module, "write_source", counting)
    return calls


def test_a_source_is_prepared_once(counted: list[Any], tmp_path: Path) -> None:
    for _ in range(3):
        assert len(PreparedSource(small()).training()[0]) > 0
    assert len(counted) == 1
    PreparedSource(CldrCorpus(languages=["en", "de"], cities=20, spoken=20)).training()
    assert len(counted) == 2


def test_a_file_that_changes_is_prepared_again(counted: list[Any], tmp_path: Path) -> None:
    rows = [f'{{"qid":"{n}","lang":"{lang}","question":"{n}?","passage":"p {n}","title":"t{n}"}}' for n in range(30)
            for lang in ("en", "de")]  # fmt: skip
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(rows), encoding="utf-8")
    first = PreparedSource(JsonlPairs(str(file))).fingerprint()
    file.write_text("\n".join(rows).replace("3?", "three?"), encoding="utf-8")
    assert PreparedSource(JsonlPairs(str(file))).fingerprint() != first
    assert len(counted) == 2


def test_one_that_starts_later_waits_and_takes_the_copy(counted: list[Any]) -> None:
    waiting = threading.Event()

    class Shown(Quiet):
        @contextmanager
        def task(self, description: str, total: int | None) -> Iterator[Any]:
            if description == "wait for another process that prepares cldr":
                waiting.set()
            with super().task(description, total) as advance:
                yield advance

    first, second = PreparedSource(small()), PreparedSource(small(), Shown())
    thread = threading.Thread(target=second.training, daemon=True)
    with exclusive(first.path.with_suffix(".lock")):
        thread.start()
        assert waiting.wait(20)
        first._write()
    thread.join(20)
    assert len(counted) == 1
    same_pairs(second.training()[0], small().training()[0])


def test_a_preparation_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, texts: Any) -> int:
        raise OSError(28, os.strerror(28))

    prepared = PreparedSource(small())
    with monkeypatch.context() as patch:
        patch.setattr("hybridret.data.prepared.stored_pairs.write_texts", full)
        with pytest.raises(UserError, match=r"No space left on device.*HYBRIDRET_CACHE"):
            prepared.training()
    assert [one.name for one in prepared.path.parent.iterdir() if one.suffix != ".lock"] == []
    assert len(PreparedSource(small()).training()[0]) > 0


def test_a_disk_that_is_full_for_the_description_leaves_nothing_that_looks_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = PreparedSource(small())
    real = files.write_text

    def full(path: Path, text: str) -> None:
        if path.name == ABOUT:
            with files.atomic_path(path):
                raise OSError(28, os.strerror(28))
        real(path, text)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_text", full)
        with pytest.raises(
            UserError, match=r"No space left on device\. Free some space, or set HYBRIDRET_CACHE"
        ) as caught:
            prepared.training()
    assert "output=FOLDER" not in str(caught.value)
    assert not prepared.is_prepared()
    same_pairs(PreparedSource(small()).training()[0], small().training()[0])


def test_a_cache_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"^Cannot write the prepared copy of cldr, .*HYBRIDRET_CACHE") as caught:
        PreparedSource(small()).training()
    assert "output=FOLDER" not in str(caught.value)


def test_a_copy_of_another_layout_is_prepared_again(counted: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """Its path is another one; a folder that says so of itself is not believed either."""
    first = PreparedSource(small())
    first.training()
    about = read_sealed(first.path / ABOUT, "a description")
    write_sealed(first.path / ABOUT, {**about, "version": source_module.VERSION + 1})
    same_pairs(PreparedSource(small()).training()[0], small().training()[0])
    assert len(counted) == 2
    assert "was prepared by another version of hybridret" in caplog.text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "VERSION", source_module.VERSION + 1)
        assert not PreparedSource(small()).is_prepared()


def test_a_file_that_changes_while_it_is_read_is_refused(
    counted: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f'{{"qid":"{n}","lang":"{lang}","question":"{n}?","passage":"p {n}","title":"t{n}"}}' for n in range(30)
             for lang in ("en", "de")]  # fmt: skip
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    prepared = PreparedSource(JsonlPairs(str(file)))
    real = source_module.write_source

    def change(folder: Path, one: Any, progress: Any) -> Any:
        found = real(folder, one, progress)
        file.write_text("\n".join(lines).replace("3?", "three?"), encoding="utf-8")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(source_module, "write_source", change)
        with pytest.raises(UserError, match="The files of jsonl changed while they were read"):
            prepared.training()
    assert [one for one in prepared.path.parent.iterdir() if one.suffix != ".lock"] == []
    assert any("three" in str(text) for text in PreparedSource(JsonlPairs(str(file))).training()[0].queries["en"])


Damage = Callable[[Path], Any]


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "training-0" / "queries.en.arrow").unlink(), "queries.en.arrow"),
        (lambda folder: flip(folder / "training-0" / "passages.de.arrow", 900), "passages.de.arrow"),
        (lambda folder: cut(folder / "training-0" / "question_passages.npy"), "question_passages.npy"),
        (lambda folder: flip(folder / "test-0" / "grades.npy", 200), "grades.npy"),
        (lambda folder: flip(folder / ABOUT, 40), ABOUT),
        (lambda folder: cut(folder / ABOUT), ABOUT),
    ],
)
def test_damage_is_made_again(damage: Damage, named: str, counted: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    """What is prepared can be prepared again: a damaged copy is replaced, with a warning that names it."""
    first = PreparedSource(small())
    same_pairs(first.training()[0], small().training()[0])
    damage(first.path)
    same_pairs(PreparedSource(small()).training()[0], small().training()[0])
    assert len(counted) == 2
    assert named in caplog.text
    assert caplog.text.count("It is prepared again.") == 1


def flip(path: Path, position: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[min(position, len(raw) - 2)] ^= 1
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])
