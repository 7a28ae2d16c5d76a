"""The answer on searches reads search.csv and no storage."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hybridret.reporting.answers.answer import Findings
from hybridret.reporting.answers.files import write_answers
from hybridret.reporting.answers.search import ANSWER
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence
from hybridret.runs.search_table import FILE, read_search, write_search

HEAD = {"search": 1, "reason": "", "front": False, "run": "r", "command": "python -m hybridret.run"}


def found_in(fabricate: ModuleType, folder: Path, trials: list[dict[str, object]]) -> Findings | None:
    fabricate.run(folder, "mono", 1)
    write_search(folder, pd.DataFrame([{**HEAD, "trial": i, **one} for i, one in enumerate(trials)]))
    return ANSWER.find(Evidence([collect(folder)], resamples=10))


def test_the_front_of_two_objectives(fabricate: ModuleType, tmp_path: Path) -> None:
    values = [(0.1, 0.9, True), (0.2, 0.7, True), (0.1, 0.8, False)]
    trials: list[dict[str, object]] = [
        {"state": "complete", "front": front, "params_optim.lr": 10.0**-i, "values_mono_mrr": a, "values_cross_mrr": b}
        for i, (a, b, front) in enumerate(values)
    ]
    trials.append({"state": "pruned", "params_optim.lr": 0.5})
    found = found_in(fabricate, tmp_path / "s", trials)
    assert found is not None
    (sentence,) = found.sentences
    assert sentence.text == (
        "search: the front has 2 trials, mono_mrr 0.1 to 0.2 and cross_mrr 0.7 to 0.9 (4 trials: 3 complete, 1 pruned)."
    )
    assert not sentence.decided
    assert [[cell.value for cell in row[:3]] for row in found.tables[0].rows] == [["1.0", 0.1, 0.9], ["0.1", 0.2, 0.7]]
    write_answers({ANSWER: found}, tmp_path / "out")
    assert {path.suffix for path in (tmp_path / "out").rglob("search*")} >= {".csv", ".svg"}


def test_the_best_rate_of_each_combination(fabricate: ModuleType, tmp_path: Path) -> None:
    trials = [
        {"search": number, "state": "complete", "front": rate == best, "per_batching": strategy,
         "params_optim.lr": rate, "values_loss": abs(rate - best) + 1}
        for number, (strategy, best) in enumerate((("mono", 0.1), ("cross", 0.2)), 1)
        for rate in (0.1, 0.2)
    ]  # fmt: skip
    found = found_in(fabricate, tmp_path / "s", trials)
    assert found is not None
    assert [one.text for one in found.sentences] == [
        f"batching={strategy}: the best loss is 1, with optim.lr={best} (2 trials: 2 complete)."
        for strategy, best in (("mono", 0.1), ("cross", 0.2))
    ]
    assert [plot.alt[:36] for plot in found.plots] == ["loss against optim.lr of all complet"] * 2


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "search,trial,state,reason,front,run\n1,0,odd,,True,r\n", "\0"])
def test_a_damaged_table_is_a_remark(fabricate: ModuleType, tmp_path: Path, text: str) -> None:
    fabricate.run(tmp_path / "s", "mono", 1)
    assert read_search(tmp_path / "s") is None
    (tmp_path / "s" / FILE).write_text(text)
    found = ANSWER.find(Evidence([collect(tmp_path / "s")], resamples=10))
    assert found is not None
    assert FILE in found.remarks[0]
    assert not found.sentences
