"""Out-of-memory errors as one paragraph: where it happened, what the plan had expected, and what would fit.

Only errors that are clearly out of memory are caught: another RuntimeError taken for one could be retried for ever
(docs/pitfalls.md#out-of-memory).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from hybridret.base.errors import POINT_FAILED, UserError
from hybridret.preflight.memory_check import MemoryCheck, in_parts
from hybridret.preflight.wording import gib

#: Texts in errors of other types that mean out of memory.
SAYINGS = ("DefaultCPUAllocator: ", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
START = "read data and build the encoder"
BEFORE = (START, "wait for the other processes")  # nothing is trained yet
LESS = 0.8  # a recipe that is proposed instead of one that did not fit takes at most this share of its memory


class OutOfMemory(UserError):
    """The point failed: its config was good, the machine was too small."""

    exit_code = POINT_FAILED


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory could not be allocated."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(saying in str(error) for saying in SAYINGS)


@contextmanager
def explain_out_of_memory(expected: MemoryCheck, status: Callable[[], dict[str, Any]]) -> Iterator[None]:
    """Turn an out-of-memory error of the block into OutOfMemory; `status()` then gives the phase and step."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(_paragraph(error, expected, status())) from error


def _paragraph(error: BaseException, expected: MemoryCheck, status: dict[str, Any]) -> str:
    reason = " ".join((str(error) or type(error).__name__).split())
    reason = reason if len(reason) <= 300 else f"{reason[:300]} ..."
    phase, done, total = status.get("phase") or START, status.get("done"), status.get("total")
    where = f"in phase {phase!r}" + (f" after {done} of {total}{' steps' * (phase == 'train')}" if total else "")
    head = f"Out of memory {where}: {reason.rstrip('.')}."
    if expected.failed is not None:
        return (
            f"{head} Its memory could not be planned ({expected.failed}): try a smaller training.chunk_size with "
            f"training.recompute=true, or training.recompute_layers=true."
        )
    planned = (
        f"The plan expected {in_parts(expected.plan.memory)} at the peak of a training step, of "
        f"{gib(expected.target.memory_bytes)} GiB of {expected.target.name}."
    )
    if phase in BEFORE or (phase == "train" and (total is None or done != total)):
        limit = LESS * min(expected.plan.memory.total, expected.target.memory_bytes)
        return f"{head} {planned} {expected.smaller(limit)}."
    size = expected.inputs.settings.evaluation.batch_size
    return (
        f"{head} {planned} The training is over and kept: the same command goes on with the evaluation where there is "
        f"more memory. A run of its own with evaluation.batch_size={max(1, size // 4)} instead of {size}, or "
        f"evaluation.precision=bf16, takes less."
    )
