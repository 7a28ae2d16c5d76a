"""Sets of mined negatives as files: killed, found again, damaged, of other data, on a disk that is full."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from slow_mining import Given, Table, corpus, mined

from hybridret.base.errors import UserError
from hybridret.data.prepared.mined import mined_folder, mined_names, read_mined
from hybridret.data.prepared.source import PreparedSource


@pytest.mark.parametrize("searches", range(1, 13, 3))
def test_a_killed_mining_goes_on(searches: int) -> None:
    """Shards that are whole are not mined again, and the result is that of a mining that nothing disturbed."""
    source = PreparedSource(Given(corpus()))
    whole = mined(source, "whole", shard=10)
    done = iter(range(searches))

    def fail() -> None:
        if next(done, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mined(source, "cut", shard=10, retriever=Table(fail=fail))
    assert mined_names(source.path) == ["whole"]
    retriever = Table()
    again = mined(source, "cut", shard=10, retriever=retriever)
    assert again.about["hash"] == whole.about["hash"]
    assert again.about["datasets"] == whole.about["datasets"]
    assert len(retriever.depths) == 12 - searches


def test_shards_of_other_settings_are_not_used() -> None:
    source = PreparedSource(Given(corpus()))
    done = iter(range(5))

    def fail() -> None:
        if next(done, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mined(source, "cut", shard=10, retriever=Table(fail=fail), first=2)
    assert mined(source, "cut", shard=10).about["hash"] == mined(source, "whole", shard=10).about["hash"]


def test_a_set_is_found_again_and_another_of_its_name_refused() -> None:
    source = PreparedSource(Given(corpus()))
    first, retriever = mined(source), Table()
    assert mined(source, retriever=retriever).about == first.about
    assert retriever.depths == []
    with pytest.raises(
        UserError, match=r"mined otherwise \(another mining\)\. Choose another name for these, name=NAME"
    ):
        mined(source, first=2)
    with pytest.raises(UserError, match="another seed"):
        mined(source, seed=2)


def test_damage_and_other_data_are_refused() -> None:
    source = PreparedSource(Given(corpus()))
    found = mined(source)
    with pytest.raises(UserError, match="mined from other data"):
        read_mined(found.folder, "other")
    about = json.loads((found.folder / "mined.json").read_text())
    path = found.folder / "dataset-0" / "negatives.de.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"negatives\.de\.npy is damaged or missing\. Delete"):
        read_mined(found.folder, source.fingerprint())
    about["hash"] = "0"
    (found.folder / "mined.json").write_text(json.dumps(about))
    with pytest.raises(UserError, match=r"mined\.json"):
        read_mined(found.folder, source.fingerprint())


def test_names_of_sets_never_meet_the_files_of_another() -> None:
    """A set may be called as the unfinished files or the lock of another one would be."""
    source = PreparedSource(Given(corpus()))
    names = ["set.part", "set.lock", "set"]
    for name in names:
        mined(source, name)
    assert mined_names(source.path) == sorted(names)
    for name in names:
        assert read_mined(mined_folder(source.path, name), source.fingerprint()).about["name"] == name


@pytest.mark.parametrize("blocked", [".mined", ".mined/.set.part/dataset-0", ".mined/.set.part/journal.json"])
def test_a_cache_that_cannot_be_written_is_named_with_its_key(blocked: str) -> None:
    """Whether the lock, an array or the journal fails: where it is, and the variable that moves it."""
    source = PreparedSource(Given(corpus()))
    source.training()
    path = Path(f"{source.path}{blocked}")

    def block() -> None:
        if path.is_dir():
            shutil.rmtree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        (path.mkdir if path.suffix == ".json" else path.touch)()

    if blocked == ".mined":
        block()
    with pytest.raises(UserError, match=r"Cannot write mined negatives, .*\.mined/.* set HYBRIDRET_CACHE to a folder"):
        mined(source, retriever=Table(fail=block))


def test_no_file_is_written_through_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk that would end the process with SIGBUS, without a message."""

    usual = np.lib.format.open_memmap

    def mapped(path: Any, mode: str = "r+", **others: Any) -> Any:
        assert mode == "r", path
        return usual(path, mode=mode, **others)

    monkeypatch.setattr(np.lib.format, "open_memmap", mapped)
    source = PreparedSource(Given(corpus()))
    assert mined(source).about["datasets"][0]["counts"]["kept"] > 0


def test_a_set_of_other_rows_is_refused() -> None:
    """As where the passages of a copy were written in another order by other code."""
    source = PreparedSource(Given(corpus()))
    found = mined(source)
    ids = tuple(f"other{number}" for number in range(40))
    more = dataclasses.replace(corpus(), question_ids=ids, passage_groups=np.arange(40))
    other = PreparedSource(Given(more))
    with pytest.raises(UserError, match=r"does not fit the data: .* Delete it, mine again"):
        found.training(other.training())


def test_pairs_with_mined_negatives_can_be_sent() -> None:
    """To a process that is started anew, as a worker is where there is no fork."""
    source = PreparedSource(Given(corpus()))
    (pairs,) = mined(source).training(source.training())
    sent = pickle.loads(pickle.dumps(pairs))
    assert {language: list(rows) for language, rows in sent.negatives.items()} == {
        language: list(rows) for language, rows in pairs.negatives.items()
    }
    assert any(any(rows) for rows in sent.negatives.values())
