"""Random numbers by address: every draw has a purpose and a position, and does not depend on earlier draws.

Each purpose has a generator of its own (Philox under a named SeedSequence), so the draws of one stream never shift
those of another: hybrid(1) draws the same languages as mono, and the pairs of a batch do not depend on the number of
earlier batches.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from hybridret.base.errors import UserError

UNIFORMS_PER_COUNT = 4  # Philox makes four 64-bit numbers from one value of its counter


class Purpose(IntEnum):
    """Purpose of a draw. The values are part of the promise "same seed, same batches": never renumber them."""

    TYPE = 0
    DATASET = 1
    LANGUAGE = 2
    PAIR_LANGUAGES = 3
    EPOCH = 4
    VALIDATION = 5
    NEGATIVES = 6


def generator(seed: int, purpose: Purpose, *key: int) -> np.random.Generator:
    """The generator of (`seed`, `purpose`, `key`). Raises UserError when the seed is negative."""
    if seed < 0:
        raise UserError(
            f"seed: {seed} is negative; seeds are whole numbers from 0 on. Choose another one, like seed=1."
        )
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(int(purpose), *key))))


def uniforms(seed: int, purpose: Purpose, start: int, count: int) -> NDArray[np.float64]:
    """Numbers `start` to `start + count` of the endless sequence of `purpose`, in [0, 1): [count]; O(count).

    `start` is a multiple of four. The result equals drawing from the beginning and dropping the first `start` numbers.
    """
    if start % UNIFORMS_PER_COUNT:
        raise ValueError(f"start must be a multiple of {UNIFORMS_PER_COUNT}, not {start}")
    at_start = generator(seed, purpose)
    philox = at_start.bit_generator
    assert isinstance(philox, np.random.Philox)
    philox.advance(start // UNIFORMS_PER_COUNT)
    return at_start.random(count)
