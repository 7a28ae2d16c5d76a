"""The fixed batches of the validation loss: the same for every strategy, so their losses can be compared.

The loss is the mean of the mono and the cross InfoNCE, so that it favours no strategy for the kind of its batches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hybridret.base.records import Batch, BoolArray, ParallelPairs
from hybridret.batching.batch_type import AnyStream
from hybridret.batching.draw import Purpose, generator
from hybridret.batching.pairing import DifferentLanguages, OneLanguage, Pairing
from hybridret.batching.question_sources import Questions, questions_of


def validation_batches(
    pairs: ParallelPairs, batch_size: int, batches: int, seed: int
) -> tuple[list[Batch], list[Batch]]:
    """At most `batches` mono batches, which go through the languages in turn, and as many cross batches.

    No question or passage group occurs twice in a batch, no question occurs twice in a stream's pass over the data, and
    mono stops after one pass per language. With little data a batch is smaller, but has at least 2 rows; a kind that is
    impossible, such as cross with one language, gets an empty list. `step` counts the batches of a kind.
    """
    questions = questions_of(pairs)
    spoken = questions.patterns
    mono = [
        _stream(index + 1, questions, spoken[:, index], batch_size, OneLanguage(index))
        for index in range(len(pairs.languages))
    ]
    cross = _stream(0, questions, spoken.sum(axis=1) >= 2, batch_size, DifferentLanguages(questions.present))
    return (
        _batches("mono", [stream for stream in mono if stream], batches, seed),
        _batches("cross", [cross] if cross else [], batches, seed),
    )


def _stream(key: int, questions: Questions, usable: BoolArray, batch_size: int, pairing: Pairing) -> AnyStream | None:
    size = min(batch_size, questions.passages(usable))
    return questions.stream((0, key), usable, size, pairing) if size >= 2 else None


def _batches(kind: str, streams: Sequence[AnyStream], batches: int, seed: int) -> list[Batch]:
    orders = [stream.epoch(seed, 0) for stream in streams]
    turns = [(number, slot) for slot in range(max(map(len, orders), default=0)) for number in range(len(orders))]
    possible = [(number, slot) for number, slot in turns if slot < len(orders[number])]
    made = []
    for step, (number, slot) in enumerate(possible[:batches]):
        questions = orders[number][slot].astype(np.int64)
        random = generator(seed, Purpose.VALIDATION, step)
        made.append(Batch(step, kind, 0, questions, *streams[number].pairing.languages(questions, random)))
    return made
