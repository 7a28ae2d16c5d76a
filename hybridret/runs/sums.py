"""Checksums of the files of a finished run: a flipped bit of a number is an error, never another number.

`result.json`, written last, holds the SHA-256 of the files beside it and one of itself; runs of earlier versions have
none, and are read as they are. Rows of `history.jsonl`, which grows, have a CRC-32 each (`curve.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybridret.checksums import unsealed
from hybridret.errors import UserError
from hybridret.files import hash_file, hash_json, read_json

RESULT = "result.json"
SUMMED = ("config.yaml", "environment.json", "history.jsonl", "metrics.csv", "queries.parquet")
_LENGTH = 64  # hex digits


def with_sums(folder: Path, result: Mapping[str, Any]) -> dict[str, Any]:
    """`result` with `files`, the SHA-256 of those of `SUMMED` that are in `folder`, and `checksum`, its own."""
    own = {key: value for key, value in result.items() if key != "checksum"}
    own["files"] = {name: hash_file(folder / name, _LENGTH) for name in SUMMED if (folder / name).is_file()}
    return own | {"checksum": hash_json(own, _LENGTH)}


def read_sealed(path: Path) -> dict[str, Any]:
    """The content of a `result.json`. Raises UserError where it is broken, no JSON object, or not as it was written."""
    result = read_json(path)
    if not isinstance(result, dict):
        raise UserError(f"{path}: expected a JSON object with the summary of a run; it is not the result of a run.")
    own = unsealed(result)
    if own is None:
        raise UserError(
            f"{path} is damaged or was changed: its SHA-256 is not that which stands in it. Copy the file again, or "
            f"delete it and run the same command again: what is trained is kept."
        )
    if "files" in own and not isinstance(own["files"], dict):
        raise UserError(f"{path}: 'files' must be an object with a checksum for each file. Copy the file again.")
    return own


def check_sum(path: Path) -> None:
    """Raise UserError where `path` is not the file that the `result.json` beside it was written for."""
    if not (path.parent / RESULT).is_file():
        return
    expected = (read_sealed(path.parent / RESULT).get("files") or {}).get(path.name)
    if expected is not None and path.is_file() and hash_file(path, _LENGTH) != expected:
        raise UserError(
            f"{path} is damaged or was changed: its SHA-256 is not that in {RESULT}. Copy the file again, or delete "
            f"{path.parent / RESULT} and run the same command again: what is trained is kept. (Data that moved is "
            f"found through a link at its old place; the config of a run must stay as it is.)"
        )
