"""Files that check themselves when they are read, and stay plain JSON and YAML for everybody else.

A JSON object ends with the key `checksum`, the SHA-256 of all others; a text of comments with `#`, such as YAML, begins
with a comment that holds the SHA-256 of what follows. A flipped bit is then refused. Files of earlier versions have
neither and are read as they are; whoever changes a file by hand deletes its checksum.
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
    """The object that `path` holds, without its checksum; `what` it is, for messages, such as "the status of a run".

    Raises UserError where it is damaged, broken or no object.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: not {what}, which is a JSON object. Copy it again, or delete it if you wrote it.")
    own = unsealed(content)
    if own is None:
        raise damaged(path, f"its {CHECKSUM}", instead)
    return own


def unsealed(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """`content` without its checksum; None where that is of another content. What has none is taken as it is."""
    own = {key: value for key, value in content.items() if key != CHECKSUM}
    try:
        if CHECKSUM in content:
            return own if content[CHECKSUM] == _hash(own) else None
        last = next(reversed(own), None)  # one bit may have changed the very name of the checksum
        if last is None or own[last] != _hash({key: value for key, value in own.items() if key != last}):
            return own
    except NOT_JSON:  # nested too deeply to be ours
        pass
    return None


def damaged(path: Path, where: str, instead: str = AGAIN) -> UserError:
    """The error for a file whose checksum, which stands `where`, is of another content; `instead` of a copy do that."""
    return UserError(
        f"{path} is damaged or was changed: it is not what {where} is of. Copy it again, or {instead}; if you changed "
        f"it on purpose, delete {where}."
    )


def write_sealed_text(path: Path, text: str) -> None:
    """Write `text` behind a comment with its checksum, atomically. Raises UserError when it cannot be written."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    write_text(path, f"# {_MARK.decode()} (delete this line after a change by hand): {digest}\n{text}")


def read_sealed_text(path: Path) -> str:
    """The text of `path`. Raises UserError where it is damaged; OSError and UnicodeDecodeError as they come."""
    raw = Path(path).read_bytes()
    first, _, rest = raw.partition(b"\n")
    digest = hashlib.sha256(rest).hexdigest().encode()
    found = _FIRST.fullmatch(first)
    # One bit may have changed the remark itself, or the line break behind it.
    if found[1] != digest if found else (_MARK in raw or digest in first):
        raise damaged(path, "the checksum in its first line")
    return raw.decode("utf-8")


def _hash(content: Mapping[str, Any]) -> str:
    return hash_json(dict(content), length=64)
