"""The elements of one long list in a JSON file, one after the other: a file of gigabytes takes no memory."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import NOT_JSON, json_fault
from hybridret.data.lines import BROKEN, Advance, decoded, no_progress, numbered_lines, open_bytes, report_bytes

BLOCK = 1 << 18  # bytes that are parsed at a time
TOGETHER = 1 << 6  # records between two calls of a progress
AGAIN = "Fetch the file again."


def json_records(file: Path, advance: Advance = no_progress) -> Iterator[Any]:
    """The elements of the list that the file, plain or .gz, consists of. `advance` gets the bytes of the file that were
    read.

    Raises UserError naming the file and the last whole element for what is no JSON, no list, not UTF-8, or cut short.
    """
    import ijson

    count = passed = 0
    try:
        with open_bytes(file) as stream:
            first = stream.read(1)
            if first != b"[":
                what = "it is empty" if not first else "it does not begin with ["
                raise UserError(f"{file}: expected one list in JSON, but {what}. Fetch the file again.")
            stream.seek(0)
            for value in ijson.items(stream, "item", use_float=True, buf_size=BLOCK):
                yield value
                count += 1
                if count % TOGETHER == 0:
                    passed = report_bytes(stream, passed, advance)
            report_bytes(stream, passed, advance)
    except (*BROKEN, zlib.error) as error:
        raise UserError(
            f"{file}, after record {count}: the archive is cut short or broken ({error}). {AGAIN}"
        ) from error
    except (ijson.JSONError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{file}, after record {count}: no JSON in UTF-8, or cut short ({reason}). {AGAIN}") from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error}).") from error


def line_values(file: Path, advance: Advance = no_progress) -> Iterator[tuple[int, Any]]:
    """Number (from 1) and value of every line that is not blank. `advance` gets bytes. Raises UserError naming file and
    line.
    """
    for line, raw in numbered_lines(file, advance):
        text = decoded(raw, f"{file}, line {line}")
        try:
            yield line, json.loads(text)
        except NOT_JSON as error:
            raise UserError(f"{file}, line {line}: broken JSON ({json_fault(error)}).") from error
