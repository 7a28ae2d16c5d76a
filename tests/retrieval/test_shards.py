from __future__ import annotations

import gc
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.retrieval.shards import HEADER, Shards


def filled(folder: Path, dtype: str = "float32") -> tuple[Shards, np.ndarray]:
    """25 vectors in files of 10."""
    vectors = np.random.default_rng(0).standard_normal((25, 3)).astype(np.float32)
    shards = Shards(folder, 25, 3, dtype, 10)
    for shard in range(shards.number):
        assert not shards.whole(shard)
        shards.create(shard)
        assert shards.whole(shard)
    shards.write(0, vectors[:10])
    shards.write(10, vectors[10:])
    return shards, vectors


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_rows_are_those_that_were_written(tmp_path: Path, dtype: str) -> None:
    shards, vectors = filled(tmp_path, dtype)
    expected = vectors.astype(dtype)
    for start, stop in ((0, 25), (3, 3), (9, 11), (10, 20), (24, 25)):
        rows = shards.rows(start, stop)
        assert rows.dtype == np.float32
        np.testing.assert_array_equal(rows, expected[start:stop])
        assert shards.checksum(start, stop) == zlib.crc32(expected[start:stop].tobytes())
    np.testing.assert_array_equal(np.load(shards.path(2), mmap_mode="r"), expected[20:])


def test_rows_start_on_a_page_and_zeros_take_no_space(tmp_path: Path) -> None:
    shards = Shards(tmp_path, 1 << 20, 128, "float32", 1 << 19)
    shards.create(1)
    assert HEADER % 4096 == 0
    assert os.stat(shards.path(1)).st_size == HEADER + (1 << 19) * 512
    assert os.stat(shards.path(1)).st_blocks * 512 < 1 << 20


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (20, 26), (5, 4)])
def test_rows_that_do_not_exist(tmp_path: Path, start: int, stop: int) -> None:
    with pytest.raises(IndexError, match="of 25"):
        filled(tmp_path)[0].rows(start, stop)


def test_checksums_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards, vectors = filled(tmp_path)
    monkeypatch.setattr("hybridret.retrieval.shards.BLOCK", 7)
    assert shards.checksum(0, 25) == zlib.crc32(vectors.tobytes())


def test_a_disk_that_takes_and_gives_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, read = os.pwrite, os.preadv
    monkeypatch.setattr("os.pwrite", lambda file, data, offset: write(file, data[:7], offset))
    monkeypatch.setattr("os.preadv", lambda file, into, offset: read(file, [into[0][:5]], offset))
    shards, vectors = filled(tmp_path)
    np.testing.assert_array_equal(shards.rows(0, 25), vectors)
    assert shards.checksum(0, 25) == zlib.crc32(vectors.tobytes())


def test_a_file_that_shrinks_or_is_gone_is_an_error_and_no_crash(tmp_path: Path) -> None:
    shards, _ = filled(tmp_path)
    shards.rows(0, 25)
    os.truncate(shards.path(0), HEADER + 5)
    with pytest.raises(UserError, match=r"vectors-00000\.npy is shorter"):
        shards.rows(0, 1)
    assert not shards.whole(0)
    shards.path(1).unlink()
    with pytest.raises(UserError, match=r"Cannot read .*vectors-00001\.npy: No such file"):
        Shards(tmp_path, 25, 3, "float32", 10).rows(10, 11)


def test_files_are_closed_with_the_last_reference(tmp_path: Path) -> None:
    shards, _ = filled(tmp_path)
    shards.rows(0, 25)
    files = list(shards._files.values())
    del shards
    gc.collect()
    for file in files:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(file)
