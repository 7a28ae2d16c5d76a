"""What is said of a path that is an archive, too deep or not deep enough, and of a folder with some languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.data.benchmarks.beir import Beir
from hybridret.data.benchmarks.beir_folder import Folder
from hybridret.data.benchmarks.miracl import Miracl
from hybridret.data.benchmarks.mlqa_r import MlqaR
from hybridret.data.benchmarks.mr_tydi import MrTydi
from hybridret.data.benchmarks.squadshifts import Squadshifts
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.data.jsonl import JsonlPairs

WriteLines = Callable[..., Path]
Hard = partial(Miracl, corpus="hard_negatives")
TOPICS = "topics/topics.miracl-v1.0-sw-dev.tsv"
# key, what reads a path, a file of the layout that lies in the right folder
PATHS: dict[str, tuple[str, Callable[[str], list[str]], str]] = {
    "beir": ("eval.beir.path", lambda path: Beir(["scifact"], path).missing(), "scifact/corpus.jsonl"),
    "folder": ("eval.folder.path", lambda path: Folder(path).missing(), "corpus.jsonl"),
    "miracl": ("eval.miracl.path", lambda path: Miracl(path, ["sw"]).missing(), f"miracl-v1.0-sw/{TOPICS}"),
    "hard negatives": ("eval.miracl.path", lambda path: Hard(path, ["sw"]).missing(), "sw-corpus/dev-0.parquet"),
    "mr_tydi": ("eval.mr_tydi.path", lambda path: MrTydi(path, ["sw"]).missing(), "mrtydi-v1.1-swahili/corpus.jsonl"),
    "xquad_r": ("eval.xquad_r.path", lambda path: XquadR(path, ["en"]).missing(), "en.json"),
    "mlqa_r": ("eval.mlqa_r.path", lambda path: MlqaR(path, ["en"]).missing(), "dev-context-en-question-en.json"),
    "squadshifts": ("eval.squadshifts.path", lambda path: Squadshifts(path, ["nyt"]).missing(), "nyt_v1.0.json"),
    "jsonl": ("data.path", lambda path: JsonlPairs(path).missing(), "x.jsonl"),
}  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("place", ["above", "below"])
def test_the_right_folder_is_named(tmp_path: Path, write_lines: WriteLines, name: str, place: str) -> None:
    key, missing, file = PATHS[name]
    right = tmp_path / "outer" / "right"
    write_lines(right / file, ["{}"])
    given = right.parent if place == "above" else right / "deeper"
    given.mkdir(exist_ok=True)
    assert any(f"set {key}={right}." in text for text in missing(str(given)))


@pytest.mark.parametrize("archive", ["a.zip", "a.tar.gz"])
@pytest.mark.parametrize("name", PATHS)
def test_an_archive_is_said(tmp_path: Path, name: str, archive: str) -> None:
    """BEIR's layout is read out of a .zip; here it is none."""
    key, missing, _ = PATHS[name]
    (tmp_path / archive).write_bytes(b"not what it is called")
    (said, *_) = missing(str(tmp_path / archive))
    assert "archive" in said
    if archive.endswith(".zip") and name in ("beir", "folder"):
        assert "cannot be read as a .zip archive" in said
    elif name not in ("beir", "folder"):
        assert f"unpack it, and set {key} to the folder" in said


@pytest.mark.parametrize("form", ["miracl", "hard negatives", "mr_tydi", "mr_tydi, archive"])
def test_the_languages_that_are_there_are_named(tmp_path: Path, write_lines: WriteLines, form: str) -> None:
    for code, name in (("sw", "swahili"), ("ko", "korean")):
        files = {
            "miracl": [
                f"miracl-v1.0-{code}/topics/topics.miracl-v1.0-{code}-dev.tsv",
                f"miracl-v1.0-{code}/qrels/qrels.miracl-v1.0-{code}-dev.tsv",
                f"miracl-corpus-v1.0-{code}/docs-0.jsonl.gz",
            ],
            "hard negatives": [],
            "mr_tydi": [f"mrtydi-v1.1-{name}/ir-format-data/{kind}.test.txt" for kind in ("topics", "qrels")]
            + [f"mrtydi-v1.1-{name}/corpus.jsonl.gz"],
            "mr_tydi, archive": [
                f"mrtydi-v1.1-{name}/{file}"
                for file in ("topic.test.tsv", "qrels.test.txt", "collection/docs.jsonl.gz")
            ],
        }[form]
        for file in files:
            write_lines(tmp_path / file, ["{}"])
        if form == "hard negatives":
            import pyarrow as pa
            from pyarrow.parquet import write_table

            for part in ("corpus", "queries", "qrels"):
                (tmp_path / f"{code}-{part}").mkdir()
                write_table(pa.table({"_id": ["1"]}), tmp_path / f"{code}-{part}" / "dev-00000-of-00001.parquet")
    corpus = "hard_negatives" if form == "hard negatives" else "full"
    benchmark: Any = MrTydi(str(tmp_path)) if form.startswith("mr_tydi") else Miracl(str(tmp_path), corpus=corpus)
    key = "eval.mr_tydi" if form.startswith("mr_tydi") else "eval.miracl"
    with pytest.raises(UserError) as error:
        benchmark.collections(None)
    assert str(error.value).endswith(f" The folder has ko, sw: {key}.languages=[ko,sw].")
    assert benchmark.missing() == [str(error.value)]


def test_unknown_fields_of_published_files_are_named(
    tmp_path: Path, small: dict[str, Any], write_lines: WriteLines, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "mrtydi-v1.1-swahili"
    write_lines(own / "ir-format-data" / "topics.test.txt", small["sw"].topic_lines())
    write_lines(own / "ir-format-data" / "qrels.test.txt", small["sw"].trec_lines())
    rows = [{**json.loads(row), "txt": "x"} for row in small["sw"].rows("docid", "title", "text")]
    write_lines(own / "corpus.jsonl.gz", map(json.dumps, rows))
    (collection,) = MrTydi(str(tmp_path), ["sw"], allow_other=True).collections(None)
    assert collection.notes["fields not read"] == "'txt' (did you mean 'text'?)"
    assert caplog.messages == ["the files of mr_tydi_other: fields that are not read: 'txt' (did you mean 'text'?)."]
