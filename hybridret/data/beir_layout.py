"""A folder in BEIR's layout: `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv`, each plain or .gz.

Copies of BEIR on the hub have judgments as `qrels/SPLIT.jsonl`, which is read as well, and so is `.parquet`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError, nearest
from hybridret.data.arrow_table import numbers_read, read_table, table_fingerprint
from hybridret.data.columns import Column
from hybridret.data.fields import NUMBERS, probed_fields, unread, warn_unread
from hybridret.data.hub import find
from hybridret.data.parsing import Required
from hybridret.data.qrels import Qrels, read_qrels
from hybridret.data.retrieval_set import Part

CORPUS, QUERIES = "corpus.jsonl", "queries.jsonl"
OFTEN = ("metadata",)  # fields of BEIR's own archives that are not read here: no warning about them
KINDS = (".tsv", ".jsonl", ".parquet")  # file types of judgments, in order of preference


@dataclass(frozen=True)
class BeirData:
    """The data of a folder: the tables `corpus` (_id, title, text) and `queries` (_id, text), with any further fields,
    and judgments."""

    corpus: Any
    queries: Any
    qrels: Qrels
    unread: Mapping[str, str] = field(default_factory=dict)  # notes on fields that are not read

    def part(self, language: str) -> Part:
        """All rows as data of one language."""
        return Part(
            language,
            Column(self.queries, ("_id",), strip=False),
            Column(self.queries, ("text",)),
            Column(self.corpus, ("_id",), strip=False),
            Column(self.corpus, ("title", "text")),
            self.qrels,
        )

    def notes(self) -> dict[str, str]:
        """Notes for a report on the reading of the files; may be empty."""
        numbers = numbers_read(self.corpus) + numbers_read(self.queries)
        return {**({NUMBERS: str(numbers)} if numbers else {}), **self.qrels.notes(), **self.unread}

    def fingerprint(self) -> str:
        """A hash of the corpus."""
        return table_fingerprint(self.corpus)


@dataclass(frozen=True)
class BeirFiles:
    """The files of a folder: `qrels` is one of `KINDS`."""

    corpus: Path
    queries: Path
    qrels: Path


def beir_files(folder: Path, split: str, what: str, key: str = "") -> BeirFiles:
    """The files of `folder`. `what`: its name in messages; `key`: the key of the config for the split, if it has one.

    Raises UserError for a missing file, naming the splits in the folder.
    """
    qrels = next(filter(None, (find(folder, f"qrels/{split}{kind}") for kind in KINDS)), None)
    if not qrels:
        kept = sorted({file.name.split(".")[0] for file in (folder / "qrels").glob("*") if file.is_file()})
        hint = f" It has the splits {', '.join(kept)}: {nearest(split, kept)} Set {key}." if kept and key else ""
        hint = hint or (f" It has the splits {', '.join(kept)}." if kept else "")
        raise UserError(f"{folder} lacks qrels/{split}.tsv, the judgments of {what}.{hint}")
    files = {name: find(folder, name) for name in (CORPUS, QUERIES)}
    if missing := [name for name, found in files.items() if not found]:
        raise UserError(f"{folder} lacks {' and '.join(missing)} (plain or .gz) of {what}.")
    return BeirFiles(files[CORPUS][0], files[QUERIES][0], qrels[0])


def read_beir(folder: Path, split: str, what: str, key: str, further: Sequence[str] = ()) -> BeirData:
    """Read `folder`. `what`: its name in messages; `key`: the section of the config; `further`: optional text fields.

    Raises UserError for a missing file, naming the splits in the folder, and for malformed files.
    """
    files = beir_files(folder, split, what, f"{key}.split")
    optional = dict.fromkeys(further, False)
    fields: dict[str, dict[str, Required]] = {
        CORPUS: {"_id": True, "title": False, "text": "title", **optional},
        QUERIES: {"_id": True, "text": True, **optional},
    }
    corpus, queries = (
        read_table([file], fields[name], f"the {rows} of {what}")
        for name, rows, file in ((CORPUS, "corpus", files.corpus), (QUERIES, "queries", files.queries))
    )
    return BeirData(corpus, queries, read_qrels(files.qrels, "beir"), unread_fields(files, further))


def unread_fields(files: BeirFiles, further: Sequence[str] = ()) -> dict[str, str]:
    """A note on the fields of the rows that are not read, with a warning; {} if there are none."""
    known = (*further, *OFTEN)
    unknown = unread(probed_fields(files.corpus), ("_id", "title", "text", *known))
    unknown |= unread(probed_fields(files.queries), ("_id", "text", "title", *known))
    return warn_unread(unknown, str(files.corpus.parent))
