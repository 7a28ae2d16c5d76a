"""The README's Python example that needs a trained run, with one in its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

README = Path(__file__).resolve().parents[2] / "README.md"


def test_a_run_is_a_model_for_mteb(whole: Path) -> None:
    pytest.importorskip("mteb")
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    (example,) = [one for one in examples if "multirun/SWEEP/RUN" in one]
    names: dict[str, Any] = {}
    exec(compile(example.replace("multirun/SWEEP/RUN", str(whole).replace("'", r"\'")), str(README), "exec"), names)
    assert names["model"].mteb_model_meta.name == "hybridret/RUN"
