"""Mined hard negatives beside a prepared copy, and the view on them that batches are made from.

`COPY.mined/NAME/dataset-NUMBER/negatives.LANGUAGE.npy` [Q, N] holds rows of the passage file of LANGUAGE, -1 where
there are fewer; `passage_groups.npy` holds the group of each row. `mined.json` is written last and names all files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.records import IntArray, Negative, ParallelPairs
from hybridret.data.prepared.folder import probe
from hybridret.data.prepared.stored_texts import StoredTexts

VERSION = 1  # of the files of a mined set
ABOUT, GROUPS = "mined.json", "passage_groups.npy"
WHAT = "the description of mined negatives"


class MinedNegatives(Sequence[tuple[Negative, ...]]):
    """The mined negatives of each question in one language. Items are texts with their groups, as for any dataset;
    `rows_of` and `groups_of` give numbers alone.
    """

    def __init__(self, rows: Path, groups: Path, texts: Path) -> None:
        self._files = (rows, groups, texts)
        try:
            self._rows: NDArray[np.int32] = np.load(rows, mmap_mode="r")
            self.groups: IntArray = np.load(groups, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise UserError(f"{rows.parent} is damaged ({error}). Delete its folder and mine again.") from error
        self.texts = StoredTexts(texts)

    def __reduce__(self) -> tuple[Any, ...]:
        return MinedNegatives, self._files

    def __len__(self) -> int:
        return len(self._rows)

    def rows_of(self, question: int) -> IntArray:
        """[n]: rows of the negatives of a question in the passage file, best first; n is at most N."""
        rows = self._rows[question]
        found: IntArray = rows[rows >= 0].astype(np.int64)
        return found

    def groups_of(self, rows: IntArray) -> IntArray:
        """[n]: the passage groups of rows of the passage file."""
        return np.asarray(self.groups[rows])

    @overload
    def __getitem__(self, index: int) -> tuple[Negative, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[Negative, ...]]: ...

    def __getitem__(self, index: int | slice) -> tuple[Negative, ...] | list[tuple[Negative, ...]]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        rows = self.rows_of(range(len(self))[index])
        found = zip(self.texts.take(rows), self.groups[rows].tolist(), strict=True)
        return tuple(Negative(cast(str, text), group) for text, group in found)


@dataclass(frozen=True)
class MinedSet:
    """What a folder of mined negatives holds. `about` has settings, counts and `hash`, that of the content."""

    folder: Path
    about: Mapping[str, Any]

    @property
    def record(self) -> dict[str, Any]:
        """What a run states of the set that it was trained with."""
        return {key: self.about[key] for key in ("name", "hash", "retriever", "mining")}

    def training(self, datasets: Sequence[ParallelPairs]) -> tuple[ParallelPairs, ...]:
        """The training datasets of the prepared copy with these negatives in the position of their own."""
        return tuple(self._with_negatives(number, pairs) for number, pairs in enumerate(datasets))

    def _with_negatives(self, number: int, pairs: ParallelPairs) -> ParallelPairs:
        folder = self.folder / dataset_folder(number)
        negatives = {
            language: MinedNegatives(
                folder / f"negatives.{language}.npy",
                folder / GROUPS,
                cast(StoredTexts, pairs.passages[language]).path,
            )
            for language in pairs.languages
        }
        if any(len(one) != len(pairs) or len(one.groups) != one.texts.stored for one in negatives.values()):
            raise UserError(
                f"{folder} does not fit the data: it has other numbers of questions or passages. Delete it, mine again."
            )
        return replace(pairs, negatives=negatives)


def dataset_folder(number: int) -> str:
    """The name of the folder of a training dataset."""
    return f"dataset-{number}"


def mined_folder(copy: Path, name: str) -> Path:
    """Where the set `name` of a prepared copy lies: beside the copy, which may be made anew."""
    return copy.with_name(f"{copy.name}.mined") / name


def mined_names(copy: Path) -> list[str]:
    """The sets that lie beside a prepared copy."""
    found = (path.parent.name for path in copy.with_name(f"{copy.name}.mined").glob(f"*/{ABOUT}"))
    return sorted(name for name in found if not name.startswith("."))  # those that are not whole are hidden


def read_mined(folder: Path, fingerprint: str) -> MinedSet:
    """The set in `folder`. Raises UserError for one that is damaged, of another layout, or of data with another
    fingerprint.
    """
    about = read_sealed(folder / ABOUT, WHAT, "delete its folder and mine again")
    if about.get("version") != VERSION:
        raise UserError(f"{folder} was mined by another version of hybridret. Delete it and mine again.")
    if about["fingerprint"] != fingerprint:
        raise UserError(
            f"{folder} was mined from other data (fingerprint {about['fingerprint']}, now {fingerprint}). Delete it "
            f"and mine again."
        )
    for name, known in about["files"].items():
        if probe(folder / name) != known:
            raise UserError(f"{folder / name} is damaged or missing. Delete {folder} and mine again.")
    return MinedSet(folder, about)


def write_mined(folder: Path, about: Mapping[str, Any]) -> None:
    """Write the description of a folder whose other files are there; the last of its files."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    known = {name: probe(folder / name) for name in files if name != ABOUT}
    write_sealed(folder / ABOUT, {"version": VERSION, **about, "files": known})
