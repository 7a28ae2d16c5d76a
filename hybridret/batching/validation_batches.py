"""The fixed batches of the validation loss: the same for every strategy, so their losses can be compared.

The loss is the mean of the mono and the cross InfoNCE, so that it favours no strategy for the kind of its batches.
"""

from __future__ import annotations

import numpy as np

from hybridret.base.records import Batch, BoolArray, ParallelPairs
from hybridret.batching.draw import Purpose, generator
from hybridret.batching.pairing import DifferentLanguages, OneLanguage, Pairing
from hybridret.batching.streams import Order, Stream, group_codes, make_stream


def validation_batches(
    pairs: ParallelPairs, batch_size: int, batches: int, seed: int
) -> tuple[list[Batch], list[Batch]]:
    """At most `batches` mono batches, which go through the languages in turn, and as many cross batches.

    No question or passage group occurs twice in a batch, no question occurs twice in a stream's pass over the data, and
    mono stops after one pass per language. With little data a batch is smaller, but has at least 2 rows; a kind that is
    impossible, such as cross with one language, gets an empty list. `step` counts the batches of a kind.
    """
    groups = group_codes(pairs)
    present = pairs.present
    mono = [
        _stream(index + 1, present[:, index], groups, batch_size, OneLanguage(index))
        for index in range(len(pairs.languages))
    ]
    cross = _stream(0, present.sum(axis=1) >= 2, groups, batch_size, DifferentLanguages(present))
    return (
        _batches("mono", [stream for stream in mono if stream], batches, seed),
        _batches("cross", [cross] if cross else [], batches, seed),
    )


def _stream(key: int, usable: BoolArray, groups: Order, batch_size: int, pairing: Pairing) -> Stream | None:
    available = len(np.unique(groups[usable]))
    size = min(batch_size, available)
    return make_stream((0, key), usable, groups, size, pairing) if size >= 2 else None


def _batches(kind: str, streams: list[Stream], batches: int, seed: int) -> list[Batch]:
    orders = [stream.epoch(seed, 0) for stream in streams]
    turns = [(number, slot) for slot in range(max(map(len, orders), default=0)) for number in range(len(orders))]
    possible = [(number, slot) for number, slot in turns if slot < len(orders[number])]
    made = []
    for step, (number, slot) in enumerate(possible[:batches]):
        questions = orders[number][slot].astype(np.int64)
        random = generator(seed, Purpose.VALIDATION, step)
        made.append(Batch(step, kind, 0, questions, *streams[number].pairing.languages(questions, random)))
    return made
