"""What batches need to know of the questions of a large dataset, found once and kept beside its texts.

`present.npy` [Q, L]: which question exists in which language. `group_codes.npy` [Q]: the passage groups as codes from
0, ascending with the groups. `sets.json`: how often each combination of languages occurs, and of the sets of questions
that batches are usually drawn from (those in one language, in several, in any) how many passage groups have how many
questions there; `set-K.npy` are the questions of set K, unless these are all. A set that is not kept is found by one
pass over `present`. No array in memory grows with the questions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hybridret.base.errors import UserError
from hybridret.base.files import read_json, write_text
from hybridret.base.mapped import chunks, release
from hybridret.base.records import BoolArray, IntArray
from hybridret.base.scratch import CHUNK, scratch_array
from hybridret.data.lines import Advance, no_progress
from hybridret.data.prepared.stored_texts import StoredTexts

SETS, PRESENT, CODES = "sets.json", "present.npy", "group_codes.npy"
MOST_LANGUAGES = 62  # a combination of languages is the bits of one number
Rows = NDArray[np.int32]


class StoredArray:
    """A .npy file, mapped: rows are read when asked. It travels between processes as its path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.array: NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} is damaged ({error}). Delete its folder and run again.") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return StoredArray, (self._path,)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: Any) -> Any:
        return self.array[rows]


@dataclass(frozen=True)
class QuestionSet:
    """`count` questions, of which `groups[k]` passage groups have `sizes[k]` each (ascending). `rows` [count]: the
    questions, ascending; None: all of the dataset.
    """

    count: int
    sizes: IntArray
    groups: IntArray
    rows: Rows | None = None

    @property
    def passages(self) -> int:
        """How many passage groups the questions have."""
        return int(self.groups.sum())

    @property
    def largest(self) -> int:
        """The questions of the largest passage group."""
        return int(self.sizes.max(initial=0))

    def part(self, start: int, stop: int) -> NDArray[Any]:
        """[stop - start]: some of the questions."""
        return np.arange(start, stop, dtype=np.int32) if self.rows is None else self.rows[start:stop]


class QuestionSets:
    """The files of `write_question_sets` in `folder`. Raises UserError for one that is damaged.

    `patterns` [P, L]: each combination of languages that a question has; `counts` [P]: how many have it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        about = read_json(folder / SETS)
        self.present, self.codes = StoredArray(folder / PRESENT), StoredArray(folder / CODES)
        try:
            self._masks = np.array(about["patterns"], dtype=np.int64)
            self.counts = np.array(about["counts"], dtype=np.int64)
            self.code_count = int(about["groups"])
            self._kept = {frozenset(one["patterns"]): one for one in about["sets"]}
            languages = int(about["languages"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{folder / SETS} is damaged ({error}). Delete its folder and run again.") from error
        self.patterns: BoolArray = (self._masks[:, None] >> np.arange(languages) & 1).astype(bool)

    def __reduce__(self) -> tuple[Any, ...]:
        return QuestionSets, (self._folder,)

    def __len__(self) -> int:
        return len(self.codes)

    def of(self, usable: BoolArray) -> QuestionSet:
        """The questions of the patterns where `usable` [P] is true."""
        kept = self._kept.get(frozenset(np.flatnonzero(usable).tolist()))
        if kept is None:
            return _found(self.present, self.codes, self._masks, usable, int(self.counts[usable].sum()))
        rows = None if kept["rows"] is None else np.load(self._folder / kept["rows"], mmap_mode="r").view(np.ndarray)
        sizes, groups = (np.array(kept[name], dtype=np.int64) for name in ("sizes", "groups"))
        return QuestionSet(kept["count"], sizes, groups, rows)

    @cached_property
    def everything(self) -> QuestionSet:
        """All questions, in whatever language."""
        return self.of(np.ones(len(self.counts), dtype=bool))


def passes(languages: Sequence[str]) -> int:
    """How often `write_question_sets` goes over all questions."""
    return 2 + 3 + len(languages)  # what is there, groups; sets of those in any number of languages, 1, 2, in each


def is_derived(name: str) -> bool:
    """Whether the file with this name is one of `write_question_sets`: it holds for the languages of its folder only.

    >>> [is_derived(name) for name in ("present.npy", "set-2.npy", "passage_groups.npy")]
    [True, True, False]
    """
    return name in (SETS, PRESENT, CODES) or (name.startswith("set-") and name.endswith(".npy"))


def has_question_sets(folder: Path) -> bool:
    """Whether there are files of `write_question_sets`."""
    return (folder / SETS).is_file()


def write_question_sets(
    folder: Path,
    columns: list[tuple[StoredTexts, StoredTexts]],
    groups: IntArray,
    advance: Advance = no_progress,
) -> None:
    """Write the files into `folder`: `columns[l]` are the queries and the passages in language l, of which a question
    needs both; `groups` [Q] are the passage groups. `advance` gets 1 after
    each of the `passes` over all questions.

    Nothing is written for more than `MOST_LANGUAGES` languages. OSError where they cannot be written.
    """
    if len(columns) > MOST_LANGUAGES or not columns:
        return
    counts: Counter[int] = Counter()
    with open(folder / PRESENT, "wb") as file:
        _start(file, (len(groups), len(columns)), np.dtype(bool))
        for start, stop in _chunks(len(groups)):
            rows = np.arange(start, stop)
            part = np.stack([asked.holds(rows) & answered.holds(rows) for asked, answered in columns], axis=1)
            np.ascontiguousarray(part).tofile(file)
            counts.update(dict(zip(*map(np.ndarray.tolist, np.unique(_masks(part), return_counts=True)), strict=True)))
            for column in (one for both in columns for one in both):
                column.release()
    advance(1)
    code_count = _write_codes(folder / CODES, groups)
    advance(1)
    masks = np.array(sorted(counts), dtype=np.int64)
    present, codes = StoredArray(folder / PRESENT), StoredArray(folder / CODES)
    kept: dict[frozenset[int], dict[str, Any]] = {}
    patterns = (masks[:, None] >> np.arange(len(columns)) & 1).astype(bool)
    held = patterns.sum(axis=1)
    for usable in (held >= 0, held >= 1, held >= 2, *patterns.T):
        name = frozenset(np.flatnonzero(usable).tolist())
        advance(1)
        if name in kept or not name:
            continue
        one = _found(present, codes, masks, usable, sum(counts[masks[number]] for number in name))
        file_name = None if one.rows is None else f"set-{len(kept)}.npy"
        if one.rows is not None:
            with open(folder / str(file_name), "wb") as file:
                _start(file, (one.count,), np.dtype(np.int32))
                for start, stop in _chunks(one.count, one.rows):
                    one.rows[start:stop].tofile(file)
        kept[name] = {
            "patterns": sorted(name),
            "rows": file_name,
            "count": one.count,
            "sizes": one.sizes.tolist(),
            "groups": one.groups.tolist(),
        }
    about = {
        "languages": len(columns),
        "groups": code_count,
        "patterns": masks.tolist(),
        "counts": [counts[mask] for mask in masks.tolist()],
        "sets": list(kept.values()),
    }
    write_text(folder / SETS, json.dumps(about) + "\n")


def _found(present: StoredArray, codes: StoredArray, masks: IntArray, usable: BoolArray, count: int) -> QuestionSet:
    """The set of the questions whose pattern is `usable`, by one pass over all."""
    own: NDArray[np.int32] = scratch_array(count, np.int32)
    everything = count == len(codes)
    rows: Rows | None = None if everything else scratch_array(count, np.int32)
    reached = 0
    for start, stop in _chunks(len(codes), own, rows, present.array, codes.array):
        if everything:
            own[start:stop] = codes[start:stop]
            continue
        chosen = np.flatnonzero(usable[np.searchsorted(masks, _masks(present[start:stop]))])
        assert rows is not None
        rows[reached : reached + len(chosen)] = chosen + start
        own[reached : reached + len(chosen)] = codes[start:stop][chosen]
        reached += len(chosen)
    own.sort()
    release(own)
    return QuestionSet(count, *_group_sizes(own), rows)


def _group_sizes(codes: NDArray[np.int32]) -> tuple[IntArray, IntArray]:
    """Of sorted codes: the numbers of times that one occurs, ascending, and how many codes occur so often."""
    found: Counter[int] = Counter()
    begun = 0  # where the run of equal codes begins that is not counted yet
    for start, stop in _chunks(len(codes), codes):
        part = codes[start:stop]
        changes = np.flatnonzero(part[1:] != part[:-1]) + 1 + start
        if start and codes[start] != codes[start - 1]:
            changes = np.concatenate([[start], changes])
        if len(changes):
            sizes, times = np.unique(np.diff(changes, prepend=begun), return_counts=True)
            found.update(dict(zip(sizes.tolist(), times.tolist(), strict=True)))
            begun = int(changes[-1])
    if len(codes):
        found[len(codes) - begun] += 1
    ordered = sorted(found)
    return np.array(ordered, dtype=np.int64), np.array([found[size] for size in ordered], dtype=np.int64)


def _write_codes(path: Path, groups: IntArray) -> int:
    """Write the code of each passage group: how many smaller groups there are. Returns the number of groups."""
    ordered: IntArray = scratch_array(len(groups), np.int64)
    for start, stop in _chunks(len(groups), groups, ordered):
        ordered[start:stop] = groups[start:stop]
    ordered.sort()
    count = 0
    for start, stop in _chunks(len(groups), ordered):  # each group once, moved to the front
        part = ordered[start:stop]
        own = part[np.concatenate([[start == 0 or part[0] != ordered[count - 1]], part[1:] != part[:-1]])]
        ordered[count : count + len(own)] = own
        count += len(own)
    known = ordered[:count]
    with open(path, "wb") as file:
        _start(file, (len(groups),), np.dtype(np.int32))
        for start, stop in _chunks(len(groups), groups, ordered):
            np.searchsorted(known, groups[start:stop]).astype(np.int32).tofile(file)
    return count


def _masks(present: BoolArray) -> IntArray:
    """[n, L] -> [n]: the languages of a question as the bits of a number."""
    found: IntArray = present @ (np.int64(1) << np.arange(present.shape[1], dtype=np.int64))
    return found


def _chunks(length: int, *arrays: Any) -> Iterator[tuple[int, int]]:
    return chunks(length, CHUNK, *arrays)


def _start(file: IO[bytes], shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
    """The head of a .npy file, whose numbers follow."""
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
