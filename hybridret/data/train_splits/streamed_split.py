"""What the train splits have in common: a copy with one dataset or several, all held-out pairs together, and the record
of what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hybridret.base.progress import Progress
from hybridret.data.arrow_table import file_probe
from hybridret.data.prepared.shards import Shards
from hybridret.data.train_splits.judged_language import JudgedLanguage, Limits
from hybridret.data.train_splits.monolingual_copy import MONOLINGUAL, MonolingualCopy, write_validation


def write_split(
    folder: Path,
    source: str,
    datasets: Mapping[str, Sequence[JudgedLanguage]],
    benchmarks: Sequence[str],
    limits: Limits,
    progress: Progress,
) -> dict[str, Any]:
    """Write `datasets` (languages by name) into `folder`, and return what `StreamedSource.write` returns.

    benchmarks: names of the test collections, or their beginnings, whose train split this is; results on them are no
    longer zero-shot.
    """
    shards = Shards(folder)
    counts: dict[str, Any] = {}
    held_out = {}
    names = [f"training-{number}" for number in range(len(datasets))]
    for below, (name, languages) in zip(names, datasets.items(), strict=True):
        held_out[name], counts[name] = MonolingualCopy(name, below, languages, limits).write(shards, progress)
    write_validation(folder, held_out)
    summary = {
        "name": source,
        "languages": sorted({one.language for languages in datasets.values() for one in languages}),
        "questions": MONOLINGUAL,
        "train_split_of": list(benchmarks),
        "datasets": counts,
    }
    return {"training": names, "test": [], "fingerprint": shards.fingerprint(), "summary": summary}


def probes(files: Iterable[Path], what: str) -> list[list[Any]]:
    """Folder, name, size, time and probe of each file, for the key of a copy. Raises UserError for an empty file."""
    return [[file.parent.name, *file_probe(file, what)] for file in files]
