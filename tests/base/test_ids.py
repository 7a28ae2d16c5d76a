"""Ids in trec_eval's order and repeated ids, against Python's own sort and counting."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from hybridret.base.ids import descending_order, first_repeated, hashes
from hybridret.base.records import Collection, IntArray

# One to four bytes in UTF-8, the borders between them, half a surrogate pair, and prefixes of each other.
ENDS = [
    "",
    "a",
    "z",
    "Z",
    "#",
    "\x7f",
    "\x80",
    "é",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ud800",
    "\ue000",
    "\uffff",
    "😀",
    "😀!",
]


def slow(ids: Sequence[str]) -> IntArray:
    order = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
    position = np.empty(len(ids), dtype=np.int64)
    position[order] = np.arange(len(ids))
    return position


@pytest.fixture
def ids() -> list[str]:
    draw = random.Random(0)
    found = [f"{draw.randrange(10 ** draw.randrange(1, 7))}{end}" for _ in range(200) for end in ENDS]
    found = list(dict.fromkeys(found))
    draw.shuffle(found)
    return found


@pytest.mark.parametrize("size", [7, 1 << 17])
def test_descending_order_is_that_of_sorted(ids: list[str], size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybridret.base.ids.SLICE", size)
    assert np.array_equal(descending_order(ids), slow(ids))
    repeated = [*ids, *ids[:30]]
    assert np.array_equal(descending_order(repeated), slow(repeated))
    assert descending_order([]).tolist() == []
    assert descending_order(("b",)).tolist() == [0]


def test_tie_order_of_a_collection_is_that_of_sorted(ids: list[str]) -> None:
    none = np.zeros(0, dtype=np.int64)
    places = np.zeros(len(ids), dtype=np.int64)
    collection = Collection("c", ("en",), [], [], none, none, ids, ids, places, none, none, none)
    assert np.array_equal(collection.tie_order, slow(ids))


def test_first_repeated_names_both_places(ids: list[str]) -> None:
    assert first_repeated(ids) is None
    assert first_repeated([]) is None
    assert first_repeated([*ids, ids[40], ids[7], ids[7]]) == (7, len(ids) + 1)
    assert first_repeated(["b", "a", "a", "b"]) == (0, 3)


def test_equal_hashes_are_no_repetition(ids: list[str]) -> None:
    same = np.zeros(50, dtype=np.int64)
    assert first_repeated(ids[:50], same) is None
    assert first_repeated([*ids[:49], ids[3]], same) == (3, 49)
    assert np.array_equal(hashes(ids[:50]) == hashes(ids[:50])[0], np.arange(50) == 0)
