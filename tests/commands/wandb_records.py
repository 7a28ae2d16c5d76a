"""Reads the offline files of W&B record by record; wandb itself has no Python reader any more."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Offline:
    """What the one offline folder of a run directory holds; `history` is a row for each step, in the file's order."""

    folder: Path
    run: Any
    config: dict[str, Any]
    history: list[dict[str, Any]]
    summary: dict[str, Any]

    @classmethod
    def of(cls, run: Path) -> Offline:
        from wandb.proto.wandb_internal_pb2 import Record

        (file,) = run.glob("wandb/*run-*/*.wandb")
        records = [Record.FromString(data) for data in log_records(file.read_bytes())]
        started = next(record.run for record in records if record.HasField("run"))
        rows = [_values(record.history.item) for record in records if record.HasField("history")]
        summary: dict[str, Any] = {}
        for record in records:
            if record.HasField("summary"):
                summary |= _values(record.summary.update)
        config = {item.key: json.loads(item.value_json) for item in started.config.update}
        return cls(file.parent, started, config, rows, summary)

    @property
    def curve(self) -> dict[int, dict[str, Any]]:
        """The rows of history.jsonl by W&B's step, under the names `split/key`; a step twice is an error."""
        found: dict[int, dict[str, Any]] = {}
        for row in self.history:
            values = {key: value for key, value in row.items() if key.startswith(("train/", "validation/"))}
            if values:
                assert row["_step"] not in found
                assert row["step"] == row["_step"]
                found[row["_step"]] = values
        return found

    @property
    def tables(self) -> list[str]:
        """The names of all tables, as often as they were logged."""
        names = (key.partition("tables/")[2] for row in self.history for key in row)
        return [name.removesuffix("/sha256") for name in names if name.endswith("/sha256")]


def curve_of(run: Path) -> dict[int, dict[str, Any]]:
    """The rows of history.jsonl as `Offline.curve` has them."""
    found: dict[int, dict[str, Any]] = {}
    for line in (run / "history.jsonl").read_text().splitlines():
        row = json.loads(line)
        named = {f"{row['split']}/{key}": value for key, value in row.items() if key not in ("split", "step", "crc32")}
        found.setdefault(row["step"], {}).update(named)
    return found


def log_records(content: bytes) -> Iterator[bytes]:
    """The records of a .wandb file, a LevelDB log: blocks of 32 KiB, pieces with checksum, length and kind."""
    block, offset, parts = 1 << 15, 7, b""
    while offset + 7 <= len(content):
        if block - offset % block < 7:
            offset += block - offset % block
            continue
        length, kind = struct.unpack_from("<HB", content, offset + 4)
        parts += content[offset + 7 : offset + 7 + length]
        offset += 7 + length
        if kind in (1, 4):  # whole, or the last piece
            yield parts
            parts = b""


def _values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
