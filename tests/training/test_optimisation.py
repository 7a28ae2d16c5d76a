from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from training_helpers import encoder

from hybridret.base.errors import UserError
from hybridret.base.ranges import check_ranges
from hybridret.base.settings import LearningRateSettings
from hybridret.training.optimisation import (
    check_optimizer,
    learning_rate_schedule,
    parameter_groups,
)


def rates(decay: str, warmup: float, steps: int = 10) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = learning_rate_schedule(optimizer, LearningRateSettings(warmup, decay, None), steps)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_linear() -> None:
    assert rates("linear", 0.2) == pytest.approx([0, 1, *[2 * left / 8 for left in range(8, 0, -1)]])


def test_cosine() -> None:
    assert rates("cosine", 0.2) == pytest.approx([0, 1, *[1 + math.cos(math.pi * done / 8) for done in range(8)]])


def test_constant() -> None:
    assert rates("constant", 0.4) == pytest.approx([0, 0.5, 1, 1.5, 2, 2, 2, 2, 2, 2])


@pytest.mark.parametrize("warmup", [0.0, 0.07, 1.0])
@pytest.mark.parametrize("decay", ["linear", "cosine", "constant"])
def test_schedules_are_those_of_transformers(decay: str, warmup: float) -> None:
    """Which is not imported for it: it would import peft, torchao and half of itself in every run."""
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    name = "constant_with_warmup" if decay == "constant" else decay
    theirs = get_scheduler(name, optimizer, num_warmup_steps=round(60 * warmup), num_training_steps=60)
    expected = []
    for _ in range(60):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert rates(decay, warmup, 60) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_no_warmup_starts_at_the_top() -> None:
    assert rates("constant", 0.0)[0] == 2.0


@pytest.mark.parametrize("embedding_lr", [None, 0.5])
def test_groups_hold_every_parameter_once(embedding_lr: float | None) -> None:
    model = encoder()
    optimizer = torch.optim.AdamW(parameter_groups(model, embedding_lr), lr=0.1, weight_decay=0.3)
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    seen = [named[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(seen) == sorted(named.values())
    for group in optimizer.param_groups:
        names = [named[id(parameter)] for parameter in group["params"]]
        assert group["weight_decay"] == (0.0 if all(p.ndim < 2 for p in group["params"]) else 0.3)
        tables = names == ["body.token_embedding.weight"]
        assert group["lr"] == (embedding_lr if tables else 0.1)
    assert len(optimizer.param_groups) == (2 if embedding_lr is None else 3)
    assert all(parameter.ndim >= 2 for parameter in optimizer.param_groups[0]["params"])


def test_frozen_parameters_are_left_out() -> None:
    model = encoder()
    model.body.token_embedding.weight.requires_grad_(False)
    assert len(parameter_groups(model, 0.5)) == 2


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("AdamW", {"lr": -1.0}, "Invalid learning rate: -1"),
        ("AdamW", {"weight_decay": -3.0}, "Invalid weight_decay value: -3"),
        ("AdamW", {"lr": math.inf}, r"lr=inf must be finite"),
        ("AdamW", {"weight_decay": 1.5e300}, r"weight_decay=1.5e.300 must be finite in single precision"),
        ("AdamW", {"betas": 3}, "subscriptable"),
        ("AdamW", {"fused": True, "foreach": True}, "cannot be `True` together"),
        ("LBFGS", {}, "per-parameter"),
        ("lr_scheduler.StepLR", {"step_size": 1}, "optim"),
    ],
)
def test_an_optimizer_that_refuses_its_values_is_known_before(name: str, values: dict[str, Any], message: str) -> None:
    module, _, name = name.rpartition(".")
    found = getattr(getattr(torch.optim, module) if module else torch.optim, name)
    with pytest.raises(UserError, match=rf"^optim.*{message}"):
        check_optimizer(partial(found, **values))


def test_what_is_no_optimizer_is_named() -> None:
    with pytest.raises(UserError, match=r"optim\._target_ is not an optimizer"):
        check_optimizer(lambda groups: groups)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("name", ["AdamW", "SGD", "Adafactor", "NAdam"])
def test_good_optimizers_pass(name: str) -> None:
    check_optimizer(partial(getattr(torch.optim, name), lr=0.1))


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf, 1.5e300])
def test_a_rate_of_embeddings_that_is_none_is_named(rate: float) -> None:
    with pytest.raises(UserError, match=r"schedule\.embedding_lr="):
        check_ranges(LearningRateSettings(0.1, "linear", rate), "schedule")
