"""What DuckDB holds beside its memory limit does not pile up from table to table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from hybridret.data.tables import numbering
from hybridret.data.tables.numbering import Numbering
from hybridret.data.tables.parts import HASHES, _schema

ROWS = 300
FOUND = ["244.1 MiB", 1, "1MB", "976.5 KiB"]


def part(folder: Path) -> Path:
    """One language; a question a row, and three rows share a passage. Batches of 50 rows."""
    folder.mkdir()
    q, p = list(range(10, 10 + ROWS)), [1000 + row // 3 for row in range(ROWS)]
    columns = [[0] * ROWS, list(range(ROWS)), list(range(1, ROWS + 1)), q, p, q, p]
    schema = pa.schema(_schema())
    arrays = [pa.array(one, field.type) for one, field in zip(columns, schema, strict=True)]
    with pa.OSFile(str(folder / HASHES), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        for start in range(0, ROWS, 50):
            writer.write_batch(pa.record_batch(arrays, schema=schema)[start : start + 50])
    return folder


def test_the_database_is_opened_again_behind_each_table_and_before_each_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    run, opened = Numbering._run, Numbering._open

    def noted(self: Numbering, sql: str) -> None:
        events.append(sql)
        run(self, sql)

    def noted_open(self: Numbering) -> None:
        events.append("open")
        opened(self)

    monkeypatch.setattr(Numbering, "_run", noted)
    monkeypatch.setattr(Numbering, "_open", noted_open)
    with Numbering(tmp_path / "numbers.db") as numbers:
        for number in range(2):
            numbers.add(number, part(tmp_path / str(number)), [0])
            assert events[-4] == "open"  # and three settings
        assert numbers.conflict("q") is None
        numbers.build(9, False)
        made = [
            number
            for number, sql in enumerate(events)
            if sql.startswith(("CREATE TABLE", "CREATE OR")) and " AS " in sql
        ]
        assert len(made) >= 10
        for first, second in zip(made, [*made[1:], len(events)], strict=True):
            assert "open" in events[first:second], events[first]
        before = events.count("open")
        rows = [row for batch in numbers.texts("query", 0) for row in batch.column("n").to_pylist()]
        assert len(rows) == ROWS
        assert events.count("open") == before + 1


def test_two_streams_at_a_time_are_left_open(tmp_path: Path) -> None:
    with Numbering(tmp_path / "numbers.db") as numbers:
        numbers.add(0, part(tmp_path / "0"), [0])
        numbers.build(9, False)
        first = numbers.texts("query", 0)
        begun = next(first)
        second = [row for batch in numbers.texts("passage", 0) for row in batch.column("r").to_pylist()]
        assert sorted(second) == list(range(ROWS // 3))
        assert len(begun) + sum(map(len, first)) == ROWS


def test_the_limits_hold_after_each_opening(tmp_path: Path) -> None:
    with Numbering(tmp_path / "numbers.db") as numbers:
        numbers._reopen()
        names = ("memory_limit", "threads", "allocator_flush_threshold", "allocator_bulk_deallocation_flush_threshold")
        found = [numbers._fetch(f"SELECT current_setting('{name}')")[0][0] for name in names]
    assert found == FOUND


def test_rows_are_inserted_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction of a whole part leaves memory behind that grows with the part, also when it is over."""
    opened = Numbering._open
    counts: list[int] = []

    def noted(self: Numbering) -> None:
        opened(self)
        counts.append(self._fetch("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'rows'")[0][0])
        if counts[-1]:
            counts[-1] = self._fetch("SELECT count(*) FROM rows")[0][0]

    monkeypatch.setattr(Numbering, "_open", noted)
    monkeypatch.setattr(numbering, "WRITTEN", 100)
    with Numbering(tmp_path / "numbers.db") as numbers:
        numbers.add(0, part(tmp_path / "0"), [0])
        assert counts == [0, 100, 200, 300, 300]
        assert numbers._fetch("SELECT count(DISTINCT n), count(*) FROM rows") == [(ROWS, ROWS)]
