"""JSON and YAML files that hold their own checksum, verified at each read; other programs read them as usual.

A JSON object ends with the key `checksum`, the SHA-256 of all others. A text whose comments begin with `#`, such as
YAML, starts with a comment that holds the SHA-256 of the rest. A flipped bit is then refused. Files of earlier versions
have no checksum and are read without a check; delete the checksum after a manual change of a file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.files import NOT_JSON, hash_json, read_json, write_json, write_text

CHECKSUM = "checksum"
AGAIN = "make it again"
_MARK = b"SHA-256 of what follows"
_FIRST = re.compile(rb"# SHA-256 of what follows \(delete this line after a change by hand\): ([0-9a-f]{64})")


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with its checksum, atomically. Raises UserError when it cannot be written."""
    plain = json.loads(json.dumps(dict(content), ensure_ascii=False, allow_nan=False))
    plain.pop(CHECKSUM, None)
    write_json(path, {**plain, CHECKSUM: _hash(plain)})


def read_sealed(path: Path, what: str, instead: str = AGAIN) -> dict[str, Any]:
    """The object in `path` without its checksum; `what` describes it in messages, such as "the status of a run".

    Raises UserError where the file is damaged, is not valid JSON, or holds no object.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: not {what}, which is a JSON object. Copy it again, or delete it if you wrote it.")
    own = unsealed(content)
    if own is None:
        raise damaged(path, f"its {CHECKSUM}", instead)
    return own


def unsealed(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """`content` without its checksum; None where the checksum does not match. Without a checksum: unchanged."""
    own = {key: value for key, value in content.items() if key != CHECKSUM}
    try:
        if CHECKSUM in content:
            return own if content[CHECKSUM] == _hash(own) else None
        last = next(reversed(own), None)  # a flipped bit may be in the name of the checksum
        if last is None or own[last] != _hash({key: value for key, value in own.items() if key != last}):
            return own
    except NOT_JSON:  # nested too deeply: not written by this package
        pass
    return None


def damaged(path: Path, where: str, instead: str = AGAIN) -> UserError:
    """The error for a file whose checksum does not match; `where` names the checksum, `instead` what to do without a
    copy.
    """
    return UserError(
        f"{path} is damaged or was changed: it is not what {where} is of. Copy it again, or {instead}; if you changed "
        f"it on purpose, delete {where}."
    )


def write_sealed_text(path: Path, text: str) -> None:
    """Write a comment with the checksum, then `text`, atomically. Raises UserError when they cannot be written."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    write_text(path, f"# {_MARK.decode()} (delete this line after a change by hand): {digest}\n{text}")


def read_sealed_text(path: Path) -> str:
    """The text of `path`. Raises UserError where it is damaged, OSError or UnicodeDecodeError where unreadable."""
    raw = Path(path).read_bytes()
    first, _, rest = raw.partition(b"\n")
    digest = hashlib.sha256(rest).hexdigest().encode()
    found = _FIRST.fullmatch(first)
    # A flipped bit may be in the comment itself, or in the line break after it.
    if found[1] != digest if found else (_MARK in raw or digest in first):
        raise damaged(path, "the checksum in its first line")
    return raw.decode("utf-8")


def _hash(content: Mapping[str, Any]) -> str:
    return hash_json(dict(content), length=64)
