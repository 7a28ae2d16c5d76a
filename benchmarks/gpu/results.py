"""`docs/results/gpu/CARD/`: `gpu_check.json`, `gpu_check.csv`, and a page, written whole after each case."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpu.case import Row

VERSION = 1
NAME = "gpu_check"


def kept(folder: Path, device: str) -> list[Row]:
    """Rows of earlier calls on the same kind of card; none where there is no readable file of this version."""
    try:
        held = json.loads((folder / f"{NAME}.json").read_text(encoding="utf-8"))
        if held["version"] != VERSION or held["machine"]["device"] != device:
            return []
        return [dict(row) for row in held["cases"] if "case" in row]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def measured_before(rows: Sequence[Row], identity: dict[str, Any]) -> list[str]:
    """Names of the cases that were measured with the same code, card and versions; failed ones are tried again."""
    return [row["case"] for row in rows if "failed" not in row and row.get("identity") == identity]


def identity_of(machine: dict[str, Any], sources: str | None) -> dict[str, Any]:
    """What a result depends on."""
    return {"sources": sources, **{name: machine.get(name) for name in ("device", "torch", "transformers", "cuda")}}


def with_row(rows: Sequence[Row], row: Row) -> list[Row]:
    """`rows` with `row` in the position of the one with its name, or behind all."""
    if all(one["case"] != row["case"] for one in rows):
        return [*rows, row]
    return [row if one["case"] == row["case"] else one for one in rows]


def write(folder: Path, content: dict[str, Any], page: str) -> None:
    """Each file whole or as it was before. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    whole(folder / f"{NAME}.json", json.dumps({"version": VERSION, **content}, indent=1) + "\n")
    whole(folder / f"{NAME}.csv", as_csv(content["cases"]))
    whole(folder / "README.md", page)


def as_csv(rows: Sequence[Row]) -> str:
    """A row a case, a column for each value; what is a list or a mapping is JSON."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({key: json.dumps(one) if isinstance(one, list | dict) else one for key, one in row.items()})
    return text.getvalue()


def whole(path: Path, text: str) -> None:
    """Write a file beside `path` and move it there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
