"""MinHash against the Jaccard index of all pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from hybridret.base.records import IntArray
from hybridret.data.leaks.near import MISSED, WIDTH, NearIndex, jaccard, rows_of_a_band, shingles
from hybridret.data.leaks.normalise import normalised

THRESHOLD = 0.8


def sets_of(texts: Sequence[str]) -> list[set[str]]:
    found = normalised(texts)
    plain = ["".join(map(chr, found.of(i).tolist())) for i in range(len(found))]
    return [{text[i : i + WIDTH] for i in range(len(text) - WIDTH + 1)} for text in plain]


def exact_pairs(indexed: Sequence[str], asked: Sequence[str]) -> dict[tuple[int, int], float]:
    """The similarity of all pairs, by sets of texts."""
    return {
        (i, j): len(one & other) / len(one | other)
        for i, one in enumerate(sets_of(indexed))
        for j, other in enumerate(sets_of(asked))
        if one | other
    }


def index_of(texts: Sequence[str], threshold: float = THRESHOLD, permutations: int = 128) -> NearIndex:
    def read(rows: IntArray) -> list[str]:
        return [texts[row] for row in rows.tolist()]

    return NearIndex(read, len(texts), threshold, permutations)


def found_pairs(index: NearIndex, entries: int, asked: Sequence[str]) -> dict[tuple[int, int], float]:
    """One text at a time, so that every pair can be found."""
    wanted = np.ones(entries, dtype=bool)
    return {
        (entry, j): alike for j, text in enumerate(asked) for entry, _, alike in index.find(normalised([text]), wanted)
    }


def edited(text: str, words: int, random: np.random.Generator) -> str:
    parts = text.split()
    for position in random.choice(len(parts), min(words, len(parts)), replace=False):
        parts[position] = f"other{random.integers(1000)}"
    return " ".join(parts)


def test_recall_and_precision_against_all_pairs(passage: Callable[[int], str]) -> None:
    """Nothing is found that is not that similar; of pairs at or above the threshold at least 98% are."""
    random = np.random.default_rng(1)
    indexed = [passage(seed) for seed in range(30)]
    indexed += [" ".join(text.split()[:9]) for text in indexed[:15]]
    asked = [edited(text, words, random) for text in indexed for words in (1, 2, 3, 4, 5, 6, 8, 12)]
    true = exact_pairs(indexed, asked)
    found = found_pairs(index_of(indexed), len(indexed), asked)
    alike = {pair for pair, value in true.items() if value >= THRESHOLD}
    close = {pair for pair in alike if true[pair] < THRESHOLD + 0.05}
    assert len(alike) > 100
    assert len(close) > 20
    assert found.keys() <= alike  # precision 1
    assert len(found) >= 0.98 * len(alike)
    assert len(found.keys() & close) >= 0.95 * len(close)
    assert all(found[pair] == pytest.approx(true[pair], abs=1e-12) for pair in found)


def test_the_same_again(passage: Callable[[int], str]) -> None:
    texts = [passage(seed) for seed in range(20)]
    asked = [edited(text, 3, np.random.default_rng(2)) for text in texts]
    assert found_pairs(index_of(texts), 20, asked) == found_pairs(index_of(texts), 20, asked) != {}


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("permutations", [64, 128, 256])
def test_bands_miss_little(threshold: float, permutations: int) -> None:
    rows = rows_of_a_band(threshold, permutations)
    assert (1 - threshold**rows) ** (permutations // rows) <= MISSED
    assert (1 - threshold ** (rows + 1)) ** (permutations // (rows + 1)) > MISSED


def test_shingles_do_not_cross_the_border_of_two_texts() -> None:
    texts = ["abcdefg", "abc", "", "fghij klm", "abcde"]
    together, bounds = shingles(normalised(texts))
    assert np.diff(bounds).tolist() == [3, 0, 0, 5, 1]
    for i, text in enumerate(texts):
        assert together[bounds[i] : bounds[i + 1]].tolist() == shingles(normalised([text]))[0].tolist()
    assert len(set(together.tolist())) == 8  # "abcde" stands there twice


def test_short_texts_are_like_nothing() -> None:
    index = index_of(["abc", "", "a longer text that is indexed"])
    wanted = np.ones(3, dtype=bool)
    assert index.find(normalised(["abc", "abd", ""]), wanted) == []
    assert index.find(normalised([]), wanted) == []
    assert index_of([]).find(normalised(["abc", "a longer text"]), np.zeros(0, dtype=bool)) == []
    assert index_of(["abc"]).find(normalised(["abc"]), np.ones(1, dtype=bool)) == []


def test_only_what_is_wanted_is_looked_for(passage: Callable[[int], str]) -> None:
    texts = [passage(1), passage(2)]
    index = index_of(texts)
    assert [one[0] for one in index.find(normalised(texts), np.array([False, True]))] == [1]


def test_jaccard_counts() -> None:
    one, other = np.array([1, 2, 3], np.uint64), np.array([2, 3, 4], np.uint64)
    assert jaccard(one, other) == 0.5
    assert jaccard(one, one[:0]) == 0
