"""Packing the texts of a chunk into one row without padding, and unpacking it (`backbone.attention=packed`).

Every layer then computes only real tokens, whatever the lengths. The attention of each layer gets the bounds of the
texts by an argument of the model's forward (`encoders/packed_attention.py`), never by global state, so that recomputed
chunks and several threads each have their own.

Shape legend: b texts, T tokens with padding, N tokens of all texts without, D dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hybridret.base.records import IntArray


@dataclass(frozen=True)
class Packing:
    """The positions of the tokens of a chunk. Texts are in order of length, so that equal lengths are neighbours.

    `positions` [N] int64 indexes the flat [b * T]; `bounds` [b + 1] int32 are the texts' starts in the row and its end;
    `groups` are (number of texts, their length), shortest first, without empty texts; `longest` is the largest length.
    """

    positions: Tensor
    bounds: Tensor
    groups: tuple[tuple[int, int], ...]
    longest: int

    @classmethod
    def of(cls, mask: Tensor, known: IntArray | None = None) -> Packing:
        """The packing for a mask [b, T], 1 for tokens. `known`: the lengths [b] of right-padded rows, as the host has
        them; without, it asks the mask, for which the host waits on a GPU.
        """
        lengths, order = mask.sum(dim=1).sort(stable=True)
        if known is None:
            rows, columns = mask[order].nonzero(as_tuple=True)
            on_host = lengths.tolist()
        else:
            total = int(known.sum())
            numbers = torch.arange(len(mask), device=mask.device)
            rows = numbers.repeat_interleave(lengths, output_size=total)
            starts = lengths.cumsum(dim=0) - lengths
            columns = torch.arange(total, device=mask.device) - starts[rows]
            on_host = np.sort(known).tolist()
        positions = order[rows] * mask.shape[1] + columns
        bounds = F.pad(lengths.cumsum(dim=0), (1, 0)).to(torch.int32)
        found = [(len(list(texts)), length) for length, texts in groupby(on_host) if length]
        return cls(positions, bounds, tuple(found), found[-1][1] if found else 0)

    def pack(self, padded: Tensor) -> Tensor:
        """[b, T, ...] -> [1, N, ...]."""
        return padded.flatten(0, 1).index_select(0, self.positions)[None]

    def unpack(self, packed: Tensor, mask: Tensor) -> Tensor:
        """[1, N, D], the mask [b, T] -> [b, T, D], zero at padding."""
        flat = packed.new_zeros(mask.numel(), packed.shape[-1])
        return flat.index_copy(0, self.positions, packed[0]).view(*mask.shape, -1)
