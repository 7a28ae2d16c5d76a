"""`history.jsonl`, the training curve: JSON lines, each with a CRC-32 at its end; a kill may have cut the last one.

    {"step": 10, "split": "train", "loss": 2.31, ..., "crc32": "9ae0daaf"}

The CRC-32 is of the row as written, without this last entry. Rows of earlier versions have none and are read without a
check, up to the first row that has one.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import NOT_JSON, atomic_path, json_fault

_SEALED = re.compile(rb'(.+), "crc32": "([0-9a-f]{8})"\}', re.DOTALL)
_NAME = re.compile(rb'crc32|, "[^"]{5}": "[^"]{8}"\}$')  # a flipped bit may be in the name or next to it
_WHOLE = re.compile(rb'"crc32": "[0-9a-f]{8}"\}.')  # a complete row whose line break is damaged
_HOW = "Copy the file again, or delete it: the run goes on without the curve so far."


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Append one row; the system has it when this returns. Raises UserError when it cannot be written."""
    plain = json.dumps(dict(row), ensure_ascii=False, allow_nan=False).encode()
    try:
        with open(path, "ab") as file:
            file.write(plain[:-1] + b', "crc32": "%08x"}\n' % zlib.crc32(plain))
    except OSError as error:
        raise UserError(
            f"Cannot write {path}: {error.strerror or error}. Free some space, then run the same command again: it "
            f"goes on from the last checkpoint."
        ) from error


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All rows without a last line that a kill cut short, [] where there is no file.

    Raises UserError naming the line that is damaged, is no JSON object, or whose step is no number.
    """
    return [row for _, row in _numbered(path)]


def keep_rows(path: Path, step: int) -> int:
    """Drop the rows after `step` and a line cut short; return how many stay. Raises UserError as `read_rows`."""
    if not path.is_file():
        return 0
    kept = [line for line, row in _numbered(path) if row["step"] <= step]
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"".join(kept))
    return len(kept)


def _numbered(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    if not path.is_file():
        return
    try:
        lines = _lines(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error}).") from error
    sealed = False
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n") and not _WHOLE.search(line):
            return  # cut short by a kill
        where = f"{path}, line {number}"
        found = _SEALED.fullmatch(line.removesuffix(b"\n"))
        if found is None and (sealed or _NAME.search(line.rstrip(b"\n"))):
            raise _damaged(where)
        if found is not None and zlib.crc32(found[1] + b"}") != int(found[2], 16):
            raise _damaged(where)
        sealed = found is not None
        yield line, _row(line, where)


def _lines(raw: bytes) -> list[bytes]:
    """Lines with their line breaks; only b"\\n" ends a line."""
    *whole, rest = raw.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: not UTF-8 (byte {error.start + 1} of the line).") from error
    except NOT_JSON as error:
        raise UserError(f"{where}: not valid JSON ({json_fault(error)}). {_HOW}") from error
    if not isinstance(row, dict) or type(row.get("step")) is not int:
        raise UserError(f"{where}: not a row of a training curve, which has a whole number as 'step'. {_HOW}")
    row.pop("crc32", None)
    return row


def _damaged(where: str) -> UserError:
    return UserError(f"{where}: damaged or changed, its CRC-32 is another. {_HOW}")
