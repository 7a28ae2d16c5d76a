"""Training pairs on disk, and the view on them that batches are drawn from.

A folder holds the queries and the passages of each language. Which query and which passage a question has, and its
passage group, are arrays of integers; without `question_queries.npy` the queries are in the order of the questions. Two
folders may share texts: `pairs.json` names the folder that has them. What follows from the arrays is kept beside them
(`question_sets`). `negatives.LANGUAGE.arrow` holds the hard negatives of a question as texts with their groups.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast, overload

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.files import read_json, write_json
from hybridret.base.records import BoolArray, IntArray, Negative, ParallelPairs
from hybridret.data.lines import Advance, no_progress
from hybridret.data.prepared.question_sets import QuestionSet, QuestionSets, has_question_sets, write_question_sets
from hybridret.data.prepared.stored_texts import StoredTexts, write_texts

ABOUT = "pairs.json"


@dataclass(frozen=True)
class StoredPairs(ParallelPairs):
    """`ParallelPairs` whose texts and arrays are read from `folder` when asked. It travels as that path, with the
    paths of its hard negatives, which may be others than those of the folder.
    """

    folder: Path = Path()

    def __reduce__(self) -> tuple[Any, ...]:
        return _read_again, (self.folder, self.name, self.weight, self.negatives)

    @cached_property
    def sets(self) -> QuestionSets | None:
        """What batches need to know of the questions; None for data in more languages than `MOST_LANGUAGES`."""
        return QuestionSets(self.folder) if has_question_sets(self.folder) else None

    @cached_property
    def present(self) -> BoolArray:
        """[Q, L]: whether question q exists in language l, and its passage, too; no text is read.

        A source of files by ids may lack a passage in one language: the pair does not exist there.
        """
        if self.sets is not None:
            whole: BoolArray = self.sets.present[:]
            return whole
        columns = [
            cast(StoredTexts, self.queries[language]).present & cast(StoredTexts, self.passages[language]).present
            for language in self.languages
        ]
        return np.array(columns, dtype=bool).reshape(len(self.languages), len(self)).T


def write_pairs(folder: Path, pairs: ParallelPairs, advance: Advance = no_progress) -> None:
    """Write `pairs` into the new folder `folder`. A passage that several questions share in all languages is written
    once. `advance` gets 1 for each language. OSError where it cannot be written.
    """
    folder.mkdir(parents=True)
    rows, first = _passage_rows(pairs)
    write_texts(folder / "question_ids.arrow", pairs.question_ids)
    for language in pairs.languages:
        write_texts(folder / f"queries.{language}.arrow", pairs.queries[language])
        passages = pairs.passages[language]
        write_texts(folder / f"passages.{language}.arrow", [passages[question] for question in first])
        advance(1)
    np.save(folder / "question_passages.npy", rows)
    np.save(folder / "passage_groups.npy", pairs.passage_groups.astype(np.int64))
    for language, negatives in pairs.negatives.items():
        write_negatives(folder / f"negatives.{language}.arrow", negatives)
    write_about(folder, pairs.name, pairs.languages, list(pairs.negatives))


def write_about(
    folder: Path, name: str, languages: Sequence[str], negatives: Sequence[str] = (), texts: str = ""
) -> None:
    """Write the description of a folder whose other files are there; without it a folder is not whole. `texts`: the
    folder beside it that has its texts, "" where they are its own.
    """
    about = {"name": name, "languages": list(languages), "negatives": list(negatives), "texts": texts}
    write_json(folder / ABOUT, about)


def complete_pairs(folder: Path, advance: Advance = no_progress) -> None:
    """Write what batches need to know of the questions beside pairs that are whole otherwise. `advance` gets 1
    for each pass over them (`passes`). May raise OSError.
    """
    pairs = read_pairs(folder)
    columns = [
        (cast(StoredTexts, pairs.queries[language]), cast(StoredTexts, pairs.passages[language]))
        for language in pairs.languages
    ]
    write_question_sets(folder, columns, pairs.passage_groups, advance)


def read_pairs(folder: Path) -> StoredPairs:
    """The view on a folder of `write_pairs`. Raises UserError for one that is not whole."""
    about = read_json(folder / ABOUT)
    try:
        rows = np.load(folder / "question_passages.npy", mmap_mode="r")
        groups = np.load(folder / "passage_groups.npy", mmap_mode="r")
        languages = tuple(about["languages"])
        texts = folder.parent / about["texts"] if about["texts"] else folder
        own = folder / "question_queries.npy"
        asked = np.load(own, mmap_mode="r") if own.is_file() else None
        found = StoredPairs(
            name=about["name"],
            languages=languages,
            question_ids=cast(Any, StoredTexts(folder / "question_ids.arrow")),
            queries={language: StoredTexts(texts / f"queries.{language}.arrow", asked) for language in languages},
            passages={language: StoredTexts(texts / f"passages.{language}.arrow", rows) for language in languages},
            passage_groups=groups,
            negatives={one: StoredNegatives(folder / f"negatives.{one}.arrow") for one in about["negatives"]},
            folder=folder,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} is not whole ({error}). Delete it and run the same command again.") from error
    if any(len(one) != len(found) for one in (rows, groups, *found.queries.values(), *found.negatives.values())):
        raise UserError(f"{folder} is not whole: its files have other lengths. Delete it and run again.")
    return found


def questions_in(pairs: ParallelPairs, language: int) -> QuestionSet:
    """The questions that exist in the language with this index; of prepared data nothing is counted anew."""
    if isinstance(pairs, StoredPairs) and pairs.sets is not None:
        return pairs.sets.of(pairs.sets.patterns[:, language])
    rows = np.flatnonzero(pairs.present[:, language])
    sizes, groups = np.unique(np.unique(pairs.passage_groups[rows], return_counts=True)[1], return_counts=True)
    return QuestionSet(len(rows), sizes.astype(np.int64), groups.astype(np.int64), rows.astype(np.int32))


def _read_again(folder: Path, name: str, weight: float | None, negatives: Mapping[str, Any]) -> StoredPairs:
    return replace(read_pairs(folder), name=name, weight=weight, negatives=negatives)


class NegativeTexts:
    """The texts of all hard negatives of a file, one behind another, and their passage groups; read when asked."""

    def __init__(self, path: Path, texts: Any, groups: Any) -> None:
        self.path = path
        self._texts, self._groups = ([part.flatten() for part in column.chunks] for column in (texts, groups))
        self._ends = np.cumsum([len(part) for part in self._texts], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def take(self, indices: IntArray) -> list[str | None]:
        """The texts at `indices` [n]."""
        return cast(list[str | None], self._taken(self._texts, indices))

    def groups(self, indices: IntArray) -> IntArray:
        """[n]: the passage groups of those at `indices` [n]."""
        return np.array(self._taken(self._groups, indices), dtype=np.int64)

    def _taken(self, parts: Sequence[Any], indices: IntArray) -> list[Any]:
        found = np.empty(len(indices), dtype=object)
        numbers = np.searchsorted(self._ends, indices, side="right")
        for number in np.unique(numbers).tolist():
            mine = np.flatnonzero(numbers == number)
            first = int(self._ends[number]) - len(parts[number])
            found[mine] = parts[number].take(indices[mine] - first).to_pylist()
        return list(found)


class StoredNegatives(Sequence[tuple[Negative, ...]]):
    """The hard negatives of each question, read when asked. Items are texts with their groups; `rows_of` and
    `groups_of` give numbers alone, those of `texts`.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa

        self._path = path
        try:
            self._table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            raise UserError(f"{path} is damaged ({str(error).strip()}). Delete its folder and run again.") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredNegatives, (self._path,)

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @cached_property
    def texts(self) -> NegativeTexts:
        """The negatives of all questions together."""
        return NegativeTexts(self._path, self._table.column("text"), self._table.column("group"))

    @cached_property
    def _parts(self) -> list[tuple[int, int, IntArray]]:
        """For each part of the file the first question, the first text, and the bounds in the texts of each row."""
        found, question, text = [], 0, 0
        for part in self._table.column("text").chunks:
            offsets = part.offsets.to_numpy(zero_copy_only=True)
            found.append((question, text, offsets))
            question, text = question + len(part), text + int(offsets[-1] - offsets[0])
        return found

    def rows_of(self, question: int) -> IntArray:
        """[n]: the negatives of a question as rows of `texts`."""
        at = bisect_right(self._parts, question, key=lambda part: part[0]) - 1
        first, text, offsets = self._parts[at]
        start, stop = (int(offsets[question - first + more] - offsets[0]) + text for more in (0, 1))
        return np.arange(start, stop, dtype=np.int64)

    def groups_of(self, rows: IntArray) -> IntArray:
        """[n]: their passage groups."""
        return self.texts.groups(rows)

    @overload
    def __getitem__(self, index: int) -> tuple[Negative, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[Negative, ...]]: ...

    def __getitem__(self, index: int | slice) -> tuple[Negative, ...] | list[tuple[Negative, ...]]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        row = range(len(self))[index]
        texts, groups = (self._table.column(name)[row].as_py() for name in ("text", "group"))
        return tuple(Negative(text, group) for text, group in zip(texts, groups, strict=True))


def write_negatives(path: Path, negatives: Sequence[tuple[Negative, ...]]) -> None:
    """Write the hard negatives of each question as the file `path`. OSError where it cannot be written."""
    import pyarrow as pa

    columns = {
        "text": pa.array([[one.text for one in row] for row in negatives], pa.large_list(pa.large_string())),
        "group": pa.array([[one.group for one in row] for row in negatives], pa.large_list(pa.int64())),
    }
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _passage_rows(pairs: ParallelPairs) -> tuple[IntArray, list[int]]:
    """[Q]: the row of each question's passage, and of each row the first question that has it.

    Questions share a row where they share the group and the texts in all languages.
    """
    known: dict[tuple[Any, ...], int] = {}
    first: list[int] = []
    rows = np.empty(len(pairs), dtype=np.int64)
    columns: Mapping[str, Sequence[str | None]] = pairs.passages
    texts = [columns[language] for language in pairs.languages]
    for question, (group, *passage) in enumerate(zip(pairs.passage_groups.tolist(), *texts, strict=True)):
        rows[question] = row = known.setdefault((group, *passage), len(first))
        if row == len(first):
            first.append(question)
    return rows, first
