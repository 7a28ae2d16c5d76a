"""Examples in docstrings as code: Markdown takes `>>> ` for three quotations."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"(?m)^( *)>>> (?:.*\n?)(?:^\1\S.*\n?)*")


class Doctests(griffe.Extension):
    """Puts every example and what it prints into a fence."""

    def on_instance(self, *, obj: griffe.Object | griffe.Alias, **_: Any) -> None:
        """Change the docstring of each module, class and function."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """`text` with a fence around each block that begins with `>>> `, up to an empty line."""
    return EXAMPLE.sub(lambda found: f"{found[1]}```pycon\n{found[0].rstrip()}\n{found[1]}```\n", text)
