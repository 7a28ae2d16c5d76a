"""The Python examples of README and docs that need a trained run, with one in its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def names_of(page: str, run: Path) -> dict[str, Any]:
    """What the one example of a page that opens a run leaves behind."""
    examples = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    (example,) = [one for one in examples if "multirun/SWEEP/RUN" in one]
    names: dict[str, Any] = {}
    exec(compile(example.replace("multirun/SWEEP/RUN", str(run).replace("'", r"\'")), page, "exec"), names)
    return names


def test_a_run_is_a_model_for_mteb(whole: Path) -> None:
    pytest.importorskip("mteb")
    assert names_of("docs/own_data.md", whole)["model"].mteb_model_meta.name == "hybridret/RUN"


def test_a_run_encodes(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = names_of("README.md", whole)
    assert (names["queries"] @ names["passages"].T).shape == (2, 1)
    assert capsys.readouterr().out.startswith("[[")
