"""Files that are whole or absent: atomic writes, JSON, content hashes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hybridret.base.errors import CannotWrite, UserError

NOT_JSON = (ValueError, RecursionError)  # what json.loads raises; ValueError also for a number of thousands of digits
_UMASK = threading.Lock()  # a umask is read by setting it: two threads at once would leave the wrong one


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to `path` when the block ends without an error.

    A reader sees the old file or the new one, never half of one. Raises CannotWrite when the folder cannot be written
    or the disk is full.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o666 & ~umask())  # mkstemp makes 0600: colleagues on a cluster must be able to read
        os.replace(temporary, path)
    except OSError as error:
        raise CannotWrite(
            f"Cannot write {path}: {error.strerror or error}. Free some space or choose another folder "
            f"(output=FOLDER; report and analyse: --output FOLDER), then run the same command again; finished work is "
            f"kept."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def folder_beside(folder: Path, *errors: type[Exception]) -> Iterator[Path]:
    """Yield a new folder beside `folder`, for the block to fill and move there; removed if it was not moved.

    Raises UserError where the block ends with an OSError or one of `errors`.
    """
    failures: tuple[type[Exception], ...] = (OSError, *errors)
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.new-"))
        yield temporary
    except failures as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"Cannot write {folder}: {reason}. Free some space or choose another folder.") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def umask() -> int:
    """The umask of this process: `0o666 & ~umask()` is what a new file gets."""
    with _UMASK:
        mask = os.umask(0o077)
        os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_writable(folder: Path) -> None:
    """Raise UserError where `folder`, or the folder that it would stand in, is a file or may not be written, so that
    it is known before the work and not after it. It creates nothing."""
    folder = Path(folder)
    there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "there may be no new files" if there.is_dir() else "it is no folder"
        raise UserError(f"Cannot write in {there}: {why}. Choose another folder with --output FOLDER.")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically. NaN is an error: JSON has no NaN, and a metric must not be NaN."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON. Raises UserError naming the file and the line when it is broken."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Cannot read {path}: {error}.") from error
    except NOT_JSON as error:
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UserError(f"{path}{line}: not valid JSON ({json_fault(error)}).") from error


def json_fault(error: BaseException) -> str:
    """Why a text is not JSON; `error` is one of `NOT_JSON`, raised by `json.loads`."""
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "nested too deeply" if isinstance(error, RecursionError) else "a number with too many digits"


def hash_json(value: Any, length: int = 16) -> str:
    """A hash of a JSON value that does not depend on the order of its keys: `length` hex digits of SHA-256."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def hash_file(path: Path, length: int = 16) -> str:
    """`length` hex digits of the SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:length]


def file_crc32(path: Path) -> int:
    """The CRC-32 of a file's bytes: some gigabytes a second, and it finds every flipped bit."""
    found = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            found = zlib.crc32(block, found)
    return found


def set_aside(folder: Path) -> None:
    """Remove a folder that is damaged, in one step; processes that have its files open keep them."""
    if folder.exists():
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        with suppress(FileNotFoundError):  # another process was faster
            folder.rename(aside / folder.name)
        shutil.rmtree(aside, ignore_errors=True)


def file_name(name: str) -> str:
    """`name` as a part of a file name: unsafe characters become `_`, and a hash then keeps different names apart.

    >>> file_name("xquad_r"), file_name("org/name")
    ('xquad_r', 'org_name-c2762257')
    """
    plain = re.sub(r"[^\w.+@-]", "_", name).lstrip(".")
    return plain if plain == name else f"{plain}-{hash_json(name, 8)}"


def cache_folder() -> Path:
    """The folder for rebuildable files: `$HYBRIDRET_CACHE`, else `hybridret` in the user's cache folder (XDG)."""
    if folder := os.environ.get("HYBRIDRET_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybridret"
