"""Shared by the tests of readers: folders in BEIR's layout."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

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
