"""The README's Python example runs as it stands."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def test_the_python_example_runs() -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    standing_alone = [example for example in examples if "multirun/" not in example]
    assert standing_alone
    for example in standing_alone:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(example, str(README), "exec"), {})
        assert re.fullmatch(r"(mono|cross) 32\n", said.getvalue())


def test_relative_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_no_page_and_no_config_holds_an_unresolved_merge() -> None:
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "conf").rglob("*.yaml")]
    assert len(files) > 50
    marked = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)
    assert [str(file.relative_to(ROOT)) for file in files if marked.search(file.read_text(encoding="utf-8"))] == []
