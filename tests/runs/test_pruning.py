"""The rule by which a trial gives up is that of Optuna's MedianPruner, known before the training begins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import optuna
import pytest

from hybridret.base.errors import UserError
from hybridret.runs.pruning import FILE, PruningRule, curve, median_rule, read_rule, write_rule

STEPS = (10, 20, 30)


@pytest.fixture
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("lower", [False, True])
def test_verdicts_are_those_of_the_median_pruner(lower: bool) -> None:
    rng = np.random.default_rng(1)
    judged: list[bool] = []
    for _ in range(40):
        earlier = [
            [(step, float(round(rng.normal(), 1))) for step in STEPS[: rng.integers(1, 4)]]
            for _ in range(rng.integers(1, 7))
        ]
        own = [(step, float(round(rng.normal(), 1))) for step in STEPS]
        warmup = int(rng.choice([0, 15]))
        rule = median_rule("q", lower, earlier, warmup)
        rows = [{"step": step, "split": "validation", "q": value} for step, value in own]
        for count in (1, 2, 3):
            judged.append(rule.verdict(rows[:count], 10**9) is not None)
            expected = any(_pruner_says(earlier, own[:n], lower, warmup) for n in range(1, count + 1))
            assert judged[-1] == expected
    assert 20 < sum(judged) < 100


def _pruner_says(
    earlier: list[list[tuple[int, float]]], own: list[tuple[int, float]], lower: bool, warmup: int
) -> bool:
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=warmup)
    study = optuna.create_study(direction="minimize" if lower else "maximize", pruner=pruner)
    for one in earlier:
        trial = study.ask()
        for step, value in one:
            trial.report(value, step)
        study.tell(trial, 0.0)
    trial = study.ask()
    for step, value in own:
        trial.report(value, step)
    return trial.should_prune()


def test_the_last_step_is_never_pruned_and_other_rows_do_not_count() -> None:
    rule = PruningRule("q", False, {1: 0.5, 2: 0.5}, 3)
    train = {"step": 1, "split": "train", "q": 0.0}
    missing = {"step": 1, "split": "validation", "q": None}
    low = {"step": 2, "split": "validation", "q": 0.1}
    assert rule.verdict([train, missing], 2) is None
    assert rule.verdict([low], 2) is None
    assert (rule.verdict([low], 3) or "").startswith("pruned at step 2: q 0.1 is below 0.5, the median of 3")
    assert curve([train, missing, low], "q") == [(2, 0.1)]


def test_a_rule_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_rule(tmp_path) is None
    rule = PruningRule("cross_mrr", False, {100: 0.25, 200: 1 / 3}, 5)
    write_rule(tmp_path, rule)
    assert read_rule(tmp_path) == rule
    text = (tmp_path / FILE).read_text()
    for damaged in (text.replace("0.25", "0.35"), text[:20], "[]", json.dumps({"bounds": [1]})):
        (tmp_path / FILE).write_text(damaged)
        with pytest.raises(UserError, match=r"pruning\.json"):
            read_rule(tmp_path)
