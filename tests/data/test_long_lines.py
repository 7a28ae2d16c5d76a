"""A line without end, which gzip packs into little: refused with file and line, without reading it to its end."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.data import lines, parsing, squad
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.lines import numbered_lines
from hybridret.data.parsing import json_tables
from hybridret.data.qrels import read_qrels
from hybridret.data.squad import read_squad

LENGTH = 1 << 16
READERS: dict[str, Callable[[Path], object]] = {
    "lines": lambda file: list(numbered_lines(file)),
    "tables": lambda file: list(json_tables(file, {"_id": True})),
    "rows": lambda file: JsonlPairs(path=str(file)).training(),
    "qrels": lambda file: read_qrels(file, "beir"),
}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", LENGTH)
    monkeypatch.setattr(parsing, "BLOCK", LENGTH // 4)
    monkeypatch.setattr(squad, "LARGEST", LENGTH)


@pytest.mark.parametrize("reader", READERS)
def test_a_line_without_end_is_refused_early(tmp_path: Path, reader: str) -> None:
    file = tmp_path / "a.en.jsonl.gz"
    with gzip.open(file, "wb", compresslevel=1) as stream:
        stream.write(b'{"_id": "1", "text": "')
        for _ in range(16):
            stream.write(b"x" * (1 << 20))
        stream.write(b'"}\n')
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"a\.en\.jsonl\.gz, line 1: longer than"):
            READERS[reader](file)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ending", ["\n", ""])
def test_the_longest_line_is_read(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "a.jsonl"
    frame = '{"_id": "1", "x": ""}' + ending
    file.write_text(frame.replace('""', f'"{"y" * (LENGTH - len(frame))}"'))
    assert len(list(numbered_lines(file))) == 1
    ((table, _),) = json_tables(file, {"_id": True})
    assert table.num_rows == 1


def test_a_file_of_squad_without_end_is_refused_early(tmp_path: Path) -> None:
    file = tmp_path / "xquad.en.json.gz"
    file.write_bytes(gzip.compress(b" " * (LENGTH * 2)))
    with pytest.raises(UserError, match=r"xquad\.en\.json\.gz: larger than"):
        read_squad(file)
