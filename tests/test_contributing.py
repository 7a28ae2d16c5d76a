"""CONTRIBUTING.md, followed word for word: its files in a copy of the project, one of each kind, trained with and
evaluated with; then the tests that find plug-ins by themselves, which must find these."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = re.compile(r"^`([\w./]+)`\n\n```(?:python|yaml)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
#: What finds plug-ins without being given their names, and the part of it that is about the new ones.
FINDERS = {
    "tests/batching/test_strategy_contract.py": "alternating",
    "tests/encoders/test_backbone_contract.py": "token_mlp",
    "tests/metrics/test_registry.py": "",
    "tests/commands/test_one_owner.py": "",
    "tests/reporting/test_charts.py": "gap",
}

pytestmark = pytest.mark.slow


def examples() -> dict[str, str]:
    """Path -> content of every file that the page shows."""
    return dict(EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the files of the page."""
    copy = tmp_path_factory.mktemp("contributing")
    for name in ("hybridret", "conf", "hydra_plugins", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy / name)
    for path, content in examples().items():
        assert not (copy / path).exists()
        (copy / path).write_text(content, encoding="utf-8")
    return copy


def run(project: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_page_shows_one_of_each() -> None:
    rooms = {str(Path(path).parent) for path in examples()}
    assert rooms == {
        "hybridret/metrics",
        "hybridret/losses",
        "hybridret/batching",
        "hybridret/encoders",
        "hybridret/data/benchmarks",
        "hybridret/reporting/answers",
        "hybridret/reporting/charts",
        "conf/loss",
        "conf/batching",
        "conf/backbone",
        "conf/eval",
    }


def test_what_the_page_adds_trains_and_is_measured(project: Path) -> None:
    lines = [f"Who wrote book {number}?\tBook {number} is by author {number}." for number in range(12)]
    (project / "lines.tsv").write_text("\n".join(lines), encoding="utf-8")
    run(
        project,
        "hybridret.run",
        *("batching=alternating", "loss=margin", "loss.margin=0.3", "backbone=token_mlp", "eval=[heldout,lines]"),
        *("eval.lines.path=lines.tsv", "sweep=added", "data.languages=[en,de]", "training.steps=6"),
        *("training.batch_size=16", "training.validate_every=3", "training.validation_batches=2", "trainer=cpu"),
    )
    (folder,) = (project / "multirun" / "added").iterdir()
    assert "batching-alternating" in folder.name
    metrics = pd.read_csv(folder / "metrics.csv", keep_default_na=False)
    assert set(metrics[metrics["metric"] == "precision"]["dataset"]) == {"cldr", "cldr_unseen", "lines"}
    of_lines = metrics[(metrics["dataset"] == "lines") & (metrics["cutoff"] == "10")].set_index("metric")["value"]
    assert of_lines["precision"].mean() == pytest.approx(of_lines["recall"].mean() / 10)  # one passage each
    run(project, "hybridret.report", "multirun/added")
    report = project / "multirun" / "added" / "report"
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "Shorter bars: languages are crossed more easily." in page
    assert "The hardest language of alternating on cldr is" in page
    lowest = pd.read_csv(report / "analysis" / "hardest.csv").set_index("dataset")["value"]
    own = metrics[(metrics["setting"] == "monolingual") & (metrics["metric"] == "map")]
    own = own[(own["dataset"] == "cldr") & (own["query_language"] != "macro")]
    assert lowest["cldr"] == pytest.approx(own["value"].min())
    assert (report / "figures" / "gap_cldr.png").is_file()
    assert not (report / "figures" / "gap_lines.png").exists()  # in one language
    run(project, "hybridret.evaluate", f"checkpoint={folder}", "eval=[lines]", "eval.lines.path=lines.tsv")


@pytest.mark.parametrize("file", FINDERS)
def test_the_tests_find_what_the_page_adds(project: Path, file: str) -> None:
    chosen = ["-k", FINDERS[file]] if FINDERS[file] else []
    done = run(project, "pytest", "-q", "-p", "no:cacheprovider", file, *chosen)
    assert re.search(r"[1-9][0-9]* passed", done)
