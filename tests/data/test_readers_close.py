"""No reader leaves a file open when it refuses one: an error is kept, with all that its frames hold, for long."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.data.arrow_table import read_table
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.nq import NaturalQuestions
from hybridret.data.qrels import read_qrels, read_topics
from hybridret.data.squad import read_squad

LONG = "x" * 100_000  # more than any buffer reads ahead
READERS: dict[str, tuple[str, list[str], Callable[[Path], object]]] = {
    "judgments, twice": ("a.tsv", ["q1\td1\t1", "q1\td1\t2", f"q3\t{LONG}\t1"], lambda file: read_qrels(file, "beir")),
    "judgments, no grade": (
        "a.tsv",
        ["q1\td1\t1", "q1\td1\tx", f"q3\t{LONG}\t1"],
        lambda file: read_qrels(file, "trec"),
    ),
    "judgments, first line": ("a.tsv", ["q1", f"q3\t{LONG}\t1"], lambda file: read_qrels(file, "trec")),
    "judgments, columns": ("a.tsv", ["q1\td1\t1", "q1\td1", f"q3\t{LONG}\t1"], lambda file: read_qrels(file, "trec")),
    "judgments as rows": (
        "a.jsonl",
        [
            '{"query-id": 1, "corpus-id": 2, "score": 1}',
            '{"query-id": 1, "corpus-id": 2, "score": 2}',
            f'{{"query-id": 1, "corpus-id": "{LONG}", "score": 2}}',
        ],
        lambda file: read_qrels(file, "beir"),
    ),
    "topics": ("a.tsv", ["q1\ta", "q1\tb", f"q2\t{LONG}"], read_topics),
    "a table": (
        "a.jsonl",
        ['{"_id": 1}', "{", f'{{"_id": "{LONG}"}}'],
        lambda file: read_table([file], {"_id": True}, "it"),
    ),
    "training rows": (
        "a.jsonl",
        ["{", f'{{"qid": "{LONG}"}}'],
        lambda file: JsonlPairs(str(file)).training(),
    ),
    "natural questions": ("a.json", ['[{"question": "x"},', LONG], lambda file: NaturalQuestions(str(file)).training()),
    "squad": ("a.json", ['{"data":', LONG], read_squad),
}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are looked up in /proc")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", READERS)
def test_a_refused_file_is_closed(name: str, packed: bool, tmp_path: Path) -> None:
    file_name, lines, read = READERS[name]
    content = "".join(f"{line}\n" for line in lines).encode()
    file = tmp_path / f"{file_name}{'.gz' if packed else ''}"
    file.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(UserError) as error:
        read(file)
    still = [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
    assert [one for one in still if one.startswith(str(tmp_path))] == []
    assert error.traceback  # still there
