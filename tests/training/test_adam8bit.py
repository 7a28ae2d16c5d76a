"""8-bit Adam: trains like AdamW, keeps a quarter of its memory, goes on exactly, and refuses what means nothing."""

from __future__ import annotations

import math
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from hybridret.base.errors import UserError
from hybridret.training.adam8bit import Adam8bit
from hybridret.training.optimisation import check_optimizer

USUAL: dict[str, Any] = {"lr": 0.01, "weight_decay": 0.01, "betas": [0.9, 0.999], "eps": 1e-8}


def problem() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    inputs = torch.randn(256, 64, generator=random)
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(64, 128), nn.GELU(), nn.Linear(128, 64))
    return model, inputs, torch.tanh(inputs @ torch.randn(64, 64, generator=random) / 8)


def trained(make: Any, steps: int = 60) -> list[float]:
    model, inputs, targets = problem()
    groups = [{"params": [p for p in model.parameters() if p.ndim == 2]}]
    groups.append({"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0, "lr": 0.02})
    optimizer = make(groups)
    schedule = LambdaLR(optimizer, lambda step: 1 - step / steps)
    losses = []
    for _ in range(steps):
        loss = nn.functional.mse_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def test_it_trains_like_adamw() -> None:
    eight = trained(partial(Adam8bit, **USUAL))
    plain = trained(partial(torch.optim.AdamW, **USUAL))
    assert plain[-1] < 0.1 * plain[0]
    assert eight == pytest.approx(plain, rel=0.05)
    assert eight != plain


def test_large_moments_have_eight_bits() -> None:
    large, small = (nn.Parameter(torch.ones(shape)) for shape in ((1024, 256), (63, 64)))
    optimizer = Adam8bit([large, small], **USUAL)
    for parameter in (large, small):
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()

    def size(parameter: nn.Parameter) -> int:
        moments = [optimizer.state[parameter][name] for name in ("exp_avg", "exp_avg_sq")]
        parts = [getattr(one, part, None) for one in moments for part in ("codes", "scale", "qmap")]
        held = [part for part in parts if part is not None] or moments
        return sum(part.nbytes for part in held)

    assert size(small) == 8 * small.numel()  # below 4,096 elements: fp32
    assert 2 * large.numel() < size(large) < 2.05 * large.numel()


def test_rates_of_groups_follow_the_schedule_and_weights_decay_in_the_first_alone() -> None:
    one, two = (nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    groups = [{"params": [one]}, {"params": [two], "weight_decay": 0.0, "lr": 0.5}]
    optimizer = Adam8bit(groups, **(USUAL | {"weight_decay": 0.1}))
    schedule = LambdaLR(optimizer, lambda step: 1 / (1 + step))
    for parameter in (one, two):
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert float(one.detach()[0, 0]) == pytest.approx(1 - 0.1 * 0.01)
    assert float(two.detach()[0, 0]) == 1.0
    schedule.step()
    assert [float(group["lr"]) for group in optimizer.param_groups] == pytest.approx([0.005, 0.25])


def test_states_are_read_without_unpickling_and_go_on_exactly(tmp_path: Path) -> None:
    def step(model: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
        random = torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=random)
        optimizer.step()

    model, *_ = problem()
    optimizer = Adam8bit(model.parameters(), **USUAL)
    step(model, optimizer, 1)
    torch.save([model.state_dict(), optimizer.state_dict()], tmp_path / "state")
    step(model, optimizer, 2)
    again, *_ = problem()
    other = Adam8bit(again.parameters(), **USUAL)
    weights, state = torch.load(tmp_path / "state", weights_only=True)
    again.load_state_dict(weights)
    other.load_state_dict(state)
    step(again, other, 2)
    for left, right in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(left, right)
        for name in ("exp_avg", "exp_avg_sq"):
            ours, theirs = (one.state[at][name] for one, at in ((optimizer, left), (other, right)))
            assert type(ours) is type(theirs)
            assert all(torch.equal(getattr(ours, p, ours), getattr(theirs, p, theirs)) for p in ("codes", "scale"))


def test_nothing_is_compiled_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiled(*_: object, **__: object) -> None:
        raise AssertionError("compiled")

    monkeypatch.setattr("torch._dynamo.convert_frame.convert_frame", compiled)
    parameter = nn.Parameter(torch.ones(64, 64))
    parameter.grad = torch.ones(64, 64)
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    Adam8bit([parameter], **USUAL).step()
    assert not torch._dynamo.utils.counters["frames"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lr": -1.0}, "lr=-1\\.0 must be at least 0"),
        ({"lr": math.inf}, r"lr=inf must be .*finite in single precision"),
        ({"weight_decay": -3.0}, "weight_decay=-3\\.0 must be at least 0"),
        ({"betas": [0.9]}, "betas=\\[0\\.9\\] must have exactly 2 values"),
        ({"betas": [0.9, 1.0]}, "betas=\\[0\\.9, 1\\.0\\]: 1\\.0 must be .*below 1"),
        ({"eps": -1.0}, "eps=-1\\.0 must be at least 0"),
    ],
)
def test_values_that_it_refuses_are_known_before(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=rf"^optim.*{message}"):
        check_optimizer(partial(Adam8bit, **(USUAL | wrong)))
    check_optimizer(partial(Adam8bit, **USUAL))


def test_a_missing_torchao_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.optim", None)
    monkeypatch.delitem(sys.modules, "hybridret.training.adam8bit")
    with pytest.raises(UserError, match="optim=adam8bit needs the package torchao"):
        __import__("hybridret.training.adam8bit")
