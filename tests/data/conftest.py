"""Shared by the tests of readers: folders in BEIR's layout, and a progress that is looked at."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.progress import Quiet

Rows = Iterable[dict[str, Any]]
WriteBeir = Callable[..., Path]


@pytest.fixture
def write_beir() -> WriteBeir:
    """`write_beir(folder, corpus, queries, judgments, split="test", packed=False)`."""

    def write(
        folder: Path,
        corpus: Rows,
        queries: Rows,
        judgments: Iterable[tuple[str, str, int]],
        split: str = "test",
        packed: bool = False,
    ) -> Path:
        (folder / "qrels").mkdir(parents=True, exist_ok=True)
        for name, rows in (("corpus", corpus), ("queries", queries)):
            content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
            file = folder / f"{name}.jsonl{'.gz' if packed else ''}"
            file.write_bytes(gzip.compress(content) if packed else content)
        lines = ["query-id\tcorpus-id\tscore", *("\t".join(map(str, judgment)) for judgment in judgments)]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    return write


class SeenTasks(Quiet):
    """What each task announced (`total`), how far it came (`done`), and how often it said so (`steps`)."""

    def __init__(self) -> None:
        self.total: dict[str, int | None] = {}
        self.done: dict[str, int] = {}
        self.steps: dict[str, int] = {}

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Any]:
        self.total[description], self.done[description], self.steps[description] = total, 0, 0

        def advance(count: int = 1, note: str = "") -> None:
            self.done[description] += count
            self.steps[description] += count > 0

        yield advance

    def check(self, outer: str) -> None:
        """Every task but `outer`, which holds the others, knows the time left and comes to its end."""
        inner = {name: total for name, total in self.total.items() if name != outer}
        assert inner
        assert {name: self.done[name] for name in inner} == inner


@pytest.fixture
def seen() -> SeenTasks:
    """A progress that notes what it is told."""
    return SeenTasks()
