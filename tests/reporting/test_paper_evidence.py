"""The paper's own numbers, asked as sweeps are: what is printed by language, and what follows from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridret.analyse import main
from hybridret.reporting.paper import paper_results
from hybridret.reporting.paper_evidence import PaperEvidence


def test_averages_over_languages_are_the_printed_ones_but_for_the_known_slip() -> None:
    evidence, printed = PaperEvidence(), paper_results()
    macro = printed[(printed["query_language"] == "macro") & (printed["metric"] == "map")]
    compared, slips = 0, []
    for row in macro.to_dict("records"):
        found = evidence.values(row["dataset"]).get((row["setting"], "map", 0))
        label = "hybrid α=0.5" if row["batching"] == "hybrid" else row["batching"]
        name = f"{label}, {row['backbone']}"
        if found is None or name not in found.runs:
            continue
        compared += 1
        value = found.macro[found.runs.index(name)]
        if abs(value - row["value"]) > 0.0011:
            slips.append((row["table"], name, row["setting"], round(value, 4)))
    assert compared > 20
    # Table 5's printed mean is .8167, and its rows give another one.
    assert {one[1:] for one in slips} == {("hybrid α=0.5, labse", "monolingual", 0.8184)}


def test_units_are_languages() -> None:
    found = PaperEvidence().values("xquad_r")[("cross-lingual", "map", 0)]
    assert len(found.questions) == 11
    assert found.cells == (("all", "all"),)
    assert not np.isnan(found.values).any()


def test_the_command_answers_without_any_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--paper", "--permutations", "3000"]) == 0
    out = capsys.readouterr().out
    assert "units of every test and interval are languages" in out.replace("\n", " ")
    assert "11 languages)" in out
    assert "questions)" not in out
    frame = pd.read_csv(tmp_path / "multirun" / "paper" / "analysis" / "significance_comparisons.csv")
    row = frame.query(
        "dataset == 'xquad_r' and metric == 'map' and setting == 'monolingual' "
        "and a == 'mono, labse' and b == 'hybrid α=0.5, labse'"
    ).iloc[0]
    values = PaperEvidence().values("xquad_r")[("monolingual", "map", 0)]
    a, b = (values.values[values.runs.index(name), :, 0] for name in (row["a"], row["b"]))
    exact = stats.permutation_test((a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf)
    assert row["p"] == pytest.approx(exact.pvalue, abs=1e-9)
    claims = pd.read_csv(tmp_path / "multirun" / "paper" / "analysis" / "claims.csv")
    assert {"supported", "refuted", "undecided"} <= set(claims["ruling"])


@pytest.mark.parametrize("options", [["--paper", "--qrels", "x"], ["sweep", "--paper"], ["--paper", "--texts"]])
def test_options_that_do_not_fit(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
