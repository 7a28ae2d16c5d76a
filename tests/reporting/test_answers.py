"""Evidence from the files of a sweep; answers as files that are found, written and shown."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from hybridret.analyse import main
from hybridret.report import report
from hybridret.reporting import answers
from hybridret.reporting.answers.registry import find_answers, known_answers
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.select import MACRO

ADDED = """
import pandas as pd
from hybridret.reporting.answers.answer import Answer, Finding, Findings

def find(evidence):
    if "xquad_r" not in evidence.datasets:
        return None
    text = "<b>Runs</b> are counted: there are %d." % len(evidence.runs)
    frame = pd.DataFrame({"run": ["=1+1"], "value": [0.5]})
    return Findings(sentences=[Finding(text=text, decided=True, importance=1.0, runs=1)], frames={"counted": frame})

ANSWER = Answer(name="counted", position=1, title="How many", about="Counts runs.", find=find)
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a file beside the answers; it is gone after the test."""
    folder = tmp_path / "more"
    folder.mkdir()
    monkeypatch.setattr(answers, "__path__", [*answers.__path__, str(folder)])

    def write(text: str) -> None:
        (folder / "counted_runs.py").write_text(text, encoding="utf-8")

    yield write
    sys.modules.pop("hybridret.reporting.answers.counted_runs", None)


def test_averages_of_questions_are_those_of_the_tables(questioned: Path) -> None:
    evidence = Evidence([collect(questioned)])
    for dataset in evidence.datasets:
        rows = evidence.metrics[evidence.metrics["query_language"] == MACRO]
        table = rows.set_index(["dataset", "setting", "metric", "cutoff", "run"])["value"]
        for measure, found in evidence.values(dataset).items():
            for run, value in zip(found.runs, found.macro, strict=True):
                assert value == pytest.approx(table[(dataset, *measure, run)], rel=1e-9), measure
            assert found.left_out == 0
    assert not evidence.left_out


def test_an_added_evaluation_is_read_where_it_stands(questioned: Path) -> None:
    found = Evidence([collect(questioned)]).values("xquad_r")[("monolingual", "map", 0)]
    assert len(found.runs) == 3
    assert len(found.questions) == 40
    assert len(found.cells) == 11


def test_a_run_without_values_of_questions_is_named(questioned: Path, tmp_path: Path) -> None:
    sweep = shutil.copytree(questioned, tmp_path / "sweep")
    missing = sorted(sweep.glob("batching-mono*/queries.parquet"))[0]
    missing.unlink()
    evidence = Evidence([collect(sweep)])
    found = evidence.values("cldr_combinations")[("monolingual", "map", 0)]
    assert missing.parent.name not in found.runs
    assert list(evidence.left_out) == [missing.parent.name]
    assert str(missing) in evidence.left_out[missing.parent.name]


def test_two_sweeps_keep_their_names_apart(questioned: Path, tmp_path: Path) -> None:
    other = shutil.copytree(questioned, tmp_path / "other")
    evidence = Evidence([collect(questioned), collect(other)])
    found = evidence.values("xquad_r")[("monolingual", "map", 0)]
    assert len(found.runs) == 6
    assert {name.split(": ")[0] for name in found.runs} == {"questioned", "other"}
    assert set(evidence.runs["sweep"]) == {"questioned", "other"}


@pytest.mark.slow
def test_an_answer_is_a_file(
    added: Callable[[str], None], questioned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added(ADDED)
    assert "counted" in [one.name for one in known_answers()]
    page = report(questioned, tmp_path / "report").read_text("utf-8")
    assert "&lt;b&gt;Runs&lt;/b&gt; are counted" in page
    assert "<b>Runs" not in page
    assert page.index('id="answers"') < page.index('id="data-1"') < page.index('id="answer-counted"')
    capsys.readouterr()
    assert main([str(questioned), "--only", "counted", "--output", str(tmp_path / "out")]) == 0
    assert "are counted: there are" in capsys.readouterr().out
    assert pd.read_csv(tmp_path / "out" / "counted.csv")["run"].tolist() == ["'=1+1"]
    assert pd.read_csv(tmp_path / "out" / "findings.csv")["answer"].tolist() == ["counted"]


def test_an_answer_with_nothing_to_ask_is_left_out(added: Callable[[str], None], questioned: Path) -> None:
    added(ADDED)
    sweep = collect(questioned).only(["cldr_combinations"])
    assert "counted" not in [answer.name for answer in find_answers(Evidence([sweep]))]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "significanse"], "there is no such answer"),
        (["--permutations", "10"], "fewer than 100 draws"),
        (["--dataset", "xquad"], "was evaluated on 'xquad'"),
    ],
)
def test_wrong_options_are_one_paragraph(
    options: list[str], message: str, questioned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(questioned), *options]) == 2
    assert message in (error := capsys.readouterr().err)
    assert len(error.strip().splitlines()) == 1
