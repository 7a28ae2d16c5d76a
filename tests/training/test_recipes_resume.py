"""N + N steps equal 2N steps bit by bit, for every recipe that runs on a CPU (docs/pitfalls.md#resume)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from training_helpers import LANGUAGES, WORDS, Run, equal, run, stop_after, tokenization, trainer_settings

from hybridret.encoders.adapters.lora import LoRA
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder
from hybridret.encoders.layers import recompute_layers
from hybridret.encoders.transformer import Transformer
from hybridret.training.adam8bit import Adam8bit
from hybridret.training.checkpoints import best_path
from hybridret.training.optimisation import MakeOptimizer

pytestmark = pytest.mark.slow

STATE = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")
CHUNKS: dict[str, Any] = {"chunk_size": 3, "recompute": True}


def lora(encoder: DualEncoder, frozen: str = "fp32", rank: int = 4) -> None:
    LoRA(rank=rank, alpha=2.0 * rank, dropout=0.2, targets=None, frozen=frozen).apply(encoder.body, seed=1)


def layers(encoder: DualEncoder) -> None:
    recompute_layers(encoder.body)


def both(encoder: DualEncoder) -> None:
    lora(encoder, rank=64)  # 4,096 weights and more: moments of 8 bits
    layers(encoder)


@dataclass(frozen=True)
class Recipe:
    """How a training differs from the plain one."""

    prepare: Callable[[DualEncoder], None] = lambda encoder: None
    optimizer: MakeOptimizer | None = None
    precision: str = "32-true"
    settings: dict[str, Any] = field(default_factory=dict)


EIGHT = partial(Adam8bit, lr=0.01, weight_decay=0.01, betas=[0.9, 0.999], eps=1e-8)
RECIPES = {
    "plain": Recipe(),
    "chunks": Recipe(settings=CHUNKS),
    "layers": Recipe(layers),
    "layers in chunks": Recipe(layers, settings=CHUNKS),
    "sgd": Recipe(optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9)),
    "adam8bit": Recipe(optimizer=EIGHT),
    "bf16": Recipe(precision="bf16-mixed"),
    "fp64": Recipe(precision="64-true"),
    "lora": Recipe(lora),
    "lora, frozen in bf16": Recipe(partial(lora, frozen="bf16"), precision="bf16-mixed"),
    "lora, adam8bit, layers in chunks": Recipe(both, EIGHT, settings=CHUNKS),
}


def model(recipe: Recipe, seed: int = 0) -> DualEncoder:
    """Wide enough for moments of 8 bits, which start at 4,096 weights."""
    torch.manual_seed(seed)
    body = Transformer(2 + WORDS * len(LANGUAGES), width=64, layers=2, heads=2, positions=16, dropout=0.1)
    made = DualEncoder(body, "mean", tokenization())
    recipe.prepare(made)
    return made


def trained(folder: Path, recipe: Recipe, encoder: DualEncoder | None = None, **changes: Any) -> Run:
    return run(
        folder,
        model=encoder or model(recipe),
        make_optimizer=recipe.optimizer,
        trainer=trainer_settings(precision=recipe.precision),
        steps=6,
        validate_every=3,
        **recipe.settings,
        **changes,
    )


Whole = tuple[Run, DualEncoder]


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Whole]:
    """Runs that nothing stopped, and their encoders after the last step."""
    encoders = {name: model(recipe) for name, recipe in RECIPES.items()}
    return {
        name: (trained(tmp_path_factory.mktemp("whole"), RECIPES[name], encoder), encoder)
        for name, encoder in encoders.items()
    }


@pytest.mark.parametrize("name", RECIPES)
def test_interrupted_runs_go_on_exactly(name: str, wholes: dict[str, Whole], tmp_path: Path) -> None:
    recipe, (whole, encoder) = RECIPES[name], wholes[name]
    rows: list[dict[str, Any]] = []
    stopped = trained(tmp_path, recipe, rows=rows, should_stop=stop_after(3))
    assert (stopped.result.stopped, stopped.result.steps) == ("interrupted", 3)
    torch.rand(7)
    other = model(recipe)
    resumed = trained(tmp_path, recipe, other, rows=rows)
    assert equal(encoder.state_dict(), other.state_dict())
    for key in STATE:
        assert equal(whole.last[key], resumed.last[key]), key
    best = [load_encoder(best_path(one.folder)).state_dict() for one in (whole, resumed)]
    assert equal(*best)
    assert whole.curve() == resumed.curve()


def test_recipes_are_what_they_say(wholes: dict[str, Whole]) -> None:
    weights = {name: encoder.state_dict() for name, (_, encoder) in wholes.items()}
    assert equal(weights["plain"], weights["layers"])  # dropout included
    assert equal(weights["chunks"], weights["layers in chunks"])
    different = [name for name in RECIPES if "layers" not in name]
    for one, two in combinations(different, 2):
        assert not equal(weights[one], weights[two]), (one, two)
    for name, (whole, _) in wholes.items():
        remembered = whole.last["optimizer_states"][0]["state"].values()
        kinds = {type(value).__name__ for state in remembered for value in state.values()}
        assert ("OptimState8bit" in kinds) is ("adam8bit" in name), name


def test_lora_trains_its_own_weights_alone(wholes: dict[str, Whole]) -> None:
    for name in (name for name in RECIPES if "lora" in name):
        whole, encoder = wholes[name]
        fresh = model(RECIPES[name]).state_dict()
        for key, tensor in encoder.state_dict().items():
            assert torch.equal(tensor, fresh[key]) is not ("lora_" in key), key
        best = load_encoder(best_path(whole.folder))
        assert best.state_dict().keys() == model(RECIPES["plain"]).state_dict().keys()
