"""A search that cannot be made ends before anything is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from hybridret.base.errors import UserError
from hybridret.sweep.optuna_sweeper import OptunaSweeper

CONFIG = """
defaults: [_self_, {override hydra/sweeper: optuna}]
seed: 1
output: out
sweep: s
x: 0.5
y: 0.0
kind: a
training: {validate_retrieval: 10, validation_batches: 10}
"""


def search(folder: Path, arguments: list[str]) -> None:
    """As Hydra would start it, without a launcher: nothing gets so far."""
    with initialize_config_dir(str(folder), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        config: Any = hydra.config_loader.load_configuration("config", arguments, RunMode.MULTIRUN)
        keys = {str(key): value for key, value in config.hydra.sweeper.items() if key != "_target_"}
        sweeper = OptunaSweeper(**keys)
        sweeper.config, sweeper.launcher = config, object()  # type: ignore[assignment]
        sweeper.hydra_context = type("Context", (), {"config_loader": hydra.config_loader})()  # type: ignore[assignment]
        sweeper.sweep(list(config.hydra.overrides.task))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x=0.1,0.2", "hydra.sweeper.per=commas"], "has nothing to search. x is gridded"),
        ([], "has nothing to search. Give a key several values"),
        (["x=tag(log,interval(0,1))"], "on a logarithmic scale bounds must be above 0"),
        (["x=interval(1,0.5)"], "the first bound must be below the second"),
        (["x=tag(linear,interval(0,1))"], "the tag 'linear' is not known"),
        (["x=interval(0,1)", "hydra.sweeper.per=[x]"], "an interval has no list of them"),
        (["x=interval(0,1)", "hydra.sweeper.per=[kind]"], "names kind, but the command gives it no value"),
        (["x=interval(0,1)", "sweep=a,b"], "a search has one folder"),
        (["z=interval(0,1)"], "z"),
        (["kind=tag(around,interval(0.1,10))"], "which is a and no positive number"),
        (["x=interval(0,1)", "y=interval(0,1)", "hydra.sweeper.sampler=grid"], "x and y are intervals"),
        (["x=interval(0,1)", "hydra.sweeper.sampler=tpa"], "Did you mean 'tpe'?"),
        (["x=interval(0,1)", "hydra.sweeper.objectives=[cross_mr]"], "Did you mean 'cross_mrr'?"),
        (["x=interval(0,1)", "hydra.sweeper.objectives=[d/multilingual/mapp]"], "Did you mean 'map'?"),
        (["x=interval(0,1)", "hydra.sweeper.objectives=[loss,mono,cross]"], "give one name or two different ones"),
        (["x=interval(0,1)", "hydra.sweeper.directions=[up]"], "'up' is neither min nor max"),
        (["x=interval(0,1)", "hydra.sweeper.prune=map"], "hydra.sweeper.prune=map: no validation measures that"),
        (
            ["x=interval(0,1)", "hydra.sweeper.objectives=[cross_mrr]", "training.validate_retrieval=0"],
            "Add training.validate_retrieval=200",
        ),
        (["x=interval(0,1)", "hydra.sweeper.n_trials=0"], "a search needs at least one trial"),
    ],
)
def test_a_wrong_search_is_one_paragraph_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as raised:
        search(tmp_path, arguments)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
