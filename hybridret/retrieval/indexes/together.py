"""An error of one rank as an error of all: a rank that stopped alone would leave the others waiting for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.distributed.process_group import ProcessGroup

Result = TypeVar("Result")


def raise_on_all_ranks(work: Callable[[], Result], ranks: ProcessGroup) -> Result:
    """What `work` returns on this rank. Where it raised UserError on any rank, every rank raises the first one's.

    All ranks must call it together. Other exceptions end the process, as they should.
    """
    failure: UserError | None = None
    result: list[Result] = []
    try:
        result.append(work())
    except UserError as error:
        failure = error
    text = str(failure) if failure is not None else ""
    letters: IntArray = np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int64)
    for message in ranks.gather(letters):
        if len(message):
            raise UserError(message.astype(np.uint8).tobytes().decode()) from failure
    return result[0]


def check_search(queries: int, dimensions: tuple[int, int], span: tuple[int, int, int], ties: int, k: int) -> None:
    """UserError where the sizes of a search do not fit.

    `dimensions` of queries and passages, `span` first, last and the number of passages, `ties` the length of the order.
    """
    first, last, passages = span
    if k < 1:
        raise UserError(f"A search for the best {k} passages was asked for; k must be at least 1.")
    if dimensions[0] != dimensions[1] and queries:
        raise UserError(
            f"The vectors of the queries have {dimensions[0]} numbers and those of the passages {dimensions[1]}: they "
            f"do not come from the same encoder. Encode both with one."
        )
    if not 0 <= first <= last <= passages:
        raise UserError(f"Passages {first} to {last} - 1 are to be searched, but there are {passages}.")
    if ties != last - first:
        raise UserError(f"The tie order has {ties} positions for {last - first} passages; it needs one for each.")
