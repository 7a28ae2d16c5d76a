"""A leak table is made once for a prepared source and some benchmarks: what it depends on, and damage."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import LeakSettings
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.leaks import kept
from hybridret.data.leaks.check import leak_table
from hybridret.data.leaks.kept import kept_leak_table
from hybridret.data.prepared.folder import ABOUT
from hybridret.data.prepared.found_copy import find_copy
from hybridret.data.prepared.kept_card import PAGE, write_page
from hybridret.data.prepared.source import PreparedSource

SETTINGS = LeakSettings(check=True, allowed=1.0, threshold=0.8, permutations=128, near_up_to=None)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, passage: Callable[[int], str]) -> PreparedSource:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    rows = [
        {"qid": f"q{n}", "lang": lang, "question": f"{lang} {n}?", "passage": passage(n), "title": f"t{n}"}
        for n in range(40)
        for lang in ("en", "de")
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return PreparedSource(JsonlPairs(str(tmp_path / "rows.jsonl")))


@pytest.fixture
def benchmark(source: PreparedSource, make_collection: Callable[..., Collection]) -> Collection:
    """One passage of the training data, and one that it does not have."""
    (pairs,) = source.training()
    leaked = pairs.passages["en"][0]
    return make_collection("test", {"en": ["who?", "what?"]}, {"en": [leaked, "another passage of many words"]})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings of each table that was made anew."""
    calls: list[Any] = []

    def counting(source: Any, collections: Any, settings: Any, progress: Any) -> Any:
        calls.append(settings)
        return leak_table(source, collections, settings, progress)

    monkeypatch.setattr(kept, "leak_table", counting)
    return calls


def test_the_kept_table_is_the_made_one(source: PreparedSource, benchmark: Collection, made: list[Any]) -> None:
    first = kept_leak_table(source, [benchmark], SETTINGS, Quiet())
    again = kept_leak_table(source, [benchmark], dataclasses.replace(SETTINGS, allowed=0.0), Quiet())
    assert len(made) == 1
    assert again == first
    assert first.largest is not None
    assert again.warning() == first.warning()
    with pytest.raises(UserError, match=r"data\.leaks\.allowed=0"):
        again.check(0.0)


def test_other_settings_and_other_texts_are_asked_anew(
    source: PreparedSource, benchmark: Collection, made: list[Any]
) -> None:
    kept_leak_table(source, [benchmark], SETTINGS, Quiet())
    kept_leak_table(source, [benchmark], dataclasses.replace(SETTINGS, threshold=0.9), Quiet())
    queries = ["who then?", *benchmark.queries[1:]]
    kept_leak_table(source, [dataclasses.replace(benchmark, queries=queries)], SETTINGS, Quiet())
    passages = ["a passage that nobody saw", *benchmark.passages[1:]]
    other = kept_leak_table(source, [dataclasses.replace(benchmark, passages=passages)], SETTINGS, Quiet())
    assert len(made) == 4
    assert other.largest is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"rows": 3}', b"[]"])
def test_a_damaged_table_is_made_again(
    source: PreparedSource, benchmark: Collection, made: list[Any], damage: bytes
) -> None:
    first = kept_leak_table(source, [benchmark], SETTINGS, Quiet())
    (file,) = source.path.parent.glob("*.leaks-*.json")
    file.write_bytes(damage)
    assert kept_leak_table(source, [benchmark], SETTINGS, Quiet()) == first
    assert kept_leak_table(source, [benchmark], SETTINGS, Quiet()) == first
    assert len(made) == 2


def test_a_full_disk_costs_no_run(
    source: PreparedSource, benchmark: Collection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*arguments: Any) -> None:
        raise UserError("Cannot write it: no space left.")

    monkeypatch.setattr(kept, "write_sealed", full)
    assert kept_leak_table(source, [benchmark], SETTINGS, Quiet()).largest is not None
    assert "no space left" in caplog.text


def test_a_copy_is_found_by_its_content_without_the_files_of_its_source(
    source: PreparedSource, benchmark: Collection, made: list[Any], tmp_path: Path
) -> None:
    table, fingerprint = kept_leak_table(source, [benchmark], SETTINGS, Quiet()), source.fingerprint()
    (tmp_path / "rows.jsonl").unlink()
    copy = find_copy("jsonl", fingerprint, False)
    assert copy is not None
    assert kept_leak_table(copy, [benchmark], SETTINGS, Quiet()) == table
    assert len(made) == 1  # it is the table beside the copy
    other = dataclasses.replace(benchmark, name="other")
    assert kept_leak_table(copy, [other], SETTINGS, Quiet()).largest is not None
    assert find_copy("jsonl", "another", False) is None
    assert find_copy("cldr", fingerprint, False) is None
    (copy.path / ABOUT).write_text("{")
    assert find_copy("jsonl", fingerprint, False) is None


def test_the_page_of_the_copy_has_the_tables(source: PreparedSource, benchmark: Collection) -> None:
    kept_leak_table(source, [benchmark], SETTINGS, Quiet())
    write_page(source.path, source.card())
    text = (source.path / PAGE).read_text(encoding="utf-8")
    assert "## Texts of test sets in the training data" in text
    assert "| rows | test | passages | en | 2 | 1 | 0 | 0 |" in text
    assert "| all | test | questions | all | 2 | 0 | 0 | 0 |" in text
