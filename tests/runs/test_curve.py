"""`history.jsonl`: a flipped bit in any row is refused, a last row that a kill cut short is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.runs.curve import append_row, keep_rows, read_rows

ROWS = [
    {"step": 10, "split": "train", "loss": 2.5, "kind": "en_en", "seconds": 0.25},
    {"step": 10, "split": "validation", "loss": 1.25, "seconds": 1e-05},
    {"step": 20, "split": "train", "loss": 0.1, "kind": "größe", "seconds": 12.0},
]


@pytest.fixture
def curve(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    for row in ROWS:
        append_row(path, row)
    return path


def test_rows_are_plain_json_lines(curve: Path) -> None:
    assert read_rows(curve) == ROWS
    plain = [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()]
    assert [{key: value for key, value in row.items() if key != "crc32"} for row in plain] == ROWS


@pytest.mark.slow
def test_no_flipped_bit_is_believed(curve: Path) -> None:
    raw = curve.read_bytes()
    for place in range(8 * len(raw)):
        changed = bytearray(raw)
        changed[place // 8] ^= 1 << place % 8
        curve.write_bytes(changed)
        with pytest.raises(UserError, match=r"history\.jsonl, line [123]"):
            read_rows(curve)


def test_a_row_cut_short_at_any_byte_is_as_if_never_written(curve: Path) -> None:
    raw = curve.read_bytes()
    start = raw.rstrip(b"\n").rindex(b"\n") + 1
    for end in range(start, len(raw)):
        curve.write_bytes(raw[:end])
        assert read_rows(curve) == ROWS[:2]
    assert keep_rows(curve, 20) == 2
    append_row(curve, ROWS[2])
    assert curve.read_bytes() == raw


def test_rows_behind_a_step_go_and_the_others_stay_as_they_are(curve: Path) -> None:
    raw = curve.read_bytes()
    assert keep_rows(curve, 10) == 2
    assert raw.startswith(curve.read_bytes())
    assert read_rows(curve) == ROWS[:2]
    assert keep_rows(curve.with_name("none"), 10) == 0


def test_a_run_that_an_earlier_version_began(curve: Path) -> None:
    sealed = curve.read_bytes()
    plain = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
    curve.write_bytes(plain + sealed)
    assert read_rows(curve) == ROWS * 2
    curve.write_bytes(sealed + plain)
    with pytest.raises(UserError, match=r"line 4: damaged"):
        read_rows(curve)


@pytest.mark.parametrize(
    "line", ["[]", "3", '{"loss": 1}', '{"step": "3"}', '{"step": null}', '{"step": 1.5}', '{"step": true}', "\xff"]
)
def test_a_row_without_a_step_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"step": 1}\n' + line.encode("latin-1") + b"\n")
    for read in (lambda: read_rows(path), lambda: keep_rows(path, 5)):
        with pytest.raises(UserError, match=r"history\.jsonl, line 2"):
            read()
