"""Peak memory of exact search over 1, 2 and 4 million passages in a file: does it grow with them?

    python benchmarks/search_memory.py           # about 3 minutes on one thread, 3 GB of disk in a temporary folder
                                                 # target: at most 20 bytes more per passage, of which 12 are tie orders

Each size is a process of its own, so that its peak is its own. Pages of a mapped file count as memory of the process
although the system takes them back when it likes, so the vectors are read with plain reads here. Linux only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from hybridret.base.progress import Quiet
from hybridret.base.records import FloatArray
from hybridret.distributed.process_group import SingleProcess
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.search_request import SearchRequest

TARGET = 20  # bytes per passage


class FileVectors:
    """The first `count` vectors of a .npy file, read slice by slice."""

    def __init__(self, path: Path, count: int) -> None:
        stored = np.load(path, mmap_mode="r")
        self.dimension = int(stored.shape[1])
        self._path, self._count, self._offset, self._dtype = path, count, int(stored.offset), stored.dtype

    def __len__(self) -> int:
        return self._count

    def rows(self, start: int, stop: int) -> FloatArray:
        row = self.dimension * self._dtype.itemsize
        numbers = (stop - start) * self.dimension
        rows = np.fromfile(self._path, self._dtype, numbers, offset=self._offset + start * row)
        return rows.reshape(-1, self.dimension).astype(np.float32)


def write(path: Path, passages: int, dimension: int) -> None:
    rng = np.random.default_rng(2)
    with path.open("wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": (passages, dimension)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, passages, 65536):
            part = rng.standard_normal((min(65536, passages - start), dimension), dtype=np.float32)
            (part / np.linalg.norm(part, axis=1, keepdims=True)).astype(np.float16).tofile(file)


def peak_memory() -> int:
    """Bytes. Not from getrusage: on Linux that number is never below the one of the process that started this one."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def child(path: Path, passages: int, queries: int, k: int) -> None:
    """Search and print the peak memory in bytes: before the search, and at the end."""
    torch.set_num_threads(1)
    source = FileVectors(path, passages)
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((queries, source.dimension), dtype=np.float32)
    warm = SearchRequest(vectors, FileVectors(path, 5000), 0, 5000, np.arange(5000), k)
    Exact().search(warm, SingleProcess(), Quiet())
    before = peak_memory()
    ties = np.arange(passages)  # given to the search: 8 of the bytes
    hits = Exact().search(SearchRequest(vectors, source, 0, passages, ties, k), SingleProcess(), Quiet())
    assert hits.passages.shape == (queries, k)
    print(json.dumps([before, peak_memory()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, nargs="+", default=[1_000_000, 2_000_000, 4_000_000])
    parser.add_argument("--dimension", type=int, default=384)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--k", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=None, help="where the temporary folder goes")
    parser.add_argument("--child", nargs=2, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(Path(options.child[0]), int(options.child[1]), options.queries, options.k)
        return
    sizes = sorted(options.passages)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "vectors.npy"
        write(path, sizes[-1], options.dimension)
        print(
            f"{options.queries} queries, k = {options.k}, vectors of {options.dimension} numbers as float16", flush=True
        )
        peaks = []
        for size in sizes:
            command = [sys.executable, __file__, "--child", str(path), str(size)]
            command += ["--queries", str(options.queries), "--k", str(options.k)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            before, peak = json.loads(done.stdout)
            peaks.append(peak)
            stored = path.stat().st_size * size // sizes[-1]
            print(
                f"{size} passages ({stored / 1e6:.0f} MB of vectors): peak {peak / 1e6:.0f} MB, "
                f"{(peak - before) / 1e6:+.1f} MB over a search of 5,000",
                flush=True,
            )
    if len(sizes) > 1:
        grown = (peaks[-1] - peaks[0]) / (sizes[-1] - sizes[0])
        print(f"growth: {grown:.1f} bytes a passage of {4 * options.dimension} in fp32, target at most {TARGET}")
        print(f"peak of the largest / of the smallest: {peaks[-1] / peaks[0]:.3f}")


if __name__ == "__main__":
    main()
