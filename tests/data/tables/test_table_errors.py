"""Bad tables: an error that names file and row, or a count; never a shifted pair."""

from __future__ import annotations

import errno
import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import slow_tables as twins

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.data.prepared.shards import JOURNAL, Shards
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.tables import delimited, json_lines, numbering
from hybridret.data.tables.columns import Columns
from hybridret.data.tables.delimited import Dialect, delimited_tables
from hybridret.data.tables.formats import parquet_stream
from hybridret.data.tables.hub import hub
from hybridret.data.tables.json_lines import json_line_tables
from hybridret.data.tables.json_rows import json_rows
from hybridret.data.tables.parquet import parquet
from hybridret.data.tables.tsv import tsv

COLUMNS = {"question": "q", "passage": "p", "language": "lang", "id": "qid"}
PLAIN = Columns.of({"question": "q", "passage": "p"})


def rows(count: int = 40, languages: tuple[str, ...] = ("en", "de")) -> list[dict[str, Any]]:
    return [
        {"lang": one, "qid": f"{n}", "q": f"{one} question {n}", "p": f"{one} passage {n}"}
        for n in range(count)
        for one in languages
    ]


def prepared(path: Path, **options: Any) -> PreparedSource:
    return PreparedSource(tsv(str(path), **{"columns": COLUMNS, "validation_questions": 5, **options}))


def lines(file: Path, columns: Columns = PLAIN, **dialect: Any) -> list[dict[str, Any]]:
    return [row for table in delimited_tables(file, columns, Dialect(**dialect)) for row in table.to_pylist()]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.replace(b"en\t3\t", b"en\t3 "), r"a\.tsv, line 8: 3 columns where 4 .* too few tabs"),
        (lambda raw: raw.replace(b"en\t3\t", b"en\t3\t\t"), r"a\.tsv, line 8: 5 columns where 4 .* too many tabs"),
        (lambda raw: raw.replace(b"de passage 4", b"caf\xe9"), r"a\.tsv, line 11: not UTF-8"),
        (lambda raw: raw.replace(b"de\t5\t", b"deutsch\t5\t"), r"row 13, column 'lang': 'deutsch' is not a language"),
        (lambda raw: raw.replace(b"de\t5\t", b"de\t\t"), r"a\.tsv, row 13: 'qid' is empty"),
        (lambda raw: raw.replace(b"de\t5\t", b"de\t4\t"),
         r"a\.tsv, row 13: its question id has another text in the same language in .*a\.tsv, row 11"),
        (lambda raw: raw.replace(b"\tde question 5\t", b"\t\t").replace(b"de passage 7", b" "),
         r"a\.tsv, row 13: the question or the passage is empty, and so it is in 2 of 80 rows"),
        (lambda raw: raw.replace(b"\tq\t", b"\tquery\t"), r"has no column 'q' \(data\.columns\.question\).*query"),
        (lambda raw: raw.split(b"\n")[0] + b"\n", "no row has a question and a passage"),
    ],
)  # fmt: skip
def test_malformed_rows_are_errors_that_name_them(tmp_path: Path, change: Any, message: str) -> None:
    twins.write_tsv(tmp_path / "a.tsv", rows())
    (tmp_path / "a.tsv").write_bytes(change((tmp_path / "a.tsv").read_bytes()))
    with pytest.raises(UserError, match=message):
        prepared(tmp_path, header=True).training()


def test_few_empty_sides_are_counted(tmp_path: Path) -> None:
    twins.write_tsv(tmp_path / "a.tsv", [*rows(200), {"lang": "en", "qid": "x", "q": " \u2003", "p": "p"}])
    summary = prepared(tmp_path).summary()
    assert summary is not None
    assert (summary["rows_with_an_empty_side"], summary["rows"], summary["pairs"]) == (1, 400, 200)


def test_ids_that_do_not_align_are_counted_or_refused(tmp_path: Path) -> None:
    twins.write_tsv(tmp_path / "a.tsv", [row for row in rows(100) if row["lang"] == "en" or int(row["qid"]) > 1])
    summary = prepared(tmp_path).summary()
    assert summary is not None
    assert (summary["pairs_in_all_languages"], summary["pairs_by_language"]) == (98, {"de": 98, "en": 100})
    with pytest.raises(UserError, match=r"data\.parallel=true, but 2 of 100 pairs do not exist in 'de'"):
        prepared(tmp_path, parallel=True).training()


def test_passage_ids_with_two_texts(tmp_path: Path) -> None:
    given = [{**row, "pid": row["qid"]} for row in rows(30, ("en",))]
    twins.write_tsv(tmp_path / "a.tsv", [{**row, "pid": "7"} if row["qid"] == "9" else row for row in given])
    with pytest.raises(UserError, match=r"row 11: its passage id has another text .*a\.tsv, row 9"):
        prepared(tmp_path, columns={**COLUMNS, "passage_id": "pid"}).training()


@pytest.mark.parametrize("kind", ["tsv", "csv", "jsonl"])
def test_an_archive_that_is_cut_short(tmp_path: Path, kind: str) -> None:
    twins.WRITERS[kind](tmp_path / "a", rows(400))
    packed = gzip.compress((tmp_path / "a").read_bytes())
    (tmp_path / f"a.{kind}.gz").write_bytes(packed[:-30])
    (tmp_path / "a").unlink()
    dialect = {"delimiter": ",", "quoted": True} if kind == "csv" else {}
    make: Any = json_rows if kind == "jsonl" else tsv
    with pytest.raises(UserError, match=rf"a\.{kind}\.gz, after line .* truncated"):
        PreparedSource(make(str(tmp_path), columns=COLUMNS, **dialect)).training()


def test_line_ends_marks_and_separators(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    text = '"quoted\u2028 and \x85 and \x0b" \x1c'
    file.write_bytes(f"\ufeffq\tp\r\n\r\n{text}\tone\r\nlast\ttwo".encode())
    assert lines(file) == [
        {"q": text, "p": "one", "\0row": 3},
        {"q": "last", "p": "two", "\0row": 4},
    ]
    file.write_bytes(f"{text}\tone\n".encode())
    assert lines(file, Columns.of({"question": 1, "passage": 2}), header=False)[0]["2"] == "one"


def test_quoted_columns(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes('\ufeffq,p\r\n"a, ""b""\nc",d\r\ne,f\r\n'.encode())
    assert [(row["q"], row["p"]) for row in lines(file, delimiter=",", quoted=True)] == [('a, "b"\nc', "d"), ("e", "f")]
    file.write_bytes(b'q,p\na,"b\rc"\rd,e\n')  # a carriage return ends a line where it is not in quotation marks
    assert [(row["q"], row["p"]) for row in lines(file, delimiter=",", quoted=True)] == [("a", "b\rc"), ("d", "e")]
    file.write_bytes(b"q,p\r\na,b\r\nc\r\n")
    with pytest.raises(UserError, match=r"a\.csv, row 3 or later: 1 columns where 2 are expected"):
        lines(file, delimiter=",", quoted=True)
    file.write_bytes(b"q,p\r\na,caf\xe9\r\n")
    with pytest.raises(UserError, match=r"a\.csv, line 2: not UTF-8"):
        lines(file, delimiter=",", quoted=True)


def test_json_read_fast_and_line_by_line_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "BLOCK", 200)
    file = tmp_path / "a.jsonl"
    found = [
        {"q": f"q \u2028{n}", "p": n if n == 7 else f"p {n}", "x": {"y": n}, "n": ["a", "b"][: n % 3]}
        for n in range(40)
    ]
    twins.write_json(file, found)
    columns = Columns.of({"question": "q", "passage": "p", "negatives": "n"})
    fast, slow = ([row for t in json_line_tables(file, columns, way) for row in t.to_pylist()] for way in (True, False))
    assert fast == slow
    assert [row["p"] for row in fast] == [str(one["p"]) for one in found]
    assert [row["\0row"] for row in fast] == list(range(1, 41))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"q": "a"}', r"line 2: no 'p' \(data\.columns\)"),
        (b'{"q": "a", "p": ["b"]}', r"line 2: 'p' must be text, not list"),
        (b'{"q": "a", "p": "b"', r"line 2: broken JSON"),
        (b'{"q": "a", "p": "b"}{"q": "c", "p": "d"}', r"line 2: broken JSON"),
        (b'["a"]', r"line 2: a row must be a JSON object"),
        (b'{"q": "a", "p": "\\ud800"}', r"line 2: 'p' holds a character"),
        (b'{"q": "a", "p": "\xff"}', r"line 2: not UTF-8"),
    ],
)
def test_malformed_json(tmp_path: Path, line: bytes, message: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"q": "a", "p": "b"}\n' + line + b"\n")
    with pytest.raises(UserError, match=message):
        list(json_line_tables(tmp_path / "a.jsonl", PLAIN))


def test_parquet_that_is_not_utf8(tmp_path: Path) -> None:
    raw = b"fine" + b"caf\xe9"
    bad = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 4, 8], np.int32)), pa.py_buffer(raw))
    pq.write_table(pa.table({"q": bad, "p": ["a", "b"]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet, row 1 or one of the next .* not UTF-8"):
        list(parquet_stream(tmp_path / "a.parquet", PLAIN))


def test_parquet_that_is_cut_short_or_holds_no_text(tmp_path: Path) -> None:
    twins.write_parquet(tmp_path / "a.parquet", [{**row, "q": 1.5} for row in rows()])
    with pytest.raises(UserError, match=r"column 'q' must hold text, not double"):
        PreparedSource(parquet(str(tmp_path), columns=COLUMNS)).training()
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    with pytest.raises(UserError, match=r"a\.parquet cannot be read as parquet"):
        PreparedSource(parquet(str(tmp_path), columns=COLUMNS)).training()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": {"question": "q", "passages": "p"}}, r"data\.columns: 'passages' .*'passage'"),
        ({"columns": {"question": "q"}}, r"data\.columns: no passage"),
        ({"columns": {"question": ["q", "r"], "passage": "p"}}, r"data\.columns\.question=.*one column"),
        ({"columns": {"question": "q", "passage": "p"}}, r"a\.tsv: no language is known"),
        ({"columns": {**COLUMNS, "id": "quid"}}, r"no column 'quid' \(data\.columns\.id\)\. Did you mean 'qid'"),
        ({"languages": ["en", "xx-yy-zz"]}, r"data\.languages: 'xx-yy-zz' is not a language code"),
        ({"languages": ["en", "fr"]}, r"data\.languages: no row is in fr\. There are: en"),
        ({"languages": ["en", "eng"]}, r"data\.languages=.*none twice"),
        ({"rename": {"en": "english"}}, r"data\.rename\.en: 'english' is not a language code"),
        ({"files": "b.tsv"}, r"No file in .* matches 'b\.tsv'.*a\.tsv"),
        ({"files": {"en": "a.tsv", "de": "*.tsv"}}, r"a\.tsv is listed for 'en' and for 'de'"),
        ({"files": {"en": "a.tsv"}}, r"data\.files and data\.columns\.language='lang' both .* Leave one of them out"),
        ({"files": "/nowhere/*.tsv"}, r"data\.files: '/nowhere/\*\.tsv' must be relative"),
        ({"delimiter": "ab"}, r"data\.delimiter='ab' must be one character"),
        ({"validation_questions": 80}, r"data\.validation_questions=80: there are only 40 pairs"),
        ({"name": " "}, r"data\.name is empty"),
        ({"path": "nowhere"}, r"There is no file or folder nowhere"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    twins.write_tsv(tmp_path / "a.tsv", rows())
    path = options.pop("path", tmp_path)
    with pytest.raises(UserError, match=message):
        prepared(path, **options).training()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("NAME", "a" * 40, "*.parquet"), r"data\.repo='NAME'"),
        (("OWNER/NAME", "main", "*.parquet"), r"data\.revision='main': give a commit"),
        (("OWNER/NAME", "a" * 40, None), r"data\.files is not set"),
    ],
)
def test_a_hub_dataset_is_pinned(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        hub(*arguments)


def test_missing_files_name_the_command_that_fetches_them(tmp_path: Path) -> None:
    (text,) = hub("OWNER/NAME", "a" * 40, {"en": "en/train-*.parquet", "de": "de/*.parquet"}, str(tmp_path)).missing()
    assert "hf download OWNER/NAME --repo-type dataset --revision " + "a" * 40 in text
    assert "--include 'en/train-*.parquet' --include 'de/*.parquet'" in text


class Killed(Quiet):
    """Ends the preparation when a task whose description starts with `name` is to begin; notes the others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begun: list[str] = []

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Any]:
        if description.startswith(self.name):
            raise KeyboardInterrupt
        self.begun.append(description)
        with super().task(description, total) as advance:
            yield advance


class Counted(Quiet):
    """Notes the total of each task and how far it came."""

    def __init__(self) -> None:
        self.tasks: dict[str, list[int | None]] = {}

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Any]:
        self.tasks[description] = [total, 0]

        def advance(count: int = 1) -> None:
            self.tasks[description][1] = (self.tasks[description][1] or 0) + count

        yield advance


@pytest.mark.parametrize("task", ["read c.tsv", "number", "write the texts"])
def test_what_was_written_whole_survives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    (folder := tmp_path / "rows").mkdir()
    for number, name in enumerate("abc"):
        twins.write_tsv(folder / f"{name}.tsv", rows(60)[number::3])
    killed = PreparedSource(tsv(str(folder), columns=COLUMNS, validation_questions=5), Killed(task))
    with pytest.raises(KeyboardInterrupt):
        killed.training()
    parts = killed.path.with_suffix(".part") / "parts"
    assert (parts / JOURNAL).is_file()
    (parts / "arrange").mkdir(exist_ok=True)  # as a process leaves it that has no time to delete anything
    (parts / "arrange" / "0").write_bytes(b"half")
    (parts / "numbers.db").write_bytes(b"half")
    second = Killed("nothing")
    again = PreparedSource(tsv(str(folder), columns=COLUMNS, validation_questions=5), second)
    found = twins.pairs_of(again.training()[0])
    assert [one for one in second.begun if one.startswith("read")] == (["read c.tsv"] if task == "read c.tsv" else [])
    fingerprint = again.fingerprint()
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "other"))
    whole = prepared(folder)
    assert twins.pairs_of(whole.training()[0]) == found
    assert whole.fingerprint() == fingerprint
    assert not [one for one in again.path.iterdir() if one.name in ("parts", JOURNAL)]


def test_a_disk_that_fills_keeps_finished_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "rows").mkdir()
    twins.write_tsv(folder / "a.tsv", rows())
    file = Shards.file

    def full(self: Shards, name: str, write: Any) -> dict[str, Any]:
        if name == "training-0/queries.en.arrow":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return file(self, name, write)

    with monkeypatch.context() as patch:
        patch.setattr(Shards, "file", full)
        with pytest.raises(UserError, match=r"Cannot write the prepared copy of tsv.*No space left.*is kept"):
            prepared(folder).training()
    second = Killed("nothing")
    assert len(PreparedSource(tsv(str(folder), columns=COLUMNS, validation_questions=5), second).training()[0]) == 35
    assert not [one for one in second.begun if one.startswith("read")]


def test_a_source_that_changed_gets_another_copy(tmp_path: Path) -> None:
    twins.write_tsv(tmp_path / "a.tsv", rows())
    first = prepared(tmp_path).path
    raw = (tmp_path / "a.tsv").read_bytes()
    state = (tmp_path / "a.tsv").stat()
    (tmp_path / "a.tsv").write_bytes(raw.replace(b"en question 3\t", b"en question x\t"))
    os.utime(tmp_path / "a.tsv", ns=(state.st_atime_ns, state.st_mtime_ns))  # of the same size and time
    assert prepared(tmp_path).path != first
    assert prepared(tmp_path, parallel=True).path != prepared(tmp_path).path


def test_a_long_line_is_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 10)
    monkeypatch.setattr("hybridret.data.lines.LONGEST", 50)
    (tmp_path / "a.tsv").write_bytes(b"q\tp\na\tb\n" + b"c" * 80 + b"\td\n")
    with pytest.raises(UserError, match=r"a\.tsv, line 3: longer than"):
        lines(tmp_path / "a.tsv")


def test_numbered_parts_of_a_file_are_all_there(tmp_path: Path) -> None:
    for number in (0, 2):
        twins.write_parquet(tmp_path / f"train-0000{number}-of-00003.parquet", rows())
    given: Any = {"columns": COLUMNS, "validation_questions": 5}
    for make in (parquet, lambda path, files, **more: hub("OWNER/NAME", "a" * 40, files, path, **more)):
        with pytest.raises(UserError, match=r"lacks train-00001-of-00003\.parquet, one of the parts.*data\.files"):
            PreparedSource(make(str(tmp_path), files="train-*.parquet", **given)).training()
        chosen = PreparedSource(make(str(tmp_path), files="train-0000[02]*.parquet", **given))  # on purpose
        assert len(chosen.training()[0]) == 35
    with pytest.raises(UserError, match=r"lacks train-00001-of-00003\.parquet"):
        PreparedSource(parquet(str(tmp_path), **given)).training()


def test_a_column_that_is_there_twice(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("q\tp\tq\na\tb\tc\n")
    with pytest.raises(UserError, match=r"a\.tsv has 2 columns 'q' \(data\.columns\.question\)"):
        lines(tmp_path / "a.tsv")
    pq.write_table(pa.Table.from_arrays([["a"], ["b"], ["c"]], names=["q", "p", "q"]), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"a\.parquet has 2 columns 'q'"):
        list(parquet_stream(tmp_path / "a.parquet", PLAIN))


def test_a_disk_without_room_for_what_is_sorted(tmp_path: Path) -> None:
    """DuckDB names it a lack of memory."""
    with numbering.Numbering(tmp_path / "numbers.db") as numbers:
        numbers._run("SET max_temp_directory_size='1MB'; SET memory_limit='20MB'")
        with pytest.raises(OSError, match=r"."):
            numbers._run("CREATE TABLE x AS SELECT range, hash(range) FROM range(20000000) ORDER BY hash(range)")


def test_a_list_in_json_is_no_file_of_lines(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(rows(2), indent=1))
    with pytest.raises(UserError, match=r"a\.json, line 1: .*one JSON object in each line.*jq -c"):
        list(json_line_tables(tmp_path / "a.json", PLAIN))


@pytest.mark.parametrize("kind", twins.WRITERS)
def test_the_progress_counts_the_bytes_of_each_file(tmp_path: Path, kind: str) -> None:
    (folder := tmp_path / "rows").mkdir()
    twins.WRITERS[kind](folder / f"a.{kind}", rows(300))
    dialect = {"delimiter": ",", "quoted": True} if kind == "csv" else {}
    make: Any = {"jsonl": json_rows, "parquet": parquet}.get(kind, tsv)
    progress = Counted()
    PreparedSource(make(str(folder), columns=COLUMNS, validation_questions=5, **dialect), progress).training()
    size = (folder / f"a.{kind}").stat().st_size
    assert progress.tasks[f"read a.{kind}"] == [size, size]
