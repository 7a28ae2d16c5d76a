"""training.ema: the average of the weights is validated and kept, and the training does not notice it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ranks import together, train_ranks
from torch import Tensor
from training_helpers import Run, encoder, equal, run, stop_after, trainer_settings, training_settings

from hybridret.base.errors import UserError
from hybridret.base.settings import LearningRateSettings
from hybridret.encoders.adapters.lora import LoRA
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder
from hybridret.training.averaging import Averaging, decay_of
from hybridret.training.check import check_training
from hybridret.training.checkpoints import best_path
from hybridret.training.history import Row

HALF_LIFE = 20  # pairs: two and a half steps of 8
STATE = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")


def averages(one: Run) -> dict[str, Tensor]:
    found: dict[str, Tensor] = one.last["callbacks"]["Averaging"]["average"]
    return found


def with_lora() -> DualEncoder:
    model = encoder(0.0)
    LoRA(rank=2, alpha=4.0, dropout=0.0, targets=None, frozen="fp32").apply(model.body, seed=1)
    return model


class Seen:
    """The trained weights after each step, and their average as a loop over steps and weights makes it."""

    def __init__(self, model: DualEncoder) -> None:
        self.model, self.steps = model, list[dict[str, Tensor]]()

    def __call__(self, row: Row) -> None:
        if row["split"] == "train":
            weights = self.model.named_parameters()
            self.steps.append({name: one.detach().clone().double() for name, one in weights if one.requires_grad})

    def average(self, decay: float) -> dict[str, Tensor]:
        average = dict(self.steps[0])
        for weights in self.steps[1:]:
            for name in average:
                average[name] = decay * average[name] + (1 - decay) * weights[name]
        return average


def test_half_lives_are_in_pairs() -> None:
    assert decay_of(640, 64) == decay_of(1280, 128)
    assert decay_of(64, 64) == 0.5
    assert decay_of(640, 64) ** 10 == pytest.approx(0.5)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "64-true"])
@pytest.mark.parametrize("make", [encoder, with_lora])
def test_it_is_the_average_of_a_loop(tmp_path: Path, make: Any, precision: str) -> None:
    model = make()
    seen = Seen(model)
    done = run(
        tmp_path, model=model, ema=HALF_LIFE, log_every=1, on_row=seen, trainer=trainer_settings(precision=precision)
    )
    slow = seen.average(0.5 ** (8 / HALF_LIFE))
    fast = {name.removeprefix("encoder."): one for name, one in averages(done).items()}
    assert fast.keys() == slow.keys()
    assert {one.dtype for one in fast.values()} == {torch.float64 if precision == "64-true" else torch.float32}
    for name, one in slow.items():
        torch.testing.assert_close(fast[name].double(), one, rtol=1e-5, atol=1e-7)
        assert not torch.equal(fast[name].double(), seen.steps[-1][name])


def test_what_is_kept_and_validated_is_the_average(tmp_path: Path) -> None:
    """The validation of a training from the averaged weights that does not move gives the same loss."""
    model = encoder(0.0)
    done = run(tmp_path / "a", model=model, ema=HALF_LIFE, lr=0.002, embedding_lr=None, validate_every=12)
    best = load_encoder(best_path(done.folder)).state_dict()
    saved = {name.removeprefix("encoder."): one for name, one in averages(done).items()}
    assert done.result.best_step == 12
    assert best.keys() == saved.keys()
    assert equal(dict(best), saved)
    trained = model.state_dict()
    assert not any(torch.equal(best[name], trained[name]) for name in best)
    model.load_state_dict(saved)
    still = run(tmp_path / "b", model=model, steps=1, lr=0.0, embedding_lr=None)
    assert still.result.best_validation_loss == done.result.best_validation_loss
    plain = run(tmp_path / "c", model=encoder(0.0), lr=0.002, embedding_lr=None, validate_every=12)
    assert plain.result.best_validation_loss != done.result.best_validation_loss


def test_the_training_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    one, other = encoder(0.3), encoder(0.3)
    plain = run(tmp_path / "plain", model=one, log_every=1, validate_every=3, validate_retrieval=5)
    averaged = run(tmp_path / "a", model=other, log_every=1, validate_every=3, validate_retrieval=5, ema=HALF_LIFE)
    for key in STATE:
        assert equal(plain.last[key], averaged.last[key]), key
    assert equal(one.state_dict(), other.state_dict())
    curves = ([row for row in done.curve() if row["split"] == "train"] for done in (plain, averaged))
    assert next(curves) == next(curves)
    validated = [[row["loss"] for row in done.curve() if row["split"] == "validation"] for done in (plain, averaged)]
    assert all(left != right for left, right in zip(*validated, strict=True))


@pytest.mark.slow
def test_an_interrupted_run_goes_on_exactly(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", ema=HALF_LIFE, validate_every=3)
    for steps in (1, 5, 6):
        rows: list[dict[str, Any]] = []
        folder, options = tmp_path / str(steps), {"ema": HALF_LIFE, "validate_every": 3}
        stopped = run(folder, rows=rows, should_stop=stop_after(steps), **options)
        assert stopped.result.steps == steps
        resumed = run(folder, rows=rows, model=encoder(seed=99), **options)
        assert equal({key: whole.last[key] for key in STATE}, {key: resumed.last[key] for key in STATE})
        assert equal(averages(whole), averages(resumed))
        assert resumed.curve() == whole.curve()
        assert equal(*(load_encoder(best_path(one.folder)).state_dict() for one in (whole, resumed)))


@pytest.mark.slow
def test_processes_average_what_one_averages(tmp_path: Path) -> None:
    options: dict[str, Any] = {"ema": HALF_LIFE, "validate_every": 1}
    train_ranks(tmp_path / "one", 1, "auto", **options)
    together(2, train_ranks, tmp_path / "two", 2, "ddp", **options)
    one, two = (
        torch.load(tmp_path / name / "checkpoints/last.ckpt", weights_only=True)["callbacks"]["Averaging"]["average"]
        for name in ("one", "two")
    )
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-6, atol=1e-9)


def test_shards_are_refused_before_the_start() -> None:
    schedule = LearningRateSettings(warmup=0.1, decay="constant", embedding_lr=None)
    with pytest.raises(UserError, match=r"training\.ema=9: .*Choose trainer\.strategy=ddp"):
        check_training(training_settings(ema=9), schedule, trainer_settings(strategy="fsdp"))
    with pytest.raises(UserError, match=r"training\.ema=-1"):
        check_training(training_settings(ema=-1), schedule, trainer_settings())


def test_another_average_does_not_go_on(tmp_path: Path) -> None:
    run(tmp_path / "plain", steps=2, decay="constant", warmup=0)
    with pytest.raises(UserError, match="holds no average"):
        run(tmp_path / "plain", steps=4, decay="constant", warmup=0, ema=HALF_LIFE)
    run(tmp_path / "other", steps=2, decay="constant", warmup=0, ema=HALF_LIFE)
    with pytest.raises(UserError, match=r"training\.ema=20 at 8 pairs a step, now 30 at 8"):
        run(tmp_path / "other", steps=4, decay="constant", warmup=0, ema=30)


def test_weights_come_back_when_something_fails() -> None:
    module, averaging = torch.nn.Linear(2, 2), Averaging(8, 8)
    averaging.load_state_dict(
        {"half_life": 8, "pairs": 8, "average": {name: one * 2 for name, one in module.state_dict().items()}}
    )
    before = {name: one.clone() for name, one in module.state_dict().items()}
    seen = []

    def fail() -> None:
        with averaging.in_use(module):
            seen.append(module.weight.detach().clone())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert torch.equal(seen[0], before["weight"] * 2)
    assert equal(dict(module.state_dict()), before)
