"""Lines of text files, plain or gzipped, with their numbers for error messages."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from hybridret.base.errors import UserError
from hybridret.base.files import NOT_JSON, json_fault

BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)  # what a truncated or damaged archive raises
LONGEST = 1 << 26  # bytes of a line: 64 MiB, a long book with all its hard negatives
Advance = Callable[[int], object]
TOGETHER = 1 << 20  # bytes of lines between two calls of a progress: some rows have thirty passages
MARK = b"\xef\xbb\xbf"  # the byte order mark that some editors write


def no_progress(count: int) -> None:
    """For readers whose caller shows none."""


def open_bytes(file: Path) -> IO[bytes]:
    """Open a file for reading; a file whose name ends in .gz is unpacked."""
    return gzip.open(file, "rb") if file.name.endswith(".gz") else open(file, "rb")  # type: ignore[return-value]


def bounded_lines(stream: IO[bytes], file: Path) -> Iterator[bytes]:
    """The lines of an open file. Raises UserError for a line that is too long for memory: gzip can pack gigabytes of
    one letter into megabytes."""
    line = 0
    while raw := stream.readline(LONGEST + 1):
        line += 1
        if len(raw) > LONGEST:
            raise UserError(too_long(file, line))
        yield raw


def line_blocks(stream: IO[bytes], file: Path, size: int) -> Iterator[tuple[bytes, int]]:
    """Blocks of `size` bytes of an open file, each extended to the end of its last line, without a byte order mark, and
    how many lines come before each. Raises UserError for a line that is too long."""
    before = 0
    while block := stream.read(size):
        rest = stream.readline(LONGEST + 1)
        if len(rest) > LONGEST:
            raise UserError(too_long(file, before + block.count(b"\n") + 1))
        block += rest
        yield block if before else block.removeprefix(MARK), before
        before += block.count(b"\n")


@contextmanager
def broken_archives(file: Path) -> Iterator[None]:
    """Turns what a truncated or damaged archive raises, while `file` is read in blocks, into a UserError that names the
    line where it breaks."""
    try:
        yield
    except BROKEN as error:
        for _ in numbered_lines(file):  # raises where it breaks
            pass
        raise UserError(f"{file}: the gzip archive is broken ({error}). Fetch the file again.") from error


def too_long(file: Path, line: int) -> str:
    """The error message about a line of more than `LONGEST` bytes."""
    return (
        f"{file}, line {line}: longer than {LONGEST >> 20} MiB, so it holds no row. Check that the file is one of "
        f"lines, and fetch it again."
    )


def numbered_lines(file: Path, advance: Callable[[int], object] | None = None) -> Iterator[tuple[int, bytes]]:
    """Number (from 1) and bytes of every line that is not blank, without a byte order mark.

    `advance` gets the bytes of the file that were read since its last call; of an archive, those on the disk.

    Raises UserError naming file and line when the archive is truncated, the file cannot be read or a line has no end.
    """
    line = passed = unreported = 0
    try:
        with open_bytes(file) as stream:
            for line, raw in enumerate(bounded_lines(stream, file), start=1):
                if line == 1:
                    raw = raw.removeprefix(MARK)
                if raw.strip():
                    yield line, raw
                unreported += len(raw)
                if advance is not None and unreported >= TOGETHER:
                    passed, unreported = report_bytes(stream, passed, advance), 0
            if advance is not None:
                report_bytes(stream, passed, advance)
    except BROKEN as error:
        raise UserError(
            f"{file}, after line {line}: the gzip archive is truncated or broken ({error}). Fetch the file again."
        ) from error
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error}).") from error


def report_bytes(stream: IO[bytes], passed: int, advance: Callable[[int], object]) -> int:
    """The bytes on the disk that were read so far; those behind `passed` go to `advance`."""
    reached = int((getattr(stream, "fileobj", None) or stream).tell())  # GzipFile.fileobj is the archive
    advance(reached - passed)
    return reached


def decoded(raw: bytes, where: str) -> str:
    """The text of a line without its line break. Raises UserError if it is not UTF-8."""
    try:
        return raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{where}: not UTF-8 (byte {error.start + 1} of the line). If the whole file has another encoding, "
            f"convert it (iconv -f ENCODING -t UTF-8); else mend the line, or fetch the file again."
        ) from error


def json_object(raw: bytes, where: str) -> dict[str, Any]:
    """The object in a line of JSON Lines. Raises UserError if it is not an object."""
    text = decoded(raw, where)
    try:
        row = json.loads(text)
    except NOT_JSON as error:
        raise UserError(f"{where}: broken JSON ({json_fault(error)}).") from error
    if not isinstance(row, dict):
        raise UserError(f"{where}: a row must be a JSON object, not {type(row).__name__}.")
    return row
