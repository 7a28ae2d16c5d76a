from __future__ import annotations

import numpy as np
import pytest

from hybridret.encoders.chunk_ends import chunk_ends


def slow_ends(lengths: list[int], chunk_size: int | None, chunk_tokens: int) -> list[int]:
    """From the longest row on, one row at a time: a row joins the chunk as long as both limits hold with it."""
    chunks: list[list[int]] = []
    for length in reversed(lengths):
        wider = [*chunks[-1], length] if chunks else []
        if wider and len(wider) <= (chunk_size or len(wider)) and len(wider) * max(wider) <= chunk_tokens:
            chunks[-1].append(length)
        else:
            chunks.append([length])
    return np.cumsum([len(chunk) for chunk in reversed(chunks)]).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("chunk_size", [None, 1, 3, 50])
@pytest.mark.parametrize("chunk_tokens", [1, 7, 40, 200, 10_000])
def test_limits_against_one_row_at_a_time(chunk_size: int | None, chunk_tokens: int) -> None:
    random = np.random.default_rng(0)
    for count in (0, 1, 2, 30, 101):
        lengths = np.sort(random.integers(1, 60, count))
        assert chunk_ends(lengths, chunk_size, chunk_tokens) == slow_ends(lengths.tolist(), chunk_size, chunk_tokens)


def test_texts_alone_are_cut_from_the_shortest_on() -> None:
    lengths = np.array([1, 2, 2, 3, 9])
    assert chunk_ends(lengths, 2, None) == [2, 4, 5]
    assert chunk_ends(lengths, None, None) == [5]
    assert chunk_ends(lengths[:0], None, None) == []


def test_long_and_empty_texts() -> None:
    assert chunk_ends(np.array([4, 90, 100]), None, 10) == [1, 2, 3]  # too long for any chunk: alone, never left out
    assert chunk_ends(np.array([0, 0, 0]), None, 2) == [1, 3]  # an empty text takes a position of padding


@pytest.mark.parametrize(("size", "tokens", "name"), [(0, None, "chunk_size 0"), (2, 0, "chunk_tokens 0")])
def test_a_limit_below_one_is_refused(size: int, tokens: int | None, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        chunk_ends(np.array([1]), size, tokens)


def test_one_long_text_pads_no_others() -> None:
    """1,000 texts of 20 to 60 tokens and one of 512: in chunks of texts the long one pads all its neighbours."""
    lengths = np.sort(np.concatenate([np.random.default_rng(0).integers(20, 60, 1000), [512]]))

    def padding(ends: list[int]) -> float:
        starts = [0, *ends[:-1]]
        padded = sum((end - start) * int(lengths[end - 1]) for start, end in zip(starts, ends, strict=True))
        return 1 - int(lengths.sum()) / padded

    by_texts, by_tokens = chunk_ends(lengths, 80, None), chunk_ends(lengths, None, 4096)
    assert len(by_tokens) <= len(by_texts)
    assert 2 * padding(by_tokens) < padding(by_texts)
