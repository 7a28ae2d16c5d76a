"""How processes share a global batch: strided slices of its rows sorted by length.

See docs/pitfalls.md#batch-types and docs/pitfalls.md#unequal-shapes.

Every world size trains on the same batches. Each process holds rows of every length, and all hold equally many.
"""

from __future__ import annotations

from hybridret.base.errors import UserError
from hybridret.base.records import IntArray


def check_world_size(batch_size: int, world_size: int) -> None:
    """Raise UserError when `batch_size` rows cannot be shared evenly by `world_size` processes."""
    if world_size < 1:
        raise ValueError(f"a world has at least one rank, got {world_size}")
    if batch_size % world_size:
        below = batch_size - batch_size % world_size
        multiples = [str(size) for size in (below, below + world_size) if size > 0]
        raise UserError(
            f"training.batch_size: {batch_size} rows cannot be shared evenly by {world_size} processes (devices x "
            f"nodes), and all processes must hold equally many. Choose a multiple, like {' or '.join(multiples)}."
        )


def rank_slice(order: IntArray, rank: int, world_size: int) -> IntArray:
    """The rows of process `rank`: every `world_size`-th element of `order` [B].

    `order` holds the row numbers of the global batch, sorted by length.

    Returns [B / world_size]. Raises UserError when B is not divisible by `world_size`.
    """
    check_world_size(len(order), world_size)
    if not 0 <= rank < world_size:
        raise ValueError(f"rank {rank} is not one of {world_size}")
    return order[rank::world_size]
