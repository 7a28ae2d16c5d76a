"""Hard negatives for all training datasets of a prepared copy, written beside it, shard by shard.

A shard is a number of questions and one language of passages. What a killed process wrote whole is kept; another start
with the same settings goes on after it. Vectors come from the caches of the evaluation. In memory are the vectors of
one shard of queries, its hits, and some 40 bytes for each passage row and question of one language.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import CannotWrite, UserError
from hybridret.base.files import hash_json
from hybridret.base.progress import Advance, Progress
from hybridret.base.records import IntArray, ParallelPairs
from hybridret.base.settings import MiningSettings
from hybridret.data.prepared.mined import (
    ABOUT,
    GROUPS,
    VERSION,
    WHAT,
    MinedSet,
    dataset_folder,
    mined_folder,
    read_mined,
    write_mined,
)
from hybridret.data.prepared.shards import JOURNAL, Shards
from hybridret.data.prepared.source import PreparedSource
from hybridret.mining.asking import asking_languages
from hybridret.mining.distinct import DistinctPassages, distinct_passages, groups_of_rows
from hybridret.mining.known import KnownAnswers
from hybridret.mining.shard import Miner, PairScorer, Shard
from hybridret.runs.lock import enter_when_free, exclusive

QUESTIONS = 1 << 15  # of a shard. Last bits of vectors depend on the batch, so another number may give other near ties
ASKED, PARTS = "asked.json", "parts"


@dataclass(frozen=True)
class Mining:
    """What is mined: `retriever` and `judge` with the names and hashes that describe them, rules, and the seed of what
    is drawn.
    """

    retriever: Miner
    judge: PairScorer | None
    settings: MiningSettings
    seed: int
    described: Mapping[str, Any]  # retriever, judge: as JSON

    def key(self, source: PreparedSource) -> dict[str, Any]:
        """All that the negatives depend on, as JSON."""
        return {
            "fingerprint": source.fingerprint(),
            **self.described,
            "mining": asdict(self.settings),
            "seed": self.seed,
        }


def mine(source: PreparedSource, name: str, mining: Mining, progress: Progress, shard: int = QUESTIONS) -> MinedSet:
    """The set `name` of `source`; made where there is none. `shard` in questions.

    Raises UserError where a set of this name was mined otherwise, where no question gets a negative, and where the
    folder cannot be written.
    """
    folder, asked = mined_folder(source.path, name), mining.key(source)
    try:
        with ExitStack() as stack:
            lock = folder.with_name(f".{name}.lock")  # no set has such a name
            enter_when_free(stack, lambda: exclusive(lock), progress, f"wait for another process that mines {name}")
            if (folder / ABOUT).is_file():
                return _found(folder, asked)
            _make(folder, asked, source, mining, progress, shard)
    except (OSError, CannotWrite) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = str(getattr(cause, "strerror", None) or cause or error).rstrip(".")
        raise UserError(
            f"Cannot write mined negatives, {folder}: {reason}. Free some space, or set HYBRIDRET_CACHE to a folder "
            f"with room, and run the same command again: what is written whole is kept."
        ) from error
    return read_mined(folder, source.fingerprint())


def _make(
    folder: Path, asked: Mapping[str, Any], source: PreparedSource, mining: Mining, progress: Progress, shard: int
) -> None:
    """Mine into a hidden folder beside `folder`, and rename it when it is whole."""
    part = folder.with_name(f".{folder.name}.part")
    _begin(part, asked)
    counts = _write(part, source, mining, progress, shard)
    about = {"name": folder.name, **asked, "hash": _content(part), **counts}
    if not sum(counts["counts"]["kept"] for counts in about["datasets"]):
        shutil.rmtree(part)
        raise UserError(_nothing(about["datasets"]))
    (part / ASKED).unlink()
    (part / JOURNAL).unlink()
    shutil.rmtree(part / PARTS)
    write_mined(part, about)
    shutil.rmtree(folder, ignore_errors=True)  # without a description it is not whole
    os.replace(part, folder)


def _found(folder: Path, asked: Mapping[str, Any]) -> MinedSet:
    """The set that is there. Raises UserError where it was mined otherwise."""
    found = read_mined(folder, asked["fingerprint"])
    if other := [key for key, value in asked.items() if hash_json(found.about.get(key)) != hash_json(value)]:
        raise UserError(
            f"{folder} holds negatives that were mined otherwise (another {', '.join(other)}). Choose another name for "
            f"these, name=NAME, or delete the folder."
        )
    return found


def _begin(part: Path, asked: Mapping[str, Any]) -> None:
    """A folder with the whole shards of the same settings, or a new one."""
    try:
        same = hash_json(read_sealed(part / ASKED, WHAT)) == hash_json(dict(asked))
    except UserError:
        same = False
    if not same:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        write_sealed(part / ASKED, asked)


def _write(part: Path, source: PreparedSource, mining: Mining, progress: Progress, shard: int) -> dict[str, Any]:
    shards, datasets = Shards(part), []
    for number, pairs in enumerate(source.training()):
        own = f"{dataset_folder(number)}"
        (part / own).mkdir(exist_ok=True)
        groups = groups_of_rows(pairs)
        shards.file(f"{own}/{GROUPS}", lambda path, groups=groups: _save(path, groups))  # type: ignore[misc]
        total: Counter[str] = Counter()
        languages: dict[str, dict[str, int]] = {}
        with progress.task(f"mine negatives of {pairs.name}", len(pairs) * len(pairs.languages)) as advance:
            for language in pairs.languages:
                language_work = _Language(shards, own, pairs, language, groups, mining, progress)
                counts = language_work.write(shard, advance)
                languages[language] = dict(sorted(counts.items()))
                total.update(counts)
        datasets.append({"name": pairs.name, "counts": dict(sorted(total.items())), "languages": languages})
    return {"datasets": datasets}


class _Language:
    """The negatives of a dataset in one language of passages."""

    def __init__(
        self,
        shards: Shards,
        own: str,
        pairs: ParallelPairs,
        language: str,
        groups: IntArray,
        mining: Mining,
        progress: Progress,
    ) -> None:
        self._shards, self._own, self._pairs, self._language = shards, own, pairs, language
        self._groups, self._mining, self._progress = groups, mining, progress
        self._made: tuple[DistinctPassages, KnownAnswers, IntArray] | None = None

    def write(self, shard: int, advance: Advance) -> Counter[str]:
        """Write all shards, then their common file; what was counted."""
        counts: Counter[str] = Counter()
        names = []
        for start in range(0, len(self._pairs), shard):
            questions = np.arange(start, min(start + shard, len(self._pairs)))
            names.append(f"{PARTS}/{self._own}.{self._language}.{start}-{questions[-1] + 1}.npy")
            counts.update(self._shards.file(names[-1], lambda path, of=questions: self._shard(path, of)))  # type: ignore[misc]
            advance(len(questions))
        whole = f"{self._own}/negatives.{self._language}.npy"
        self._shards.file(whole, lambda path: _joined(path, self._parts(names), self._shape()))
        return counts

    def _shard(self, path: Path, questions: IntArray) -> Counter[str]:
        passages, known, asking = self._prepared()
        shard = Shard(self._pairs, passages, known, questions, asking[questions])
        mining = self._mining
        rows, counts = shard.mine(mining.retriever, mining.judge, mining.settings, mining.seed, self._progress)
        _save(path, rows.astype(np.int32))
        return counts

    def _prepared(self) -> tuple[DistinctPassages, KnownAnswers, IntArray]:
        """What all shards share; not made where all of them are there already."""
        if self._made is None:
            pairs, mining = self._pairs, self._mining
            asking = asking_languages(pairs, self._language, mining.settings.queries, mining.seed)
            passages = distinct_passages(pairs, self._language, self._groups)
            self._made = passages, KnownAnswers(pairs, passages, np.unique(asking[asking >= 0])), asking
        return self._made

    def _parts(self, names: list[str]) -> Iterator[Any]:
        return (np.load(self._shards.folder / name, mmap_mode="r") for name in names)

    def _shape(self) -> tuple[int, int]:
        return len(self._pairs), self._mining.settings.negatives


def _joined(path: Path, parts: Iterator[Any], shape: tuple[int, int]) -> None:
    """Parts one behind another. Written, not mapped: on a full disk a mapped file ends the process with SIGBUS."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.int32)), "fortran_order": False, "shape": shape}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            np.ascontiguousarray(part).tofile(file)


def _save(path: Path, array: Any) -> None:
    with open(path, "wb") as file:
        np.save(file, array)


def _content(part: Path) -> str:
    """16 hex digits of a hash of all negatives."""
    found = []
    for path in sorted(part.glob("dataset-*/*.npy")):
        with open(path, "rb") as file:
            found.append((path.relative_to(part).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()))
    return hash_json([VERSION, found], 16)


def _nothing(datasets: list[dict[str, Any]]) -> str:
    counts: Counter[str] = Counter()
    for one in datasets:
        counts.update(one["counts"])
    return (
        f"No question has a hard negative: {counts['asked']} of {counts['questions']} could ask, {counts['window']} "
        f"passages were in the window of mining.first to mining.last, {counts['margin']} of them too close to the "
        f"positive, {counts['judge']} refused by the judge. Lower mining.first, or use smaller margins (0, null: none)."
    )
