"""Text of somebody else inside Markdown: names of data sets and notes come with the files of a run."""

from __future__ import annotations

import re
from html import escape

_ACTIVE = re.compile(r"([|`\[\]])")


def escape_markdown(text: str) -> str:
    r"""`text` as it is, in one line: no HTML, no link, no code, no further column of a table.

    >>> escape_markdown("a|b <script>")
    'a\\|b &lt;script&gt;'
    """
    printable = "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
    return _ACTIVE.sub(r"\\\1", escape(printable, quote=False))
