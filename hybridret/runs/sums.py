"""Checksums of the files of a finished run: a flipped bit of a number is an error, never another number.

`result.json`, written last, holds the SHA-256 of the files beside it and one of itself; runs of earlier versions have
none, and are read without a check. Rows of `history.jsonl`, which grows, have a CRC-32 each (`curve.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import hash_file

RESULT = "result.json"
VERSION = 1  # of result.json
SUMMED = ("config.yaml", "environment.json", "history.jsonl", "metrics.csv", "queries.parquet")
AGAIN = "delete it and run the same command again: what is trained is kept"
_LENGTH = 64  # hex digits


def write_result(path: Path, result: Mapping[str, Any]) -> None:
    """Write a `result.json` with `files`, the SHA-256 of each file of `SUMMED` beside it, and with its own checksum.

    Raises UserError when it cannot be written.
    """
    beside = {name: path.parent / name for name in SUMMED}
    files = {name: hash_file(file, _LENGTH) for name, file in beside.items() if file.is_file()}
    write_sealed(path, {**result, "files": files})


def read_result(path: Path) -> dict[str, Any]:
    """The content of a `result.json`. Raises UserError where it is broken, no JSON object, or was changed."""
    result = read_sealed(path, "the result of a run", AGAIN)
    if "files" in result and not isinstance(result["files"], dict):
        raise UserError(f"{path}: 'files' must be an object with a checksum for each file. Copy the file again.")
    return result


def check_sum(path: Path) -> None:
    """Raise UserError where the SHA-256 of `path` is not the one in the `result.json` beside it."""
    if not (path.parent / RESULT).is_file():
        return
    expected = (read_result(path.parent / RESULT).get("files") or {}).get(path.name)
    if expected is not None and path.is_file() and hash_file(path, _LENGTH) != expected:
        raise UserError(
            f"{path} is damaged or was changed: its SHA-256 is not that in {RESULT}. Copy the file again, or delete "
            f"{path.parent / RESULT} and run the same command again: what is trained is kept. (Data that moved is "
            f"found through a link at its old path; the config of a run must stay as it is.)"
        )
