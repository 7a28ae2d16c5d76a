"""The examples run as they stand; of the notebook the code cells, one after another in one folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def python(folder: Path, *words: str) -> str:
    """What a python process prints that must end well."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HYBRIDRET_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_train_evaluate_and_encode(tmp_path: Path) -> None:
    trained = python(tmp_path, str(EXAMPLES / "train.py"), "model")
    assert trained.startswith("60 steps, best validation loss ")
    assert "realised alpha: 0." in trained
    best = "model/checkpoints/best"
    lines = python(tmp_path, str(EXAMPLES / "evaluate.py"), best).splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["cldr/monolingual", "cldr/cross-lingual", "cldr/multilingual"]
    scores = [float(line.split()[0]) for line in python(tmp_path, str(EXAMPLES / "encode.py"), best).splitlines()]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3


def test_the_notebook(tmp_path: Path) -> None:
    notebook = json.loads((EXAMPLES / "notebook.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in notebook["cells"] if cell["cell_type"] == "code")
    (tmp_path / "notebook.py").write_text("\n\n".join([*cells, "assert (queries @ passages.T).shape == (1, 2)"]))
    printed = python(tmp_path, "notebook.py")
    assert "Report: multirun/notebook/report/report.html" in printed
    assert (tmp_path / "multirun" / "notebook" / "report" / "report.html").is_file()


def test_from_two_runs_to_a_statement_and_a_figure(tmp_path: Path) -> None:
    notebook = json.loads((EXAMPLES / "trade_off.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) == 10
    assert all(cell["outputs"] == [] for cell in code)
    (tmp_path / "notebook.py").write_text("\n\n".join("".join(cell["source"]) for cell in code))
    printed = python(tmp_path, "notebook.py")
    number = r"[+-]\d\.\d{3}"
    statement = rf"mono - hybrid α=0\.5 = {number} \[{number}, {number}\] mAP, \d+ questions, corrected p = "
    assert re.search(statement, printed), printed
    folder = tmp_path / "multirun" / "trade_off"
    assert (folder / "trade_off.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "significance.csv").read_text("utf-8").count("\n") == 3


def test_every_example_is_named_in_the_docs() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in EXAMPLES.iterdir() if path.is_file()} == {
        name
        for name in ("train.py", "encode.py", "evaluate.py", "notebook.ipynb", "trade_off.ipynb")
        if f"examples/{name}" in page
    }
