"""What else a run promises: the W&B mirror without a network."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Train, run_of


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


def test_wandb_offline_keeps_group_job_type_tags_and_config(train: Train, tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    done = train(tmp_path, "logger=wandb", "sweep=mine", "training.steps=1")
    assert done.returncode == 0, done.stderr
    assert "W&B" not in done.stderr
    run = run_of(tmp_path)
    (file,) = run.glob("wandb/offline-run-*/*.wandb")
    records = [Record.FromString(data) for data in log_records(file.read_bytes())]
    (started,) = [record.run for record in records if record.HasField("run")][:1]
    assert started.run_group == "mine"
    assert started.job_type == "hybrid"
    assert started.display_name == run.name
    assert {"hybrid", "nano"} <= set(started.tags)
    config = {item.key: json.loads(item.value_json) for item in started.config.update}
    assert config["training"]["steps"] == 1
    logged = {item.key or ".".join(item.nested_key) for record in records for item in record.history.item}
    assert {"train/loss", "validation/loss"} <= logged
    assert any(key.startswith("tables/") for key in logged)
