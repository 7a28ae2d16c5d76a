"""What a training reports, when it stops, and what it leaves when it must."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from training_helpers import corpus, encoder, equal, run, stop_after, trainer_settings, training_settings

from hybridret.base.errors import UserError
from hybridret.base.progress import Advance
from hybridret.base.settings import LearningRateSettings
from hybridret.encoders.folder import load_encoder
from hybridret.training.check import check_training
from hybridret.training.checkpoints import best_path
from hybridret.training.non_finite import NonFiniteError

pytestmark = pytest.mark.slow

# Recorded; a refactor must not move it. Steps 1 to 10, no dropout.
GOLDEN = [3.59241, 3.99959, 5.59095, 4.73644, 1.83971, 2.31303, 4.2428, 1.43388, 2.33529, 1.97553]


def losses(rows: list[dict[str, Any]], split: str) -> list[float]:
    return [row["loss"] for row in rows if row["split"] == split]


def test_golden_curve(tmp_path: Path) -> None:
    rows = run(tmp_path, dropout=0.0, steps=10, lr=0.003, log_every=1).rows
    assert losses(rows, "train") == pytest.approx(GOLDEN, abs=1e-4)


def test_rows_of_the_history(tmp_path: Path) -> None:
    rows = run(tmp_path, steps=7, log_every=3, validate_every=5).rows
    assert [(row["step"], row["split"]) for row in rows] == [
        (3, "train"),
        (5, "validation"),
        (6, "train"),
        (7, "train"),
        (7, "validation"),
    ]
    train = {"step", "split", "loss", "lr", "gradient_norm", "pairs_per_second", "padding_share", "kind", "seconds"}
    assert set(rows[0]) == train
    assert set(rows[1]) == {"step", "split", "loss", "mono", "cross", "seconds"}
    for row in rows:
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
        if row["split"] == "validation":
            assert row["loss"] == pytest.approx((row["mono"] + row["cross"]) / 2)


def test_workers_do_not_change_the_batches(tmp_path: Path) -> None:
    states = [run(tmp_path / str(workers), workers=workers, steps=5).last["state_dict"] for workers in (0, 2)]
    assert equal(*states)


def test_validation_is_the_same_for_every_strategy(tmp_path: Path) -> None:
    """The first measurement of an untrained encoder: only the validation batches can differ."""
    found = []
    for number, alpha in enumerate((0.0, 0.5, 1.0)):
        rows = run(tmp_path / str(number), alpha=alpha, steps=1, lr=0.0, embedding_lr=None, seed=number).rows
        found.append([{key: row[key] for key in ("mono", "cross", "loss")} for row in rows if row["split"] != "train"])
    assert found[0] == found[1] == found[2]


def test_best_is_the_lowest_and_early_stopping_stops(tmp_path: Path) -> None:
    done = run(tmp_path, patience=2, validate_every=1, steps=60, lr=0.2, embedding_lr=None)
    measured = losses(done.rows, "validation")
    lowest = measured.index(min(measured))
    assert done.result.stopped == "early"
    assert done.result.steps == len(measured) == lowest + 1 + 2 < 60
    assert done.result.best_step == lowest + 1
    assert done.result.best_validation_loss == measured[lowest]
    replayed = run(tmp_path / "replayed", steps=60, lr=0.2, embedding_lr=None, should_stop=stop_after(lowest + 1))
    saved = {f"encoder.{name}": tensor for name, tensor in load_encoder(best_path(tmp_path)).state_dict().items()}
    assert equal(saved, dict(replayed.last["state_dict"]))


def test_without_validation_data_the_last_is_the_best(tmp_path: Path) -> None:
    done = run(tmp_path, validation_batches=0)
    assert (done.result.best_step, done.result.best_validation_loss) == (12, None)
    assert not losses(done.rows, "validation")
    saved = {f"encoder.{name}": tensor for name, tensor in load_encoder(best_path(tmp_path)).state_dict().items()}
    assert equal(saved, dict(done.last["state_dict"]))


def test_one_language_has_no_cross_loss(tmp_path: Path) -> None:
    row = next(row for row in run(tmp_path, steps=1, validation=corpus(16, languages=("de",))).rows if "mono" in row)
    assert row["cross"] is None
    assert row["loss"] == row["mono"]


class Broken(torch.nn.Module):
    """InfoNCE's place, with a loss or a gradient that is not finite from the `at`-th call in training on."""

    def __init__(self, at: int, what: str) -> None:
        super().__init__()
        self.calls, self.at, self.what = 0, at, what

    def forward(self, queries: torch.Tensor, passages: torch.Tensor, *unused: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        mean = -(queries * passages[: len(queries)]).sum(1).mean()
        if self.calls < self.at:
            return mean
        return mean * math.inf if self.what == "loss" else mean + ((queries - queries.detach()).abs().sum() + 0).sqrt()


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_a_step_that_is_not_finite_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    broken = Broken(6, what)
    monkeypatch.setattr("training_helpers.InfoNCE", lambda temperature: broken)
    model = encoder()
    with pytest.raises(NonFiniteError) as raised:
        run(tmp_path, model=model, validation_batches=0, checkpoint_every=5)
    message = str(raised.value)
    assert "stopped at step 6:" in message
    assert any(f"'{kind}' batch" in message for kind in ("mono", "cross"))
    assert "languages" in message
    assert isinstance(raised.value, UserError)
    saved = torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 5
    assert equal(dict(saved["state_dict"]), {f"encoder.{name}": tensor for name, tensor in model.state_dict().items()})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_the_callers(tmp_path: Path, number: signal.Signals) -> None:
    received: list[int] = []
    before = signal.signal(number, lambda signum, frame: received.append(signum))
    try:
        sent = iter([None])

        def send(row: dict[str, Any]) -> None:
            for _ in sent:
                os.kill(os.getpid(), number)

        done = run(tmp_path, on_row=send, should_stop=lambda: bool(received), workers=2)
        assert signal.getsignal(number) not in (signal.SIG_IGN, signal.SIG_DFL)
    finally:
        signal.signal(number, before)
    assert received == [number]
    assert (done.result.stopped, done.result.steps, done.last["global_step"]) == ("interrupted", 2, 2)


def test_ctrl_c_without_a_handler_stays_a_keyboard_interrupt(tmp_path: Path) -> None:
    """Lightning would exit with code 1 and leave Ctrl-C dead."""

    def press(row: dict[str, Any]) -> None:
        if row["step"] == 6:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, on_row=press)
    assert signal.getsignal(signal.SIGINT) is before
    assert torch.load(tmp_path / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 4


def test_progress_counts_steps_and_resumed_ones(tmp_path: Path) -> None:
    class Counted:
        def __init__(self) -> None:
            self.done, self.tasks, self.notes = 0, [], []  # type: ignore[var-annotated]

        @contextmanager
        def task(self, description: str, total: int | None) -> Iterator[Advance]:
            self.tasks.append((description, total))

            def advance(count: int = 1, note: str = "") -> None:
                self.done += count
                self.notes += [note] if note else []

            yield advance

    first, second = Counted(), Counted()
    run(tmp_path, progress=first, should_stop=stop_after(5))
    run(tmp_path, progress=second)
    assert (first.done, second.done) == (5, 12)
    assert first.tasks == second.tasks == [("train", 12)]
    assert len(first.notes) == 2


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, steps=2, validation_batches=3)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.parametrize(("batches", "left_out"), [(2, "ru"), (1, "de, ru")])
def test_languages_that_validation_leaves_out_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, batches: int, left_out: str
) -> None:
    run(tmp_path, steps=1, validation_batches=batches)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "hybridret.training.train"]
    assert f"training.validation_batches={batches} is below the 3 languages" in line
    assert f"leaves out {left_out}. Set training.validation_batches=3 or more." in line


@pytest.mark.parametrize("batches", [0, 3, 50])
def test_validation_of_all_languages_or_none_needs_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, batches: int
) -> None:
    run(tmp_path, steps=1, validation_batches=batches)
    assert not caplog.records


def test_bf16_trains(tmp_path: Path) -> None:
    done = run(tmp_path, trainer=trainer_settings(precision="bf16-mixed"), steps=8)
    assert all(tensor.dtype == torch.float32 for tensor in done.last["state_dict"].values())
    assert losses(done.rows, "train")[-1] < losses(done.rows, "train")[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "training.steps=0"),
        ({"chunk_size": 0}, "training.chunk_size=0"),
        ({"clip_norm": 0.0}, "training.clip_norm=0.0"),
        ({"trainer": trainer_settings(workers=-1)}, "trainer.workers=-1"),
        ({"trainer": trainer_settings(devices=3)}, "cannot be shared evenly"),
        ({"trainer": trainer_settings(accelerator="tpu")}, "trainer.accelerator"),
        ({"trainer": trainer_settings(precision="b16")}, "trainer"),
        ({"decay": "linaer"}, "Did you mean 'linear'"),
        ({"warmup": 5.0}, "schedule.warmup=5.0"),
        ({"warmup": math.nan}, "schedule.warmup=nan"),
        ({"embedding_lr": -1.0}, "schedule.embedding_lr=-1.0"),
        ({"validation_batches": -1}, "training.validation_batches=-1"),
        ({"trainer": trainer_settings(devices=0)}, "trainer.devices=0"),
        ({"trainer": trainer_settings(nodes=-1)}, "trainer.nodes=-1"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(tmp_path, **changes)


@pytest.mark.parametrize("size", [1, 0, -8])
def test_a_batch_without_negatives_is_named_before_any_data_is_read(size: int) -> None:
    schedule = LearningRateSettings(warmup=0.1, decay="linear", embedding_lr=None)
    check_training(training_settings(), schedule, trainer_settings())
    with pytest.raises(UserError, match=rf"training\.batch_size={size} must be at least 2"):
        check_training(training_settings(batch_size=size), schedule, trainer_settings())
