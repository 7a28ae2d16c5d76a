"""Lengths that the host knows: the same masks, numbers and packing, without a question to the device."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.packing import Packing
from hybridret.planning.launches import Launches

sys.path.insert(0, str(Path(__file__).parent))
from test_families import DECODERS, FAMILIES, tiny_family

EVEN = [[5, 6, 7], [8, 9, 10]]
UNEVEN = [[5, 6, 7, 4, 4, 9, 8, 8], [8, 9], [7, 7, 7]]  # longer than gemma3's window of 6
#: Copies of constants that transformers' own code makes for the attention `eager`, and its questions.
EAGER = {"bloom", "mt5", "xglm"}

Make = Callable[..., DualEncoder]


@pytest.fixture
def make(corpus: object, text: TextSettings) -> Make:
    return lambda name, **options: tiny_family(name, **options).encoder("tiny", text, corpus, 0)


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    lengths = np.array([len(row) for row in rows])
    ids = torch.zeros(len(rows), int(lengths.max()), dtype=torch.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
    return ids, (torch.arange(ids.shape[1]) < torch.from_numpy(lengths)[:, None]).long(), lengths


@pytest.mark.slow
@pytest.mark.parametrize("rows", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_bits_without_a_question(name: str, rows: list[list[int]], make: Make) -> None:
    encoder = make(name)
    bodies = [encoder]
    if name in DECODERS and name not in EAGER:
        bodies.append(make(name, bidirectional=True))
    for one in bodies:
        ids, mask, lengths = padded(rows)
        with torch.no_grad():
            asked = one(ids, mask)
            with Launches() as found:
                known = one(ids, mask, lengths)
        assert torch.equal(asked, known)
        assert not found.waits, found.where
        with torch.no_grad(), Launches() as found:
            one(ids, mask)
        assert bool(found.waits) == (one.body.model.config._attn_implementation == "sdpa")


@pytest.mark.parametrize("rows", [EVEN, UNEVEN, [[], [4], [], [5, 6]]], ids=["even", "uneven", "with empty ones"])
def test_packing_is_the_same(rows: list[list[int]]) -> None:
    _, mask, lengths = padded(rows)
    asked = Packing.of(mask)
    with Launches() as found:
        known = Packing.of(mask, lengths)
    assert not found.waits
    assert (known.groups, known.longest) == (asked.groups, asked.longest)
    assert torch.equal(known.positions, asked.positions)
    assert torch.equal(known.bounds, asked.bounds)


@pytest.mark.parametrize("name", ["qwen3", "xlmr"])
def test_packed_texts_are_the_same(name: str, make: Make) -> None:
    encoder = make(name, attention="packed")
    ids, mask, lengths = padded(UNEVEN)
    with torch.no_grad():
        assert torch.equal(encoder(ids, mask), encoder(ids, mask, lengths))
