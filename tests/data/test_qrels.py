"""Judgments and topics in the field's layouts, MIRACL's published ones among them, and bad lines."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from hybridret.base.errors import UserError
from hybridret.data.qrels import read_qrels, read_topics

HEADER = "query-id\tcorpus-id\tscore\n"


def write(file: Path, text: str | bytes) -> Path:
    content = text if isinstance(text, bytes) else text.encode()
    file.write_bytes(gzip.compress(content) if file.name.endswith(".gz") else content)
    return file


def table(path: Path, layout: Literal["beir", "trec"]) -> list[tuple[str, str, int]]:
    qrels = read_qrels(path, layout)
    return list(zip(qrels.query_ids, qrels.passage_ids, qrels.grades.tolist(), strict=True))


def test_every_layout_gives_the_same(tmp_path: Path) -> None:
    found = [("q1", "d 1", 2), ("q1", "d2", 0), ("q2", "d 1", -1)]
    beir = HEADER + "".join(f"{query}\t{passage}\t{grade}\n" for query, passage, grade in found)
    lines = "".join(
        f'{{"query-id": "{query}", "corpus-id": "{passage}", "score": {grade}}}\n' for query, passage, grade in found
    )
    assert table(write(tmp_path / "a.tsv", "\ufeff" + beir), "beir") == found
    assert table(write(tmp_path / "a.tsv.gz", beir.replace("\n", "\r\n") + "\n"), "beir") == found
    assert table(write(tmp_path / "a.jsonl", lines), "beir") == found
    assert table(write(tmp_path / "a.jsonl.gz", lines), "beir") == found
    plain = pa.table(dict(zip(("query-id", "corpus-id", "score"), zip(*found, strict=True), strict=True)))
    parquet.write_table(plain, tmp_path / "a.parquet")
    assert table(tmp_path / "a.parquet", "beir") == found
    short = [(query, passage.replace(" ", ""), grade) for query, passage, grade in found]
    trec = [f"{query} Q0\t{passage}  {grade}\n" for query, passage, grade in short]
    assert table(write(tmp_path / "a.txt", "".join(trec)), "trec") == short
    assert table(write(tmp_path / "a.txt.gz", "".join(trec)), "trec") == short


@pytest.mark.parametrize("layout", ["beir", "trec"])
@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t0\n", "BEIR's header"),
        ("corpus-id\tquery-id\tscore\nd1\tq1\t2\nd2\tq2\t0\n", "columns by their names (corpus-id, query-id, score)"),
        ("score query_id docid\n2 q1 d1\n0 q2 d2\n", "columns by their names (score, query_id, docid)"),
        ("qid\titer\tpid\trel\nq1\t0\td1\t2\nq2\t0\td2\t0\n", "columns by their names (qid, iter, pid, rel)"),
        ("q1\td1\t2\nq2\td2\t0.0\n", "three columns without a header"),
        ("q1 d1 2\nq2 d2 0\n", "three columns without a header"),
        ("q1 Q0\td1\t2\nq2 Q0\td2\t0\n", "TREC's four columns"),
        ("q1 0 d1 2\n\nq2 0 d2 0\n", "TREC's four columns"),
        ("q1\t0\td1\t2\r\nq2\t0\td2\t0\r\n", "TREC's four columns"),
    ],
)
def test_columns_are_read_by_their_names_or_their_shape(
    tmp_path: Path, layout: Literal["beir", "trec"], text: str, read_as: str
) -> None:
    for name in ("a.tsv", "a.tsv.gz"):
        file = write(tmp_path / name, text)
        assert table(file, layout) == [("q1", "d1", 2), ("q2", "d2", 0)]
        published = {"beir": "BEIR's header", "trec": "TREC's four columns"}[layout]
        assert read_qrels(file, layout).notes() == ({} if read_as == published else {"judgments read as": read_as})


def test_ids_with_spaces_stand_between_tabs(tmp_path: Path) -> None:
    for text in ("q 1\td 1\t2\n", "q 1\td1\t2\n", "q 1\t0\td 1\t2\n"):
        assert table(write(tmp_path / "a.tsv", text), "beir")[0] == ("q 1", "d1" if "d1" in text else "d 1", 2)


def test_other_names_of_fields(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"docid": ["d"], "qid": ["q"], "relevance": [1]}), tmp_path / "a.parquet")
    assert table(tmp_path / "a.parquet", "beir") == [("q", "d", 1)]
    assert table(write(tmp_path / "a.jsonl", '{"pid": "d", "query_id": "q", "score": 1}\n'), "beir") == [("q", "d", 1)]


def test_numbers_are_read_as_text(tmp_path: Path) -> None:
    """An int id that meets a str id would match nothing, and every query would score 0."""
    parquet.write_table(pa.table({"query-id": [7], "corpus-id": [12], "score": [1.0]}), tmp_path / "a.parquet")
    assert table(tmp_path / "a.parquet", "beir") == [("7", "12", 1)]
    file = write(tmp_path / "a.jsonl", '{"query-id": 7, "corpus-id": 12, "score": 1.0}\n')
    assert table(file, "beir") == [("7", "12", 1)]


def test_equal_repetitions_are_counted_and_others_are_errors(tmp_path: Path) -> None:
    text = "q1 Q0 d1 1\nq2 Q0 d1 2\nq1 Q0 d1 1\nq1 Q0 d1 1\n"
    qrels = read_qrels(write(tmp_path / "a.txt", text), "trec")
    assert (len(qrels), qrels.repeated) == (2, 2)
    with pytest.raises(UserError, match=r"a\.txt, line 5: query 'q2' and passage 'd1' have grade 0, but 2 in .*line 2"):
        read_qrels(write(tmp_path / "a.txt", text + "q2 Q0 d1 0\n"), "trec")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "q1\td1\n", r"line 1: expected the header"),
        ("a.tsv", "id\tcorpus-id\tscore\nq1\td1\t1\n", r"line 1: expected the header"),
        ("a.tsv", "query-id\tqid\tscore\nq1\td1\t1\n", r"line 1: expected the header"),
        ("a.tsv", "q1\td1\t1\nq2\td2\n", r"line 2: expected query id TAB passage id TAB grade, found 'q2"),
        ("a.tsv", HEADER + "q1\td1\n", r"line 2: expected query id TAB passage id TAB grade, found 'q1\\td1'"),
        ("a.tsv", HEADER + "q1\t\t1\n", r"line 2: expected query id TAB"),
        ("a.tsv", HEADER + "q1\td1\tyes\n", r"line 2: the grade must be a whole number, not 'yes'"),
        ("a.tsv", HEADER + "\nq1\td1\t0.5\n", r"line 3: the grade must be a whole number, not '0.5'"),
        ("a.tsv", HEADER + "q1\td1\tnan\n", r"line 2: the grade must be"),
        ("a.tsv", HEADER + "q1\td1\t99999999999999999999999\n", r"line 2: the grade must be .* at most 2147483647"),
        ("a.tsv", HEADER + "q1\td1\t-1e30\n", r"line 2: the grade must be"),
        ("a.tsv", HEADER + "q1\td1\t" + "9" * 5000 + "\n", r"line 2: the grade must be"),
        ("a.tsv", HEADER, r"holds no judgments"),
        ("a.tsv", "", r"holds no judgments"),
        ("a.tsv", (HEADER + "q\xff").encode("latin-1"), r"line 2: not UTF-8"),
        ("a.txt", "q1 0 d1\n", r"line 1: expected .* or TREC's 'qid Q0 docid grade'; found 'q1 0 d1'"),
        ("a.txt", "q1 0 d1 1\nq2 0 d2\n", r"line 2: expected 4 columns, as in the first line, found 'q2 0 d2'"),
        ("a.jsonl", '{"query-id": "q", "score": 1}\n', r"line 1: no 'corpus-id'"),
        ("a.jsonl", '{"query-id": "q"', r"line 1: broken JSON"),
        ("a.parquet", "text", r"cannot be read as parquet"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, name: str, text: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_qrels(write(tmp_path / name, text), "trec" if name == "a.txt" else "beir")


def test_bad_parquet(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"query-id": ["q"], "score": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="lacks the columns corpus-id"):
        read_qrels(tmp_path / "a.parquet", "beir")
    rows = {"query-id": ["q", None], "corpus-id": ["d", "d"], "score": [1, 1]}
    parquet.write_table(pa.table(rows), tmp_path / "a.parquet")
    with pytest.raises(UserError, match="row 2: a cell is empty"):
        read_qrels(tmp_path / "a.parquet", "beir")


def test_a_truncated_archive_and_a_missing_file(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv.gz"
    whole = gzip.compress((HEADER + "".join(f"q{n * 7919 % 997}\td{n}\t1\n" for n in range(5000))).encode())
    file.write_bytes(whole[:-2000])
    with pytest.raises(UserError, match=r"after line \d+: the gzip archive is truncated"):
        read_qrels(file, "beir")
    with pytest.raises(UserError, match="cannot be read"):
        read_topics(tmp_path / "none.tsv")


def test_topics(tmp_path: Path) -> None:
    text = "1\t where\u2028is it? \r\n\n2#a\ttab\tin it\n"
    for name in ("t.tsv", "t.tsv.gz"):
        assert read_topics(write(tmp_path / name, text)) == (["1", "2#a"], ["where\u2028is it?", "tab\tin it"])
    for bad, message in (
        ("1\ta\n1\tb\n", r"line 2: query id '1' stands in an earlier line"),
        ("1\ta\nno tab\n", r"line 2: expected query id TAB query, found 'no tab'"),
        ("1\t \n", r"line 1: expected query id TAB query"),
        ("", "holds no queries"),
    ):
        with pytest.raises(UserError, match=message):
            read_topics(write(tmp_path / "t.tsv", bad))


def test_published_miracl(real_data: Path) -> None:
    """Every published file, against counting its lines."""
    topics = sorted((real_data / "eval" / "miracl" / "topics").glob("*.tsv.gz"))
    assert topics
    for file in topics:
        ids, _ = read_topics(file)
        assert len(ids) == len(gzip.decompress(file.read_bytes()).splitlines())
        judged = read_qrels(file.parents[1] / "qrels" / file.name.replace("topics.", "qrels."), "trec")
        assert set(judged.query_ids) <= set(ids)
