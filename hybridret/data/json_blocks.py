"""A JSON Lines file in blocks of whole lines: memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.data.lines import (
    BROKEN,
    LONGEST,
    MARK,
    Advance,
    no_progress,
    numbered_lines,
    open_bytes,
    report_bytes,
    too_long,
)


@dataclass(frozen=True)
class JsonBlock:
    """`text`: the bytes; `lines`: the same, divided, some blank; `before`: how many lines come before the first."""

    text: bytes
    lines: list[bytes]
    before: int

    def rows(self) -> list[int]:
        """The numbers of the lines that are not blank, from 1."""
        return [number for number, raw in enumerate(self.lines, self.before + 1) if raw.strip()]


def json_blocks(file: Path, size: int, advance: Advance = no_progress) -> Iterator[JsonBlock]:
    """Blocks of `size` bytes, each extended to the end of its last line. `advance` gets bytes.

    Raises UserError naming file and line for a line that is too long, a file that is one list, and an archive that is
    cut short.
    """
    before = passed = 0
    try:
        with open_bytes(file) as stream:
            while text := stream.read(size):
                rest = stream.readline(LONGEST + 1)
                if len(rest) > LONGEST:
                    raise UserError(too_long(file, before + text.count(b"\n") + 1))
                text += rest
                if not before:
                    text = text.removeprefix(MARK)
                    if text.lstrip()[:1] == b"[":
                        raise UserError(
                            f"{file}, line 1: it begins with a list, but expected is one JSON object in each line. "
                            f"Make such a file with: jq -c '.[]' {file.name} > NAME.jsonl"
                        )
                yield JsonBlock(text, text.split(b"\n"), before)
                before += text.count(b"\n")
                passed = report_bytes(stream, passed, advance)
    except BROKEN as error:
        for _ in numbered_lines(file):  # raises where it breaks, and names the line
            pass
        raise UserError(f"{file}: the gzip archive is broken ({error}). Fetch the file again.") from error
