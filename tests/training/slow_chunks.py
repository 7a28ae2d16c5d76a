"""The slow twin of `TokenRows.chunks`: one Python call for each row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def chunk_rows(lengths: Sequence[int], chunk_size: int | None) -> tuple[list[list[int]], list[int]]:
    """Rows sorted by length (stable), cut into chunks of `chunk_size` (None: one); for each row, where it stands in
    the concatenation of the chunks."""
    order = sorted(range(len(lengths)), key=lambda row: lengths[row])
    size = chunk_size or max(len(order), 1)
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    return chunks, np.argsort(order).tolist()
