"""Write the printed plans of docs/planning.md: each command that stands there is run, and what it prints put below it.

    python docs/make_planning.py        # rewrites the marked parts of docs/planning.md

Needs no GPU, no hub and no data; about a minute.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "planning.md"
PRINTED = re.compile(r"<!-- printed by: (.+?) -->\n.*?<!-- end -->", re.DOTALL)


def printed(command: str) -> str:
    """What `command`, `python -m hybridret.plan ...`, prints."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "hybridret.plan"], command
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, *words[1:]],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=PAGE.parent.parent,
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines())


def section(match: re.Match[str]) -> str:
    return f"<!-- printed by: {match[1]} -->\n\n    {match[1]}\n\n```\n{printed(match[1])}\n```\n\n<!-- end -->"


def main() -> int:
    PAGE.write_text(PRINTED.sub(section, PAGE.read_text("utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
