"""Files to memory-mapped tables: the fast reader against the slow one, the cache, and every kind of bad input."""

from __future__ import annotations

import gzip
import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from hybridret.base.errors import UserError
from hybridret.base.files import cache_folder
from hybridret.data import arrow_table, parsing
from hybridret.data.arrow_table import numbers_read, read_table, table_fingerprint
from hybridret.data.parsing import json_tables

COLUMNS = {"_id": True, "title": False, "text": True}
WORDS = ["a", "  ", "é", "日本。", "😀", '"', "\\", "\u2028", "\t", "\x00", "<b>", "12", "\n"]


def rows(count: int = 300, numbers: bool = False) -> list[dict[str, Any]]:
    draw = random.Random(count)
    found: list[dict[str, Any]] = []
    for number in range(count):
        row: dict[str, Any] = {"_id": number if numbers else f"d{number}", "text": "".join(draw.choices(WORDS, k=4))}
        if number % 3:
            row["title"] = draw.choice([None, "", "Title"])
        if number % 4 == 0:
            row["metadata"] = draw.choice([{}, {"url": ["x", {"y": 1}]}, "text", None, 1.5])
        found.append(row)
    return found


def packed(content: list[dict[str, Any]], ascii_only: bool = True) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=ascii_only).encode() + b"\n" for row in content)


def expected(content: list[dict[str, Any]]) -> list[dict[str, str]]:
    plain = [{"_id": str(row["_id"]), "title": row.get("title") or "", "text": row["text"]} for row in content]
    return [{name: text if text.strip() else "" for name, text in row.items()} for row in plain]


def write(file: Path, content: bytes) -> Path:
    file.write_bytes(gzip.compress(content) if file.name.endswith(".gz") else content)
    return file


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz"])
@pytest.mark.parametrize("block", [1, 500, 1 << 24])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_fast_equals_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, block: int, ascii_only: bool
) -> None:
    monkeypatch.setattr(parsing, "BLOCK", block)
    content = rows(60)
    file = write(tmp_path / name, b"\xef\xbb\xbf" + packed(content, ascii_only).replace(b"\n", b"\r\n\n").rstrip())
    fast = pa.concat_tables(table for table, _ in json_tables(file, COLUMNS))
    slow = pa.concat_tables(table for table, _ in json_tables(file, COLUMNS, fast=False))
    assert fast.to_pylist() == slow.to_pylist() == expected(content)


def test_arrow_reads_the_plain_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the fast way would never be taken, and the test above would compare the slow one with itself."""
    monkeypatch.setattr(parsing, "_by_line", lambda *_: pytest.fail("read line by line"))
    assert len(read_table([write(tmp_path / "c.jsonl", packed(rows()))], COLUMNS, "it")) == 300


def test_a_table_from_any_kind_of_file(tmp_path: Path) -> None:
    content = rows()
    one = read_table([write(tmp_path / "c.jsonl", packed(content))], COLUMNS, "it")
    parts = [write(tmp_path / "a.jsonl.gz", packed(content[:7])), write(tmp_path / "b.jsonl", packed(content[7:]))]
    split = read_table(parts, COLUMNS, "it")
    plain = pa.table({name: [row.get(name) for row in content] for name in COLUMNS})
    parquet.write_table(plain, tmp_path / "c.parquet", row_group_size=64)
    large = plain.cast(pa.schema([(name, pa.large_string()) for name in COLUMNS]))
    parquet.write_table(large, tmp_path / "large.parquet")
    coded = read_table([tmp_path / "c.parquet"], COLUMNS, "it")
    for table in (one, split, coded, read_table([tmp_path / "large.parquet"], COLUMNS, "it")):
        assert table.column_names == list(COLUMNS)
        assert table[:] == {name: [row[name] for row in expected(content)] for name in COLUMNS}
        assert table.cache_files[0]["filename"].startswith(str(cache_folder()))
        assert table_fingerprint(table) == table_fingerprint(one)
        assert numbers_read(table) == 0


def test_the_fingerprint_is_of_names_and_texts(tmp_path: Path) -> None:
    content = expected(rows(40))
    table = read_table([write(tmp_path / "c.jsonl", packed(content))], COLUMNS, "it")
    again = table.select(range(40))  # not the table itself: hashed anew, not looked up
    again = again.map(lambda row: row, keep_in_memory=True, new_fingerprint="x")
    assert table_fingerprint(again) == table_fingerprint(table)
    moved = [dict(row) for row in content]
    moved[1] |= {"title": "ab", "text": "c"}
    other = [dict(row) for row in moved]
    other[1] |= {"title": "a", "text": "bc"}
    border = [dict(row) for row in moved]
    border[1]["text"], border[2]["text"] = border[1]["text"] + border[2]["text"][:1], border[2]["text"][1:]
    assert border[1]["text"] != moved[1]["text"]
    found = {
        table_fingerprint(table),
        table_fingerprint(table.rename_column("title", "name")),
        table_fingerprint(table.select(range(39))),
    }
    for number, kind in enumerate((moved, other, border, content[::-1])):
        found.add(table_fingerprint(read_table([write(tmp_path / f"{number}.jsonl", packed(kind))], COLUMNS, "it")))
    assert len(found) == 7


def test_numbers_become_text_and_are_counted(tmp_path: Path) -> None:
    content = rows(20, numbers=True)
    table = read_table([write(tmp_path / "c.jsonl", packed(content))], COLUMNS, "it")
    assert table["_id"][:3] == ["0", "1", "2"]
    assert numbers_read(table) == 20
    parquet.write_table(pa.table({"_id": [1, 2], "text": ["a", "b"]}), tmp_path / "c.parquet")
    table = read_table([tmp_path / "c.parquet"], COLUMNS, "it")
    assert table[:] == {"_id": ["1", "2"], "title": ["", ""], "text": ["a", "b"]}
    assert numbers_read(table) == 2


def test_converted_once_and_again_when_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    real = arrow_table._convert
    monkeypatch.setattr(arrow_table, "_convert", lambda files, *rest: (calls.append(files[0]), real(files, *rest)))
    file = write(tmp_path / "c.jsonl", packed(rows(10)))
    assert len(read_table([file], COLUMNS, "it")) == len(read_table([file], COLUMNS, "it")) == 10
    assert len(calls) == 1
    state = file.stat()
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"d3"', b'"x3"'))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))  # same name, size and time: the probe tells
    assert read_table([file], COLUMNS, "it")["_id"][3] == "x3"
    read_table([file], {"_id": True, "text": True}, "it")
    assert len(calls) == 3


def test_a_half_written_table_is_never_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "c.jsonl", packed(rows(30)))

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(arrow_table, "write_sealed", killed)
        with pytest.raises(KeyboardInterrupt):
            read_table([file], COLUMNS, "it")
    table = read_table([file], COLUMNS, "it")
    assert len(table) == 30
    path = Path(table.cache_files[0]["filename"])
    del table
    path.write_bytes(path.read_bytes()[:1000])
    assert read_table([file], COLUMNS, "it")["_id"][29] == "d29"


@pytest.mark.parametrize("name", [arrow_table.TABLE, arrow_table.ABOUT])
def test_a_damaged_table_is_made_again(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    file = write(tmp_path / "c.jsonl", packed(rows(30)))
    first = read_table([file], COLUMNS, "it")
    content, path = first[:], Path(first.cache_files[0]["filename"]).with_name(name)
    whole = path.read_bytes()
    for place in range(7, len(whole), len(whole) // 20):
        caplog.clear()
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert read_table([file], COLUMNS, "it")[:] == content
        assert "is damaged and is made again" in caplog.text
        assert path.read_bytes() == whole


def test_a_table_of_an_earlier_version_is_taken_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = write(tmp_path / "c.jsonl", packed(rows(30)))
    about = Path(read_table([file], COLUMNS, "it").cache_files[0]["filename"]).with_name(arrow_table.ABOUT)
    held = {key: value for key, value in json.loads(about.read_text()).items() if key not in ("checksum", "crc32")}
    about.write_text(json.dumps(held))
    assert len(read_table([file], COLUMNS, "it")) == 30
    assert not caplog.records
    about.write_text(json.dumps({**held, "rows": 31}))
    with pytest.raises(UserError, match=r"has 30 of 31 rows\. Delete it and run again"):
        read_table([file], COLUMNS, "it")


def test_another_process_was_faster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "c.jsonl", packed(rows(30)))
    real = arrow_table.write_sealed

    def meanwhile(path: Path, value: Any) -> None:
        real(path, value)
        monkeypatch.setattr(arrow_table, "write_sealed", real)
        read_table([file], COLUMNS, "it")

    monkeypatch.setattr(arrow_table, "write_sealed", meanwhile)
    assert len(read_table([file], COLUMNS, "it")) == 30
    assert not [path for path in (cache_folder() / "tables").iterdir() if path.name.startswith(".")]


GOOD = b'{"_id": "1", "text": "a"}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"_id": "2", "text": "a"', r"line 7: broken JSON"),
        (b'{"_id": "2", "text": "a"} {"_id": "3", "text": "b"}', r"line 7: broken JSON \(Extra data\)"),
        (b'["2"]', r"line 7: a row must be a JSON object, not list"),
        (b'{"_id": "2", "title": "a"}', r"line 7: no 'text'; it has '_id', 'title'"),
        (b'{"_id": null, "text": "a"}', r"line 7: '_id' is null"),
        (b'{"_id": "2", "text": null}', r"line 7: 'text' is null"),
        (b'{"_id": "2", "contents": "a"}', r"line 7: no 'text'; it has '_id', 'contents'. Is 'contents' meant\?"),
        (b'{"_id": 1.5, "text": "a"}', r"line 7: '_id' must be text, not float"),
        (b'{"_id": true, "text": "a"}', r"line 7: '_id' must be text, not bool"),
        (b'{"_id": "2", "text": ["a"]}', r"line 7: 'text' must be text, not list"),
        (b'{"_id": "2", "text": "\xff"}', r"line 7: not UTF-8 \(byte 23"),
        (b'{"_id": "2", "text": "\\ud800"}', r"line 7: 'text' holds a character that UTF-8 cannot write"),
    ],
)
@pytest.mark.parametrize("block", [40, 1 << 24])
def test_a_bad_line_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes, message: str, block: int
) -> None:
    monkeypatch.setattr(parsing, "BLOCK", block)
    file = write(tmp_path / "c.jsonl", GOOD * 5 + b"\n" + line + b"\n" + GOOD)
    with pytest.raises(UserError, match=rf"c\.jsonl, {message}"):
        read_table([file], COLUMNS, "it")
    assert not [path for path in (cache_folder() / "tables").iterdir() if path.name.startswith(".")]


def test_a_truncated_archive_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "c.jsonl.gz"
    whole = gzip.compress(packed(rows(2000)))
    file.write_bytes(whole[: len(whole) * 3 // 4])
    with pytest.raises(UserError, match=r"c\.jsonl\.gz, after line [1-9]\d+: the gzip archive is truncated"):
        read_table([file], COLUMNS, "it")
    file.write_bytes(b"not gzip")
    with pytest.raises(UserError, match=r"c\.jsonl\.gz, after line 0: the gzip archive is truncated or broken"):
        read_table([file], COLUMNS, "it")


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz"])
@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    good = write(tmp_path / "good.jsonl", GOOD)
    with pytest.raises(UserError, match=rf"{name} is empty, so the corpus of x is not whole"):
        read_table([good, write(tmp_path / name, content)], COLUMNS, "the corpus of x")


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_table([tmp_path / "none.jsonl"], COLUMNS, "it")
    file = tmp_path / "c.parquet"
    file.write_bytes(b"no parquet")
    with pytest.raises(UserError, match="cannot be read as parquet"):
        read_table([file], COLUMNS, "it")
    parquet.write_table(pa.table({"_id": ["1"], "body": ["a"]}), file)
    with pytest.raises(UserError, match="lacks the columns text; it has _id, body"):
        read_table([file], COLUMNS, "it")
    parquet.write_table(pa.table({"_id": ["1", "2", None], "text": ["a", "b", "c"]}), file)
    with pytest.raises(UserError, match="row 3: '_id' is null"):
        read_table([file], COLUMNS, "it")
    parquet.write_table(pa.table({"_id": ["1"], "text": [1.5]}), file)
    with pytest.raises(UserError, match="'text' must hold text, not double"):
        read_table([file], COLUMNS, "it")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set HYBRIDRET_CACHE"):
        read_table([write(tmp_path / "c.jsonl", GOOD)], COLUMNS, "it")


def test_a_title_makes_up_for_a_text(tmp_path: Path) -> None:
    """A passage of a title alone is one; of neither it is an error."""
    columns = {"_id": True, "title": False, "text": "title"}
    content = packed(
        [{"_id": "1", "title": "Apple"}, {"_id": "2", "title": "Pear", "text": None}, {"_id": "3", "text": "x"}]
    )
    table = read_table([write(tmp_path / "c.jsonl", content)], columns, "it")
    assert table["text"][:] == ["", "", "x"]
    rows = pa.table({"_id": ["1", "2"], "title": ["Apple", None], "text": [None, "x"]})
    parquet.write_table(rows, tmp_path / "c.parquet")
    assert read_table([tmp_path / "c.parquet"], columns, "it")["text"][:] == ["", "x"]
    for title in ("", " ", None):
        with pytest.raises(UserError, match=r"line 1: 'text' is null"):
            read_table(
                [write(tmp_path / "bad.jsonl", packed([{"_id": "1", "title": title, "text": None}]))], columns, "it"
            )
        parquet.write_table(
            pa.table({"_id": ["1"], "title": [title], "text": pa.array([None], pa.string())}), tmp_path / "d.parquet"
        )
        with pytest.raises(UserError, match="row 1: 'text' is null"):
            read_table([tmp_path / "d.parquet"], columns, "it")
