"""A kind of batch: which streams it draws from, and with which weights. Strategies are mixtures of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hybridret.base.errors import UserError
from hybridret.base.records import BoolArray, IntArray, ParallelPairs
from hybridret.batching.pairing import Pairing
from hybridret.batching.question_sources import Questions
from hybridret.batching.streams import Epochs


class AnyStream(Epochs, Protocol):
    """What a schedule draws from: `Stream`, or `MappedStream` for large data."""

    @property
    def batches(self) -> int: ...

    @property
    def pairing(self) -> Pairing: ...


@dataclass(frozen=True)
class BatchType:
    """`chances` [D]: datasets are drawn in proportion to them (`dataset_chances`). `streams[d]`: the streams of dataset
    d, one of which is drawn; empty where its chance is 0. `weights[d]`: one number above 0 for each stream, which is
    drawn in proportion to it; None: uniformly.
    """

    kind: str
    chances: IntArray | NDArray[np.float64]
    streams: tuple[tuple[AnyStream, ...], ...]
    weights: tuple[NDArray[np.float64], ...] | None = None


def dataset_chances(sizes: IntArray, datasets: Sequence[ParallelPairs]) -> IntArray | NDArray[np.float64]:
    """[D]: how often each dataset is drawn, in any unit: its weight, else `sizes` [D], the question-language rows of it
    that the kind can use. 0 where there are none. Raises ValueError where only some datasets have a weight.
    """
    weights = [pairs.weight for pairs in datasets]
    given = [weight for weight in weights if weight is not None]
    if not given:
        return sizes
    if len(given) < len(weights):
        raise ValueError("some datasets have a weight and others have none")
    return np.where(sizes > 0, np.array(given, dtype=np.float64), 0.0)


def full_stream(
    kind: str,
    pairs: ParallelPairs,
    key: tuple[int, int],
    questions: Questions,
    usable: BoolArray,
    batch_size: int,
    pairing: Pairing,
    restriction: str = "",
) -> AnyStream:
    """The stream over the `questions` of `pairs` whose pattern is `usable` [P]. Raises UserError when they cannot
    fill one batch.

    restriction: the setting that left questions out, for the message.
    """
    stream = questions.stream(key, usable, batch_size, pairing)
    if stream is None:
        available = questions.passages(usable)
        where = f"language '{pairs.languages[key[1] - 1]}'" if key[1] else f"its languages {', '.join(pairs.languages)}"
        what = f"Batching '{kind}'{restriction}: dataset '{pairs.name}' has"
        raise UserError(
            f"{what} questions about {available} different passages for it in {where}, too few for a batch of "
            f"{batch_size}, in which no passage may occur twice. Lower training.batch_size to {available} or less, "
            f"leave the language or the dataset out, or add data."
            if available
            else f"{what} 0 questions for it in {where}, and a batch takes {batch_size}. Leave the language or the "
            f"dataset out, or add data."
        )
    return stream


def check_data(datasets: Sequence[ParallelPairs], batch_size: int) -> None:
    """Raise UserError when there is no dataset, one is empty, or the batch is too small to hold a negative."""
    if not datasets:
        raise UserError("There is no training dataset to make batches from; name one with data=NAME.")
    for pairs in datasets:
        if not (len(pairs) and pairs.languages):
            raise UserError(f"Training dataset '{pairs.name}' is empty; leave it out, or check its languages and path.")
    if batch_size < 2:
        raise UserError(
            f"training.batch_size: {batch_size} is too small; the other passages of a batch are its negatives, so it "
            f"needs at least 2 rows."
        )


def all_languages(datasets: Sequence[ParallelPairs]) -> list[str]:
    """The languages of all datasets, sorted."""
    return sorted({language for pairs in datasets for language in pairs.languages})
