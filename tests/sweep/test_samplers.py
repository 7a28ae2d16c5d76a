"""Draws follow from seed, number and history; spaces are read as Hydra writes them."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from hybridret.base.errors import UserError
from hybridret.sweep.searching.samplers import SAMPLERS, distributions, sampler
from hybridret.sweep.searching.search_space import Dimension, search_space

FREE = (Dimension("lr", low=1e-5, high=1e-3, log=True), Dimension("k", low=1, high=9, step=2, integer=True),
        Dimension("c", ("mono", "cross")))  # fmt: skip


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def study_of(name: str, seed: int, directions: int) -> optuna.Study:
    draws, _ = sampler(name, seed, FREE, 200)
    return optuna.create_study(directions=["maximize", "minimize"][:directions], sampler=draws)


def grow(study: optuna.Study, trials: int) -> list[dict[str, Any]]:
    for _ in range(trials):
        trial = study.ask(distributions(FREE))
        values = [trial.params["lr"] * trial.params["k"], float(trial.params["k"])][: len(study.directions)]
        if trial.number % 7 == 3:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, values)
    return [one.params for one in study.trials]


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_made_anew_draws_the_same(name: str, directions: int) -> None:
    whole = grow(study_of(name, 5, directions), 24)
    halves = study_of(name, 5, directions)
    grow(halves, 13)
    halves.sampler = sampler(name, 5, FREE, 200)[0]  # another process
    assert grow(halves, 11) == whole
    assert all(1e-5 <= one["lr"] <= 1e-3 and float(f"{one['lr']:.4g}") == one["lr"] for one in whole)
    if name != "grid":
        assert len({one["lr"] for one in whole}) > 12
        assert grow(study_of(name, 6, directions), 24) != whole


def test_a_grid_divides_its_interval_evenly() -> None:
    one = (Dimension("lr", low=1e-4, high=1e-2, log=True), Dimension("c", ("a", "b")))
    draws, trials = sampler("grid", 1, one, 7)
    study = optuna.create_study(sampler=draws)
    params = [study.ask(distributions(one)).params for _ in range(trials)]
    assert [tuple(each.values()) for each in params] == [(lr, c) for lr in (1e-4, 1e-3, 1e-2) for c in ("a", "b")]
    with pytest.raises(UserError, match="needs at least 4 trials"):
        sampler("grid", 1, one, 3)


def spaces(*overrides: str, per: str | tuple[str, ...] = ()) -> Any:
    return search_space(OverridesParser.create().parse_overrides(list(overrides)), per)


def test_overrides_are_searched_gridded_or_fixed() -> None:
    lines = (
        "a=interval(0,1)",
        "b=tag(log,int(interval(1,64)))",
        "c=range(16,129,step=16)",
        "+d='x y',z",
        "e=[1,2]",
        "~f",
    )
    space = spaces(*lines)
    assert space.fixed == ("e=[1,2]", "~f")
    assert space.searched == (
        Dimension("a", low=0, high=1),
        Dimension("b", low=1, high=64, step=1, log=True, integer=True),
        Dimension("c", low=16, high=128, step=16, integer=True),
        Dimension("+d", ("'x y'", "z")),
    )
    assert list(space.combinations()) == [{}]
    space = spaces("a=interval(0,1)", "m=x,y", "s=1,2", "c=choice(u,v)", per="commas")
    assert [one.key for one in space.searched] == ["a", "c"]
    assert list(space.combinations()) == [{"m": m, "s": s} for m in "xy" for s in "12"]
    assert list(spaces("a=interval(0,1)", "m=x", per=("m",)).combinations()) == [{"m": "x"}]


def test_bounds_may_be_factors_of_the_default() -> None:
    (one,) = spaces("lr=tag(log,around,interval(0.1,10))").searched
    near = one.near(3e-4)
    assert (near.low, near.high, near.log, near.around) == (3e-5, 3e-3, True, False)
    for default in (None, "x", True, 0.0):
        with pytest.raises(UserError, match="no positive number"):
            one.near(default)
