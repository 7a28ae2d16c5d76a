"""Foreign text in printed and written output: names of data sets, notes, reasons of failures, passages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

_ACTIVE = re.compile(r"([\\|`\[\]])")
_FORMULA = ("=", "+", "-", "@")
# Kept although not printable; the two joiners at the end are no letters, but Persian, Hindi and others need them.
_SPACES = frozenset("\n\t\u00a0\u2009\u202f\u3000\u200c\u200d")


def printable(text: str) -> str:
    r"""`text` in one line, without control characters: a terminal obeys them, and some reverse the order of the text.

    >>> printable("a\n\x1b[2Jb")
    'a [2Jb'
    """
    return visible("".join(" " if letter.isspace() else letter for letter in text))


def visible(text: str) -> str:
    """`text` without control characters; lines and spaces stay."""
    return "".join(letter for letter in text if letter.isprintable() or letter in _SPACES)


def escape_markdown(text: str) -> str:
    r"""`text` shown literally, in one line: no HTML, no link, no code, no heading, no further column of a table.

    >>> escape_markdown("a|b <script>")
    'a\\|b &lt;script&gt;'
    """
    escaped = _ACTIVE.sub(r"\\\1", escape(printable(" ".join(text.split())), quote=False))
    return f"\\{escaped}" if escaped.startswith("#") else escaped


def inline_code(text: str) -> str:
    """`text` as code inside a line of Markdown, with the spaces at its ends, in a fence longer than any in `text`."""
    shown = printable(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def code_block(language: str, lines: Iterable[str]) -> str:
    """A block of code of one line for each of `lines`."""
    shown = "\n".join(printable(line) for line in lines)
    fence = "`" * max(3, *(len(run) + 1 for run in ["", *re.findall("`+", shown)]))
    return f"{fence}{language}\n{shown}\n{fence}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown. Cells are Markdown themselves: `escape_markdown` those of foreign text before."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def spreadsheet(value: Any) -> Any:
    """A cell of a CSV file: text that a spreadsheet would compute as a formula gets an apostrophe before it.

    >>> spreadsheet("=1+1"), spreadsheet("hybrid"), spreadsheet(-0.5)
    ("'=1+1", 'hybrid', -0.5)
    """
    if not isinstance(value, str):
        return value
    shown = visible(value)
    return f"'{shown}" if len(shown) > 1 and shown.lstrip().startswith(_FORMULA) else shown
