"""A leak table is made once for a prepared source and some benchmarks, and kept beside the prepared copy.

Every point of a sweep, and every resumed one, asks the same question. On millions of pairs the answer takes half an
hour.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import hash_json
from hybridret.base.progress import Progress
from hybridret.base.records import Collection
from hybridret.base.settings import LeakSettings
from hybridret.data.leaks.check import TrainedOn, leak_table
from hybridret.data.leaks.table import LeakTable

VERSION = 3  # of the check: raise it when the same texts would give another table
WHAT = "the leak table of prepared data"
_log = logging.getLogger(__name__)


class TrainedCopy(TrainedOn, Protocol):
    """A source whose pairs lie in a prepared copy."""

    @property
    def path(self) -> Path:
        """Where the copy lies."""
        ...


def kept_leak_table(
    source: TrainedCopy, collections: Sequence[Collection], settings: LeakSettings, progress: Progress
) -> LeakTable:
    """`leak_table`, from the file beside the prepared copy where the same was asked before. A file that is damaged is
    made again; where it cannot be written a warning states it, and the table counts all the same.
    """
    asked = {key: value for key, value in asdict(settings).items() if key not in ("check", "allowed")}
    key = hash_json([VERSION, asked, [_identity(one) for one in collections]], 24)
    path = source.path.with_name(f"{source.path.name}.leaks-{key}.json")
    if path.is_file():
        try:
            return LeakTable.of(read_sealed(path, WHAT))
        except (UserError, KeyError, TypeError, ValueError) as error:
            _log.warning("%s is made again: %s", path, error)
    table = leak_table(source, collections, settings, progress)
    try:
        write_sealed(path, table.record())
    except UserError as error:
        _log.warning("The leak table is not kept, and the next run makes it again: %s", error)
    return table


def _identity(collection: Collection) -> list[Any]:
    """All that a leak table reads of a collection, as hashes."""
    relevant = np.unique(collection.relevant_passages).tolist()
    texts = hashlib.sha256()
    for column in (collection.queries, _chosen(collection.passages, relevant), _chosen(collection.contexts, relevant)):
        for text in column:
            texts.update(f"{len(text)} {text}".encode("utf-8", "surrogatepass"))
        texts.update(b"\0")
    arrays = (
        collection.query_languages, collection.questions, collection.passage_languages,
        collection.relevant_queries, collection.relevant_passages, collection.grades,
    )  # fmt: skip
    for array in arrays:
        texts.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
    ids = hash_json([list(collection.query_ids)])
    return [collection.name, list(collection.languages), ids, texts.hexdigest()]


def _chosen(texts: Sequence[str] | None, rows: Sequence[int]) -> list[str]:
    return [] if texts is None else [texts[row] for row in rows]
