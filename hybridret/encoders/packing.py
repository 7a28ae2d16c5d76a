"""Texts of a chunk laid one behind the other in one row without padding, and back (`backbone.attention=packed`).

Every layer then computes real tokens alone, whatever the lengths. Which token belongs to which text is told to the
attention of each layer by an argument of the model's forward (`encoders/packed_attention.py`), never by global state:
a recomputed chunk and a second thread find their own.

Shape legend: b texts, T tokens with padding, N tokens of all texts without, D dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Packing:
    """Where the tokens of a chunk stand. Texts are in order of length, so that those of one length are neighbours.

    `positions` [N] int64 indexes the flat [b * T]; `bounds` [b + 1] int32 are the texts' starts in the row and its end;
    `groups` are (texts, their length), shortest first, without texts of no tokens; `longest` is the greatest length.
    """

    positions: Tensor
    bounds: Tensor
    groups: tuple[tuple[int, int], ...]
    longest: int

    @classmethod
    def of(cls, mask: Tensor) -> Packing:
        """Of a mask [b, T], 1 for tokens; on a GPU this waits for it once."""
        lengths, order = mask.sum(dim=1).sort(stable=True)
        rows, columns = mask[order].nonzero(as_tuple=True)
        positions = order[rows] * mask.shape[1] + columns
        bounds = F.pad(lengths.cumsum(dim=0), (1, 0)).to(torch.int32)
        found = [(len(list(texts)), length) for length, texts in groupby(lengths.tolist()) if length]
        return cls(positions, bounds, tuple(found), found[-1][1] if found else 0)

    def pack(self, padded: Tensor) -> Tensor:
        """[b, T, ...] -> [1, N, ...]."""
        return padded.flatten(0, 1).index_select(0, self.positions)[None]

    def unpack(self, packed: Tensor, mask: Tensor) -> Tensor:
        """[1, N, D], the mask [b, T] -> [b, T, D], zero at padding."""
        flat = packed.new_zeros(mask.numel(), packed.shape[-1])
        return flat.index_copy(0, self.positions, packed[0]).view(*mask.shape, -1)
