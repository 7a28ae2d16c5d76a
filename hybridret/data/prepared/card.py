"""What a data card counts, from a prepared copy: a pure function of its files.

Each text counts once: a query that has two passages, and a passage that several questions share. Of a dataset with
more than `QUESTIONS` questions passages and lengths are counted in a sample of whole passage groups, drawn by a hash of
their numbers, so that memory stays flat.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, cast

import numpy as np

from hybridret.base.mapped import chunks, taken
from hybridret.base.records import BoolArray, IntArray
from hybridret.data.lines import Advance, no_progress
from hybridret.data.prepared.folder import ABOUT, PreparedFolder
from hybridret.data.prepared.lengths import Lengths, characters
from hybridret.data.prepared.stored_pairs import StoredNegatives, StoredPairs
from hybridret.data.prepared.stored_texts import ROWS, StoredTexts

VERSION = 1  # of what is counted: raise it when the same copy would get another card
BLOCK = 1 << 18  # questions at a time
QUESTIONS = 1 << 20  # of a dataset that are looked at for lengths and distinct passages
HASHES = 2_000_000  # passages of a language whose hashes are held to count those that datasets share
_PROBED = 64  # hex digits of the hash of a probed file


def data_card(folder: PreparedFolder, key: Any, advance: Advance = no_progress) -> dict[str, Any]:
    """The card of a prepared copy, as JSON values. `key`: that of its source. `advance` gets 1 for each language of
    each dataset, `columns_of` times.

    `name`, `licence`, `fingerprint` (of the content), `layout` and `copy` (version and name of the folder), `prepared`
    (date), `files` that were read: `name`, `bytes` and a hash of `probes`. `datasets`: for the training datasets and
    the validation pairs `part`, `name`, `languages`, `questions`, `groups` (of passages), `in_all_languages`,
    `coverage` [L, L] (questions that exist in both languages; the diagonal: in one), and by language `texts`:
    `questions`, `passages`, `question_characters` and `passage_characters` (`Lengths`; null without a text), and
    `negatives` where there are some. `one_in`: where it is n > 1, lengths are those of one passage group in n, and
    `groups` and `passages` n times what was counted there. `test`: what is held out. `shared`: equal passages of two
    training datasets in one language, counted among one in `one_in` passages. `summary`: what the source counted and
    dropped.

    Raises UserError for a copy that is not whole.
    """
    about = folder.about
    training = folder.training()
    parts = [*(("training", pairs) for pairs in training), ("validation", folder.validation())]
    return {
        "version": VERSION,
        "name": about["name"],
        "licence": about["licence"],
        "fingerprint": about["fingerprint"],
        "layout": about["version"],
        "copy": folder.path.name,
        "prepared": about.get("prepared") or _date(folder),
        "files": [{"name": name, "bytes": size, "probes": probes[:16]} for name, size, probes in _files(key)],
        "datasets": [_dataset(part, pairs, advance) for part, pairs in parts],
        "test": [
            {
                "name": one.name,
                "languages": list(one.languages),
                "questions": len(np.unique(one.questions)),
                "queries": len(one.queries),
                "passages": len(one.passages),
            }
            for one in folder.test()
        ],
        "shared": _shared(training),
        "summary": about["summary"],
    }


def columns_of(folder: PreparedFolder) -> int:
    """How many languages all datasets and the validation pairs have together, each counted in every one of them."""
    return sum(len(pairs.languages) for pairs in (*folder.training(), folder.validation()))


def coverage(present: BoolArray) -> IntArray:
    """[L, L]: how many of the questions [Q, L] exist in both languages."""
    found = np.zeros((present.shape[1],) * 2, dtype=np.int64)
    for start, stop in chunks(len(present), BLOCK, present):
        block = present[start:stop].astype(np.float32)  # whole numbers up to 2**24 are exact
        found += (block.T @ block).astype(np.int64)
    return found


def _dataset(part: str, pairs: StoredPairs, advance: Advance) -> dict[str, Any]:
    present = pairs.present
    one_in = -(-len(pairs) // QUESTIONS) or 1
    chosen = _sample(pairs.passage_groups, one_in)
    groups = taken(pairs.passage_groups, chosen, BLOCK)
    counted = coverage(present)
    everywhere = sum(int(present[at:end].all(axis=1).sum()) for at, end in chunks(len(pairs), BLOCK, present))
    texts = {}
    for i, language in enumerate(pairs.languages):
        there = taken(present[:, i], chosen, BLOCK)
        found = _texts(pairs, language, chosen[there], groups[there], one_in)
        texts[language] = {"questions": int(counted[i, i]), **found}
        advance(1)
    return {
        "part": part,
        "name": pairs.name,
        "languages": list(pairs.languages),
        "questions": len(pairs),
        "groups": len(np.unique(groups)) * one_in,
        "in_all_languages": everywhere,
        "coverage": counted.tolist(),
        "one_in": one_in,
        "texts": texts,
    }


def _sample(groups: IntArray, one_in: int) -> IntArray:
    """The questions of one passage group in `one_in`, in their order."""
    found = []
    for start, stop in chunks(len(groups), BLOCK, groups):
        mixed = groups[start:stop].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        found.append(start + np.flatnonzero((mixed >> np.uint64(32)) % np.uint64(one_in) == 0))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _texts(pairs: StoredPairs, language: str, questions: IntArray, groups: IntArray, one_in: int) -> dict[str, Any]:
    """What the chosen `questions` [n], of passage groups `groups` [n], have in a language."""
    queries, passages = (cast(StoredTexts, column[language]) for column in (pairs.queries, pairs.passages))
    asked = Lengths.of(characters(queries.path, np.unique(_stored(queries, questions))))
    answers = _distinct(passages, questions, groups)
    answered = Lengths.of(characters(passages.path, answers))
    found: dict[str, Any] = {
        "passages": len(answers) * one_in,
        "question_characters": None if asked is None else asked.record(),
        "passage_characters": None if answered is None else answered.record(),
    }
    if language in pairs.negatives:
        found["negatives"] = len(cast(StoredNegatives, pairs.negatives[language]).texts)
    return found


def _stored(column: StoredTexts, questions: IntArray) -> IntArray:
    return questions if column.rows is None else taken(column.rows, questions, BLOCK)


def _distinct(column: StoredTexts, questions: IntArray, groups: IntArray) -> IntArray:
    """The rows of the stored passages of `questions` [n], ascending; equal texts of one of their `groups` [n] once."""
    rows, first = np.unique(_stored(column, questions), return_index=True)
    owners = groups[first]
    _, which, times = np.unique(owners, return_inverse=True, return_counts=True)
    kept = times[which] == 1
    known: set[tuple[int, str]] = set()
    several, texts = np.flatnonzero(~kept), StoredTexts(column.path)
    for start in range(0, len(several), ROWS):
        here = several[start : start + ROWS]
        for at, text in zip(here.tolist(), texts.take(rows[here]), strict=True):
            one = (int(owners[at]), hashlib.blake2b((text or "").encode("utf-8"), digest_size=8).hexdigest())
            kept[at] = one not in known
            known.add(one)
        texts.release()
    distinct: IntArray = rows[kept]
    return distinct


def _shared(datasets: Sequence[StoredPairs]) -> list[dict[str, Any]]:
    rows = []
    languages = dict.fromkeys(language for pairs in datasets for language in pairs.languages)
    for language in languages:
        having = [(pairs.name, cast(StoredTexts, pairs.passages[language])) for pairs in datasets
                  if language in pairs.languages]  # fmt: skip
        if len(having) < 2:
            continue
        one_in = -(-sum(column.stored for _, column in having) // HASHES) or 1
        hashes = [(name, np.fromiter(set(_hashes(column, one_in)), dtype=np.uint64)) for name, column in having]
        for (first, mine), (second, theirs) in combinations(hashes, 2):
            if count := len(np.intersect1d(mine, theirs, assume_unique=True)):
                rows.append({"datasets": [first, second], "language": language, "passages": count, "one_in": one_in})
    return rows


def _hashes(column: StoredTexts, one_in: int) -> Iterator[int]:
    """Those that `one_in` divides, of the stored texts: the same texts are chosen in every dataset."""
    for text in StoredTexts(column.path):
        if text is not None:
            number = int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest(), "big")
            if number % one_in == 0:
                yield number


def _files(key: Any) -> Iterator[tuple[str, int, str]]:
    """Name, bytes and probe of every file that a source's key names, wherever in it (see `file_probe`)."""
    if isinstance(key, dict):
        key = list(key.values())
    if not isinstance(key, list | tuple):
        return
    match key:
        case [str(name), int(size), int(), str(digest)] if len(digest) == _PROBED:
            yield name, size, digest
        case _:
            for one in key:
                yield from _files(one)


def _date(folder: PreparedFolder) -> str:
    changed = datetime.fromtimestamp((folder.path / ABOUT).stat().st_mtime, UTC)
    return changed.isoformat(timespec="seconds")
