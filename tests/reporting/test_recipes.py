"""Configurations that were trained by recipes of their own are compared, and the page says in what they differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from hybridret.reporting.collect import collect
from hybridret.reporting.page import Shown, render_page
from hybridret.reporting.recipe_remarks import recipe_difference

DATASET = "d"
Add = Callable[..., None]


@pytest.fixture
def add(fabricate: ModuleType, tmp_path: Path) -> Add:
    def one(strategy: str, seed: int, rate: float, **options: object) -> None:
        options = {"datasets": {DATASET: ("de", "en")}, "config": {"optim": {"lr": rate}}} | options
        fabricate.run(tmp_path, strategy, seed, **options)

    return one


def test_a_rate_of_each_strategy_is_a_note_and_no_configuration(add: Add, tmp_path: Path) -> None:
    for strategy, rate in (("mono", 1e-4), ("cross", 2e-4), ("x_x", 1e-4)):
        add(strategy, 1, rate)
        add(strategy, 2, rate)
    sweep = collect(tmp_path)
    assert sweep.extra == ()
    assert recipe_difference(sweep, DATASET) == "optim.lr: 0.0001 (mono, x_x), 0.0002 (cross)"
    assert "optim.lr: 0.0001 (mono, x_x), 0.0002 (cross)" in render_page([Shown(sweep, {}, {DATASET: {}})])
    assert recipe_difference(sweep, "another") == ""


def test_a_rate_that_names_a_configuration_is_no_note(add: Add, tmp_path: Path) -> None:
    add("mono", 1, 1e-4)
    add("mono", 2, 2e-4)
    add("cross", 1, 1e-4)
    sweep = collect(tmp_path)
    assert sweep.extra == ("optim.lr",)
    assert recipe_difference(sweep, DATASET) == ""


def test_equal_recipes_have_no_note(add: Add, tmp_path: Path) -> None:
    add("mono", 1, 1e-4)
    add("cross", 1, 1e-4)
    add("none", 1, 3e-4, trained=False, backbone="minilm")  # not a training
    assert recipe_difference(collect(tmp_path), DATASET) == ""
