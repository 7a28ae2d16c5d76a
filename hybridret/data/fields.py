"""Fields of rows: one rule for numbers in all readers, and a warning about fields that are not read."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.data.lines import json_object, numbered_lines

PROBED = 100  # rows of a file whose field names are collected
MEANT = {"lang": "language", "language": "lang", "id": "_id", "docid": "_id", "contents": "text", "passage": "text"}
NUMBERS = "numbers read as text"  # title of the note with their number

_log = logging.getLogger(__name__)


def is_number(value: object) -> bool:
    """Whether `value` is a whole number. As a text field it becomes text, since ids are often written as numbers."""
    return isinstance(value, int) and not isinstance(value, bool)


def field_text(value: object, name: str, where: str) -> str:
    """The text of a field; whole numbers become text. Raises UserError for any other type."""
    if is_number(value):
        return str(value)
    if not isinstance(value, str):
        raise UserError(f"{where}: {name!r} must be text, not {type(value).__name__}.")
    return value


def without(name: str, row: dict[str, Any], where: str) -> str:
    """The error message about a row without a required field."""
    if name in row:
        return f"{where}: {name!r} is null."
    likely = next((other for other in row if MEANT.get(other) == name), None)
    hint = f" Is {likely!r} meant?" if likely else ""
    return f"{where}: no {name!r}; it has {', '.join(map(repr, row)) or 'no field'}.{hint}"


def unread(names: Iterable[str], known: Sequence[str]) -> dict[str, str]:
    """The names that are not `known` fields, each with the most similar known field, "" if none is similar.

    >>> unread(["_id", "lang", "colour"], ["_id", "text", "language"])
    {'lang': 'language', 'colour': ''}
    """
    found = {}
    for name in dict.fromkeys(names):
        if name in known:
            continue
        near = [MEANT[name]] if MEANT.get(name) in known else difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        found[name] = near[0] if near else ""
    return found


def warn_unread(found: dict[str, str], where: str) -> dict[str, str]:
    """Warn once about fields that are not read, and return a note about them; {} if there are none."""
    if not found:
        return {}
    names = ", ".join(f"{name!r} (did you mean {near!r}?)" if near else repr(name) for name, near in found.items())
    _log.warning("%s: fields that are not read: %s.", where, names)
    return {"fields not read": names}


def probed_fields(file: Path) -> list[str]:
    """The fields of the first rows of a file of JSON lines or of parquet. Errors are ignored: the reader finds them."""
    names: dict[str, None] = {}
    if file.name.endswith(".parquet"):
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import read_schema

        try:
            return list(read_schema(file).names)
        except (ArrowInvalid, OSError):
            return []
    try:
        for _, raw in islice(numbered_lines(file), PROBED):
            names |= dict.fromkeys(json_object(raw, ""))
    except UserError:
        pass
    return list(names)
