"""The scripts of a page: the vendored charting library, then our own files as one function.

The page carries a content security policy that names the hashes of exactly these scripts, so a browser runs nothing
else, whatever the data hold, and fetches nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
LIBRARY = ("d3.min.js", "plot.umd.min.js")  # Observable Plot, and D3, which it is built on
# In the order in which they need each other; `start` alone does something.
OWN = ("page", "state", "values", "tables", "download", "filters", "theme", "frame", "charts", "start")


@cache
def scripts() -> tuple[str, ...]:
    """The texts of the page's script elements, in their order."""
    library = [(_HERE / "assets" / name).read_text(encoding="utf-8") for name in LIBRARY]
    own = "\n".join((_HERE / "script" / f"{name}.js").read_text(encoding="utf-8") for name in OWN)
    return (*library, f'(() => {{\n"use strict";\n{own}}})();\n')


@cache
def policy() -> str:
    """The content security policy: these scripts and no other, styles of the page, pictures made by it, no network."""
    hashes = [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts()]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
