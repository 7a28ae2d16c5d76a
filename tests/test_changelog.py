"""CHANGELOG.md states the version of every file format as the code has it."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import hybridret
from hybridret.base.checksums import CHECKSUM
from hybridret.evaluation.tables import METRIC_COLUMNS
from hybridret.runs.curve import append_row
from hybridret.runs.query_values import QUERY_COLUMNS
from hybridret.runs.status import State, write_status
from hybridret.training.frozen import FINGERPRINT

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| ")]
VERSIONS = {row[2].strip("`"): row[1] for row in ROWS if row[2].startswith("`hybridret.")}
WITHOUT = {row[0].strip("`"): row[1] for row in ROWS if len(row) == 3 and row[0] != "file"}
_CONSTANT = re.compile(r"^((?:\w+_)?(?:VERSION|FORMAT|LAYOUT)) = ", re.MULTILINE)


def test_versions_are_those_of_the_code() -> None:
    assert VERSIONS
    found = {}
    for name in VERSIONS:
        module, _, constant = name.rpartition(".")
        found[name] = str(getattr(import_module(module), constant))
    assert found == VERSIONS


def test_every_version_in_the_code_has_a_row() -> None:
    package = Path(hybridret.__file__).parent
    named = {
        ".".join((*file.relative_to(package.parent).with_suffix("").parts, constant))
        for file in package.rglob("*.py")
        for constant in _CONSTANT.findall(file.read_text(encoding="utf-8"))
    }
    assert named
    assert named - VERSIONS.keys() == set()


def test_no_version_is_written_as_a_bare_number() -> None:
    """Or the table could not follow it."""
    package = Path(hybridret.__file__).parent
    bare = re.compile(r'"(?:version|format)": \d')
    assert [str(file) for file in package.rglob("*.py") if bare.search(file.read_text(encoding="utf-8"))] == []


def test_files_without_a_version(tmp_path: Path) -> None:
    write_status(tmp_path / "status.json", State.QUEUED, None)
    status = json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))
    assert not {"version", "format"} & status.keys()
    assert f"`{CHECKSUM}`" in WITHOUT["status.json"]
    assert CHECKSUM in status
    append_row(tmp_path / "history.jsonl", {"step": 1})
    row = json.loads((tmp_path / "history.jsonl").read_text(encoding="utf-8"))
    assert f"`{list(row)[-1]}`" in WITHOUT["history.jsonl"]
    assert re.findall("`(.+?)`", WITHOUT["metrics.csv"]) == list(METRIC_COLUMNS)
    assert re.findall("`(.+?)`", WITHOUT["queries.parquet"]) == list(QUERY_COLUMNS)
    assert f"`{FINGERPRINT}`" in WITHOUT["checkpoints/last.ckpt"]


def test_the_version_of_the_package_is_named() -> None:
    version = re.escape(hybridret.__version__)
    assert re.search(rf"^## \[{version}\]|^To be released as {version}\b", TEXT, re.MULTILINE)
