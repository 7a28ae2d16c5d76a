"""Fetching: a folder with either packing, the hub with its functions replaced, and the command in every error."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from hybridret.base.errors import UserError
from hybridret.data.hub import _patterns, fetch, find

FILES = ("corpus.jsonl", "docs-*.jsonl.gz")
COMMAND = (
    "On a machine with network: hf download o/n --repo-type dataset --revision abc --include corpus.jsonl "
    "--include 'docs-*.jsonl.gz' --local-dir "
)


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: pytest.fail("the hub was asked"))


def test_a_folder_may_be_plain_or_packed(tmp_path: Path, no_hub: None) -> None:
    folder = fill(tmp_path / "a", "corpus.jsonl.gz", "docs-0.jsonl", "docs-10.jsonl", "docs-2.jsonl")
    assert fetch("o/n", FILES, "abc", str(folder), "eval.x") == folder
    assert fetch("o/n", FILES, "abc", str(tmp_path), "eval.x", below="a") == folder
    assert [file.name for file in find(folder, FILES[1])] == ["docs-0.jsonl", "docs-2.jsonl", "docs-10.jsonl"]
    assert [file.name for file in find(folder, "corpus.jsonl")] == ["corpus.jsonl.gz"]
    fill(folder, "corpus.jsonl")
    assert [file.name for file in find(folder, "corpus.jsonl")] == ["corpus.jsonl"]
    assert find(folder, "none") == []


def test_what_a_folder_lacks_is_fetched_by_the_command(tmp_path: Path, no_hub: None) -> None:
    folder = fill(tmp_path / "a", "corpus.jsonl")
    with pytest.raises(UserError) as error:
        fetch("o/n", FILES, "abc", str(folder), "eval.x")
    assert "lacks docs-*.jsonl.gz" in str(error.value)
    assert f"--include 'docs-*.jsonl.gz' --local-dir {folder}" in str(error.value)
    with pytest.raises(UserError) as error:
        fetch("o/n", FILES, "abc", str(tmp_path), "eval.x", below="none")
    assert f"eval.x.path: there is no folder {tmp_path / 'none'}" in str(error.value)
    assert f"{COMMAND}{tmp_path / 'none'}." in str(error.value)


def test_the_hub_is_asked_for_the_files_at_the_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def download(*arguments: Any, **named: Any) -> str:
        asked.append((arguments, named))
        return str(fill(tmp_path / "snapshot", "corpus.jsonl", "docs-0.jsonl.gz"))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert fetch("o/n", FILES, "abc", None, "eval.x") == tmp_path / "snapshot"
    ((arguments, named),) = asked
    assert arguments == ("o/n",)
    assert (named["repo_type"], named["revision"]) == ("dataset", "abc")
    assert {*FILES, "corpus.jsonl.gz"} <= set(named["allow_patterns"])
    with pytest.raises(UserError, match=r"o/n at revision abc on the Hugging Face hub has no other\.tsv"):
        fetch("o/n", ("other.tsv",), "abc", None, "eval.x")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (LocalEntryNotFoundError("offline\nmore"), "not in its local cache, and the hub is not reached"),
        (ConnectionError("refused.\nmore"), "ConnectionError: refused"),
    ],
)
def test_without_network_the_command_is_named(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    def download(*_: Any, **__: Any) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(UserError) as raised:
        fetch("o/n", FILES, "abc", None, "eval.x", below="n")
    assert f"eval.x: o/n cannot be fetched from the Hugging Face hub ({reason})" in str(raised.value)
    assert f"{COMMAND}DIR/n ; then set eval.x.path=DIR." in str(raised.value)


def test_really_offline() -> None:
    """The library's own way to refuse, as the tests run offline."""
    if not huggingface_hub.constants.HF_HUB_OFFLINE:
        pytest.skip("HF_HUB_OFFLINE=0: tests use no network")
    with pytest.raises(UserError, match=r"then set eval\.x\.path=DIR"):
        fetch("hybridret-tests/none", FILES, "abc", None, "eval.x")


@pytest.mark.parametrize(
    ("files", "patterns"),
    [
        (["corpus.jsonl", "queries.jsonl"], ["corpus.jsonl", "queries.jsonl"]),
        (
            [f"{code}-{kind}/dev-*.parquet" for code in ("ar", "bn", "sw", "zh") for kind in ("corpus", "qrels")],
            ["*-corpus/dev-*.parquet", "*-qrels/dev-*.parquet"],
        ),
        (
            [f"miracl-corpus-v1.0-{code}/docs-*.jsonl.gz" for code in ("ar", "bn", "de", "en", "es", "fa", "fi")],
            ["miracl-corpus-v1.0-*/docs-*.jsonl.gz"],
        ),
    ],
)
def test_many_files_are_named_by_globs_that_match_them(files: list[str], patterns: list[str]) -> None:
    found = _patterns(files)
    assert found == patterns
    assert all(any(fnmatch(name, pattern) for pattern in found) for name in files)
