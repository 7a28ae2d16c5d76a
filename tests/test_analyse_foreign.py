"""`hybridret.analyse --trec` and `--mteb`: results of other tools from files to macro averages and answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridret.analyse import main
from hybridret.analysis.foreign.questions import asker
from hybridret.analysis.foreign.trec_runs import trec_runs
from hybridret.base.errors import UserError
from hybridret.reporting import answers
from hybridret.reporting.foreign_evidence import ForeignEvidence
from hybridret.reporting.select import MACRO

QUERIES = [f"q{number}-{language}" for number in range(12) for language in ("de", "en")]
ANSWER = """
import pandas as pd
from hybridret.reporting.answers.answer import Answer, Finding, Findings

def find(evidence):
    rows = [(dataset, *measure, len(found.questions), len(found.runs))
            for dataset in evidence.datasets for measure, found in evidence.values(dataset).items()]
    text = "There are %d configurations." % evidence.runs["configuration"].nunique()
    return Findings(sentences=[Finding(text=text, decided=True, runs=len(evidence.runs))],
                    frames={"asked": pd.DataFrame(rows)}, remarks=list(evidence.left_out))

ANSWER = Answer(name="asked", position=1, title="Asked", about="Counts.", find=find)
"""


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "asked_foreign.py").write_text(ANSWER, encoding="utf-8")
    monkeypatch.setattr(answers, "__path__", [*answers.__path__, str(folder)])
    yield
    sys.modules.pop("hybridret.reporting.answers.asked_foreign", None)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two systems of two seeds each, and judgments of one passage a query."""
    rng = np.random.default_rng(1)
    (tmp_path / "dev.qrels").write_text("".join(f"{query} 0 d{i} 1\n" for i, query in enumerate(QUERIES)))
    for system, share in (("a", 0.4), ("b", 0.8)):
        for seed in (1, 2):
            lines = []
            for i, query in enumerate(QUERIES):
                first = i if rng.random() < share else (i + 1) % len(QUERIES)
                others = [n for n in range(len(QUERIES)) if n != first][:5]
                lines += [f"{query} Q0 d{d} 1 {1 / (p + 1)} {system}{seed}\n" for p, d in enumerate([first, *others])]
            (tmp_path / f"{system}-s{seed}.run").write_text("".join(lines))
    return tmp_path


def runs_in(folder: Path) -> list[str]:
    return [str(folder / f"{name}.run") for name in ("a-s1", "a-s2", "b-s1", "b-s2")]


@pytest.mark.usefixtures("answer")
def test_run_files_reach_the_answers(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--qrels", str(files / "dev.qrels"), "--question", "^(.*)-(..)$", "--seed=-s(.)$"]
    assert main(["--trec", *runs_in(files), *options, "--only", "asked", "--output", str(files / "out")]) == 0
    out = capsys.readouterr().out
    assert "There are 2 configurations." in out
    assert "dev, monolingual, mAP: a-s1 0." in out
    assert "(12 units)" in out
    frame = pd.read_csv(files / "out" / "foreign_values.csv")
    assert set(frame["units"]) == {12}
    assert set(frame["configuration"]) == {"a", "b"}
    assert (files / "out" / "findings.csv").is_file()


def test_one_file_holds_all_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As docs/analysis/foreign.md writes it; no answer asks for an option that these results refuse."""
    ids = [f"{number}-{asked}-{pool}" for number in range(12) for asked in ("de", "en") for pool in ("de", "en", "all")]
    (tmp_path / "dev.qrels").write_text("".join(f"{one} 0 d{one} 1\n" for one in ids))
    for name, found in (("a", "d"), ("b", "x")):
        lines = [f"{one} Q0 {found if one.startswith('1') else 'd'}{one} 1 1.0 t\n" for one in ids]
        (tmp_path / f"{name}.run").write_text("".join(lines))
    files = ["--trec", str(tmp_path / "a.run"), str(tmp_path / "b.run"), "--qrels", str(tmp_path / "dev.qrels")]
    few = ["--permutations=100", "--resamples=100", "--only=significance", "--only=pitfalls"]
    assert main([*files, *few, "--question", "^(.*)-(..)-(..|all)$"]) == 0
    out = capsys.readouterr().out
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        assert f"dev, {setting}, mAP: a 1.0000, b 0.7500 (12 units)" in out
    assert "results of other tools do not hold them" in out
    assert "--texts" not in out


def test_averages_of_questions_are_those_of_rows(files: Path) -> None:
    qrels = files / "dev.qrels"
    paths = [Path(one) for one in runs_in(files)]
    evidence = ForeignEvidence(trec_runs(paths, qrels, asker(pattern="^(.*)-(..)$"), seed="-s(.)$"))
    macro = evidence.metrics[evidence.metrics["query_language"] == MACRO].set_index(
        ["setting", "metric", "cutoff", "run"]
    )["value"]
    found = evidence.values("dev")
    assert set(found) == {("monolingual", metric, k) for metric, k in evidence.measures("dev")}
    for measure, own in found.items():
        assert own.seeds == ("1", "2", "1", "2")
        assert len(own.cells) == 2
        for run, value in zip(own.runs, own.macro, strict=True):
            assert value == pytest.approx(macro[(*measure, run)], rel=1e-12)
    assert found[("monolingual", "map", 0)].values.mean() == pytest.approx(
        found[("monolingual", "map", 0)].macro.mean()
    )


def test_runs_by_their_tags(files: Path) -> None:
    (first, *_) = trec_runs([files / "a-s1.run"], files / "dev.qrels", by_tag=True)
    assert first.run == "a1"
    both = files / "both.run"
    both.write_text((files / "a-s1.run").read_text() + "q0-de Q0 d23 9 0.001 other\n")
    with pytest.raises(UserError, match=r"both\.run has several tags \('a1', 'other'\)"):
        trec_runs([both], files / "dev.qrels", by_tag=True)


def test_remarks_say_what_does_not_meet(files: Path) -> None:
    short = files / "short.run"
    short.write_text("q0-de Q0 d0 1 1.0 x\nnew Q0 d0 1 1.0 x\n")
    evidence = ForeignEvidence(trec_runs([files / "a-s1.run", short], files / "dev.qrels"))
    assert evidence.remarks == [
        "The files hold different numbers of hits of a query (a-s1 6, short 1): a deeper one can only gain in mAP.",
        "short has no hit for 23 judged queries, which count as 0 (as in trec_eval -c).",
        "short answers 1 queries without a relevant passage in the judgments: left out.",
    ]


def mteb(folder: Path, name: str, value: float, dataset: str = "T") -> str:
    entries = [
        {"hf_subset": code, "languages": [code], "map_at_1": 0.0, "map_at_100": value + more, "ndcg_at_10": value}
        for code, more in (("deu-Latn", 0.0), ("eng-Latn", 0.25))
    ]
    path = folder / name / "T.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"task_name": dataset, "mteb_version": "2.0", "scores": {"test": entries}}))
    return str(path.parent)


def test_significance_of_run_files(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answer as it is for sweeps: questions are clusters of translations, files of several seeds one side."""
    options = ["--qrels", str(files / "dev.qrels"), "--question", "^(.*)-(..)$", "--seed=-s(.)$"]
    draws = ["--permutations", "200", "--resamples", "200", "--only", "significance"]
    assert main(["--trec", *runs_in(files), *options, *draws]) == 0
    found = pd.read_csv(files / "analysis" / "significance_comparisons.csv").set_index("metric")
    values = pd.read_csv(files / "analysis" / "foreign_values.csv")
    for metric, row in found.iterrows():
        means = values[values["metric"] == metric].groupby("configuration")["value"].mean()
        assert row["difference"] == pytest.approx(means[row["a"]] - means[row["b"]], rel=1e-9)
        assert (row["questions"], row["seeds_a"], row["seeds_b"]) == (12, 2, 2)
    assert "Which differences are real" in capsys.readouterr().out


@pytest.mark.usefixtures("answer")
def test_results_of_mteb_reach_the_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--mteb", mteb(tmp_path, "a", 0.25), mteb(tmp_path, "b", 0.5)]) == 0
    out = capsys.readouterr().out
    assert "T, monolingual, mAP@100: a 0.3750, b 0.6250 (2 units)." in out
    assert "units of every test and interval on them are languages, not questions" in out
    assert "There are 2 configurations." in out
    assert (tmp_path / "a" / "analysis" / "foreign_values.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name the folder of a sweep"),
        (["--trec", "A.run"], "--trec needs judgments"),
        (["sweep", "--qrels", "Q"], "--qrels does not go with these results"),
        (["sweep", "--paper"], "SWEEP does not go with these results"),
        (["sweep", "--by-tag"], "--by-tag does not go with these results"),
        (["sweep", "--trec", "A.run", "--qrels", "Q"], "not both at once"),
        (["--trec", "A.run", "--qrels", "dev.qrels"], "A.run: cannot be read"),
        (["--trec", "a-s1.run", "--qrels", "dev.qrels", "--setting", "mono"], "there is no such setting"),
        (["--trec", "a-s1.run", "--qrels", "dev.qrels", "--map", "m", "--question", "(.)"], "Give one of them"),
        (["--trec", "a-s1.run", "a-s1.run", "--qrels", "dev.qrels"], "Two runs are called 'a-s1'"),
        (["--trec", "a-s1.run", "--qrels", "dev.qrels", "--dataset", "dvv"], "--dataset dvv"),
        (["--mteb", "x.json", "--qrels", "Q"], "--qrels does not go with these results"),
        (["--mteb", "x.json", "--trec", "A.run"], "not both at once"),
        (["--mteb", "x.json"], "Cannot read x.json"),
    ],
)
def test_wrong_options_are_one_paragraph(
    arguments: list[str],
    message: str,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(files)
    assert main(arguments) == 2
    assert message in (error := capsys.readouterr().err)
    assert len(error.strip().splitlines()) == 1
