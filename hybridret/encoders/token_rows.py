"""Many rows of token ids as one array: choosing, sorting and padding rows then takes a few numpy calls for a whole
batch instead of a Python call for each row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hybridret.base.records import IntArray
from hybridret.encoders.chunk_ends import chunk_ends
from hybridret.encoders.tokenization import IntArray32, Tokens


class TokenRows:
    """Row i is `ids[starts[i] : starts[i] + lengths[i]]`; rows may overlap, repeat and leave ids out.

    `ids` [N] int32, `starts` and `lengths` [n] int64.
    """

    def __init__(self, ids: NDArray[np.int32], starts: IntArray, lengths: IntArray) -> None:
        self.ids, self.starts, self.lengths = ids, starts, lengths

    @classmethod
    def of(cls, rows: Sequence[IntArray32]) -> TokenRows:
        """The same rows in one array."""
        lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        ids = np.concatenate(rows) if len(rows) else np.empty(0, dtype=np.int32)
        return cls(ids, np.cumsum(lengths) - lengths, lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def chosen(self, rows: IntArray) -> TokenRows:
        """The rows with these numbers, in their order."""
        return TokenRows(self.ids, self.starts[rows], self.lengths[rows])

    def chunks(
        self, chunk_size: int | None, pad_id: int, chunk_tokens: int | None = None
    ) -> tuple[list[Tokens], IntArray]:
        """Sort by length (stable), cut as `chunk_ends` says and pad each chunk to its longest row.

        The second value [n] is the position of each row in the concatenation of the chunks. Raises ValueError as
        `chunk_ends` does.
        """
        count = len(self)
        order = np.argsort(self.lengths, kind="stable")
        position = np.empty(count, dtype=np.int64)
        position[order] = np.arange(count)
        starts, lengths = self.starts[order, None], self.lengths[order]
        made, first = [], 0
        for last in chunk_ends(lengths, chunk_size, chunk_tokens):
            columns = np.arange(max(int(lengths[last - 1]), 1))
            mask = columns < lengths[first:last, None]
            # Positions after the end of a row may be outside the array: "clip" reads some id there; the mask hides it.
            ids = self.ids.take(starts[first:last] + columns, mode="clip")
            padded = np.where(mask, ids, pad_id).astype(np.int64, copy=False)
            made.append(Tokens(torch.from_numpy(padded), torch.from_numpy(mask.astype(np.int64))))
            first = last
        return made, position
