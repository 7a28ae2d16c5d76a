"""A prepared source as one folder: its training datasets, validation pairs, test collections, and what is known of it.

`prepared.json` is written last and names every file with its size and a checksum of spaced probes, so that a folder
that was cut short or changed is found in milliseconds, whatever its size. Files of up to a megabyte are compared whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.progress import Progress
from hybridret.base.records import Collection
from hybridret.data.prepared.question_sets import has_question_sets, passes
from hybridret.data.prepared.shards import JOURNAL
from hybridret.data.prepared.stored_collection import read_collection, write_collection
from hybridret.data.prepared.stored_pairs import StoredPairs, complete_pairs, read_pairs, write_pairs
from hybridret.data.prepared.stored_texts import StoredTexts, write_texts
from hybridret.data.source import PairSource

VERSION = 2  # of the layout: another one is prepared again
ABOUT, ARTICLES, VALIDATION = "prepared.json", "articles.arrow", "validation"
PROBES, PROBE = 16, 1 << 16  # parts of a file that its checksum looks at, and their bytes
WHAT = "the description of prepared data"


class PreparedFolder:
    """What a folder of `write_source` holds, read when asked. Raises UserError for one that is not whole."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.about = read_sealed(self.path / ABOUT, WHAT, "delete its folder and run the same command again")
        if self.about.get("version") != VERSION:
            raise UserError(
                f"{self.path} was prepared by another version of hybridret (layout {self.about.get('version')}, here "
                f"{VERSION})."
            )
        for name, known in self.about["files"].items():
            if probe(self.path / name) != known:
                raise UserError(f"{self.path / name} is damaged or missing.")
        for name in self.about.get("members", ()):  # of a mix: copies beside this one
            PreparedFolder(self.path.parent / name)

    def training(self) -> tuple[StoredPairs, ...]:
        """One view per training dataset."""
        found = tuple(read_pairs(self.path / name) for name in self.about["training"])
        names = self.about.get("names") or [pairs.name for pairs in found]
        return tuple(
            pairs if pairs.name == name else replace(pairs, name=name) for pairs, name in zip(found, names, strict=True)
        )

    def validation(self) -> StoredPairs:
        """The validation pairs."""
        return read_pairs(self.path / VALIDATION)

    def test(self) -> tuple[Collection, ...]:
        """The held-out test sets."""
        return tuple(read_collection(self.path / name) for name in self.about["test"])

    def articles(self) -> frozenset[str] | None:
        """Titles of the articles that are trained on, None where the source knows none."""
        if ARTICLES not in self.about["files"]:
            return None
        return frozenset(text for text in StoredTexts(self.path / ARTICLES) if text is not None)


def write_source(folder: Path, source: PairSource, progress: Progress) -> dict[str, Any]:
    """Write all that `source` holds into the folder `folder`, which exists and is empty, and return what is known of
    it. OSError where it cannot be written; UserError as the source raises it.
    """
    training = [(f"training-{number}", pairs) for number, pairs in enumerate(source.training())]
    test = [(f"test-{number}", collection) for number, collection in enumerate(source.test())]
    written = (*training, (VALIDATION, source.validation()))
    with progress.task(
        f"write the texts of {source.name}", sum(len(pairs.languages) for _, pairs in written)
    ) as advance:
        for name, pairs in written:
            write_pairs(folder / name, pairs, advance)
    for name, collection in test:
        write_collection(folder / name, collection)
    if (articles := source.articles()) is not None:
        write_texts(folder / ARTICLES, sorted(articles))
    return {
        "training": [name for name, _ in training],
        "test": [name for name, _ in test],
        "fingerprint": source.fingerprint(),
        "summary": source.summary(),
    }


def complete(folder: Path, about: Mapping[str, Any], progress: Progress) -> None:
    """Write what is derived from the pairs of a folder beside them, where it is not there (as in the folders that a mix
    names). OSError where it cannot be written.
    """
    for name in (*about["training"], VALIDATION):
        if has_question_sets(folder / name):
            continue
        with progress.task(f"count the questions of {name}", passes(read_pairs(folder / name).languages)) as advance:
            complete_pairs(folder / name, advance)


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write the description of a folder whose other files are there, with their checksums; the last of its files."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    known = {name: probe(folder / name) for name in files if name not in (ABOUT, JOURNAL)}
    write_sealed(folder / ABOUT, {"version": VERSION, **about, "files": known})


def probe(path: Path) -> list[int]:
    """Size and CRC-32 of spaced parts of a file; of a missing one [-1, 0]."""
    try:
        size = path.stat().st_size
        crc = 0
        with open(path, "rb") as file:
            for number in range(PROBES):
                file.seek(max(0, size - PROBE) * number // (PROBES - 1))
                crc = zlib.crc32(file.read(PROBE), crc)
    except OSError:
        return [-1, 0]
    return [size, crc]
