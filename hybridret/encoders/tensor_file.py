"""A safetensors file as a header and pieces of bytes, so that a file of any size is read and written in flat memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import safe_open

PIECE = 1 << 22  # bytes that are read at once; whole elements of every type
FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


@dataclass(frozen=True)
class StoredTensor:
    """`kind`: its type as safetensors spells it. Its bytes are `start` up to `end` of the file."""

    name: str
    kind: str
    shape: tuple[int, ...]
    start: int
    end: int

    def pieces(self, file: BinaryIO) -> Iterator[bytearray]:
        """The bytes from the open `file`, at most `PIECE` at once."""
        file.seek(self.start)
        for begin in range(self.start, self.end, PIECE):
            yield bytearray(file.read(min(PIECE, self.end - begin)))


def read_header(path: Path) -> tuple[bytes, list[StoredTensor]]:
    """All bytes before the first tensor, and the tensors in the order of their bytes.

    Raises SafetensorError where the file is not whole.
    """
    with safe_open(str(path), "pt"):
        pass  # the library checks that tensors fill the file without a gap
    with open(path, "rb") as file:
        size = file.read(8)
        text = file.read(int.from_bytes(size, "little"))
    data = len(size) + len(text)
    tensors = [
        StoredTensor(
            name, one["dtype"], tuple(one["shape"]), data + one["data_offsets"][0], data + one["data_offsets"][1]
        )
        for name, one in json.loads(text).items()
        if name != "__metadata__"
    ]
    return size + text, sorted(tensors, key=lambda one: (one.start, one.end))
