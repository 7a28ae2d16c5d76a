"""Raises an error of one process in all processes: if one stopped alone, the others would wait for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray
from hybridret.distributed.process_group import ProcessGroup

Result = TypeVar("Result")


def raise_on_all_processes(work: Callable[[], Result], processes: ProcessGroup) -> Result:
    """The result of `work` in this process. If it raises UserError in a process, all raise it (the first of several).

    All processes must call it together. Other exceptions end the process, as usual.
    """
    failure: UserError | None = None
    result: list[Result] = []
    try:
        result.append(work())
    except UserError as error:
        failure = error
    text = str(failure) if failure is not None else ""
    letters: IntArray = np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int64)
    for message in processes.gather(letters):
        if len(message):
            raise UserError(message.astype(np.uint8).tobytes().decode()) from failure
    return result[0]
