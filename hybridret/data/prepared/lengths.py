"""Lengths of texts as counts of each length: any number of texts in flat memory, and exact quantiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hybridret.base.records import IntArray


@dataclass(frozen=True)
class Lengths:
    """`median` and `p95` are lengths that occur: the shortest one that half, or 95%, of the texts do not exceed."""

    texts: int
    mean: float
    median: int
    p95: int
    max: int

    @classmethod
    def of(cls, lengths: Iterable[IntArray]) -> Lengths | None:
        """Of all lengths in arrays of any size; None where there is none."""
        counted: Counter[int] = Counter()
        for part in lengths:
            values, counts = np.unique(part, return_counts=True)
            counted.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        if not counted:
            return None
        known = np.array(sorted(counted), dtype=np.int64)
        ends = np.cumsum([counted[one] for one in known.tolist()])
        texts = int(ends[-1])
        # In integers: 0.95 * 20 is a little more than 19.
        median, p95 = (int(known[np.searchsorted(ends, -(-texts * share // 100))]) for share in (50, 95))
        total = sum(length * count for length, count in counted.items())
        return cls(texts, round(total / texts, 2), median, p95, int(known[-1]))

    def record(self) -> dict[str, float]:
        """Plain JSON values."""
        return asdict(self)


def characters(path: Path, rows: IntArray) -> Iterator[IntArray]:
    """Lengths in characters (Unicode code points) of the texts in `rows` [n], ascending, of a file of `write_texts`, a
    part of the file at a time; no text becomes a Python object. Missing texts have none.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    start = 0
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:  # mapped, all of it would stay in memory
        for number in range(reader.num_record_batches):
            column = reader.get_batch(number).column(0)
            stop = start + len(column)
            first, last = np.searchsorted(rows, (start, stop))
            lengths = pc.utf8_length(column.take(pa.array(rows[first:last] - start))).drop_null()
            yield lengths.to_numpy(zero_copy_only=False).astype(np.int64)
            start = stop
