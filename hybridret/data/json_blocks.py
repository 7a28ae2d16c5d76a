"""A JSON Lines file in blocks of whole lines: memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.data.lines import Advance, broken_archives, line_blocks, no_progress, open_bytes, report_bytes


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
    passed = 0
    with broken_archives(file), open_bytes(file) as stream:
        for text, before in line_blocks(stream, file, size):
            if not before and text.lstrip()[:1] == b"[":
                raise UserError(
                    f"{file}, line 1: it begins with a list, but expected is one JSON object in each line. "
                    f"Make such a file with: jq -c '.[]' {file.name} > NAME.jsonl"
                )
            yield JsonBlock(text, text.split(b"\n"), before)
            passed = report_bytes(stream, passed, advance)
