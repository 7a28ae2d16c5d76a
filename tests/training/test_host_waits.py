"""What a whole training step asks of the host: it never waits for the device, and copies one tensor to it.

The steps run in Lightning's loop on the CPU, as on a GPU that works on by itself, with gradient clipping and without a
row of the history. The floor of each is 0 waits. What is left, and why:

- a step with a row of the history (`log_every`) waits once: the row holds the loss and the norm;
- a validation and a checkpoint wait: they are of weights that are known to be good;
- several processes wait twice a step: for the numbers that all must agree on, and for the question whether one of them
  wants to stop. An optimizer without `fused=True` (adam8bit), fp16 and FSDP2 wait once: they cannot leave out an update
  by themselves;
- `backbone.attention=flash_attention_2` waits once a layer inside transformers: `packed` is the same without waiting.
"""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import nn
from training_helpers import LANGUAGES, corpus, equal, run, stop_after, tokenization, trainer_settings

from hybridret.batching.hybrid import Hybrid
from hybridret.encoders.dual import DualEncoder
from hybridret.planning.launches import Launches
from hybridret.training import checkpoints, data_module, step_numbers
from hybridret.training.collate import Collate, TrainingBatch
from hybridret.training.module import RetrieverModule
from hybridret.training.non_finite import NonFiniteError
from hybridret.training.step_numbers import StepNumbers

sys.path.insert(0, str(Path(__file__).parent.parent / "encoders"))
from test_families import tiny_family

fused = partial(torch.optim.AdamW, lr=0.01, weight_decay=0.01, fused=True)
LOGGED = 4  # the step with a row


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU is taken for a device that works on by itself, and batches come to it as to one."""
    monkeypatch.setattr(step_numbers, "ASYNCHRONOUS", frozenset({"cpu"}))
    monkeypatch.setattr(data_module, "AHEAD", 16)  # all batches are made before a step is counted
    collate = Collate.__call__
    monkeypatch.setattr(Collate, "__call__", lambda self, batch: collate(self, batch).bundled())


def family(name: str, **options: Any) -> DualEncoder:
    made = tiny_family(name, **options).encoder("tiny", tokenization().text, Texts(), 0)
    return DualEncoder(made.body, made.pooling, tokenization())


class Texts:
    name = "numbers"

    def texts(self) -> list[str]:
        return [f"{language}{number}" for number in range(60) for language in LANGUAGES]

    def fingerprint(self) -> str:
        return "numbers"


def counted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, model: DualEncoder | None = None, **changes: Any
) -> dict[int, Launches]:
    """Of steps 3 to 5, from the end of one to the end of the next."""
    found: dict[int, Launches] = {}
    counting: list[Launches] = []
    fresh: set[int] = set()  # numbers that were launched, and no forward pass since
    last, read, launch = checkpoints.Checkpoints.on_train_batch_end, StepNumbers.read, StepNumbers.launch
    step = RetrieverModule.training_step

    def on_train_batch_end(self: Any, trainer: pl.Trainer, *more: Any) -> None:
        last(self, trainer, *more)
        at = trainer.global_step
        if more[2].batch.step % trainer.accumulate_grad_batches != trainer.accumulate_grad_batches - 1:
            return
        for one in counting:
            one.__exit__(None, None, None)
        counting.clear()
        if 2 <= at < 5:
            found[at + 1] = Launches()
            counting.append(found[at + 1].__enter__())

    def read_or_wait(self: StepNumbers) -> None:
        """What an earlier step copied to the host has long been there when it is read."""
        with counting[0].paused() if counting else nullcontext():
            read(self)
        if counting and fresh:
            counting[0].wait("the numbers of this step")

    def launched(self: StepNumbers, numbers: torch.Tensor) -> None:
        fresh.add(1)
        launch(self, numbers)

    def training_step(self: RetrieverModule, *given: Any) -> torch.Tensor:
        fresh.clear()
        return step(self, *given)

    monkeypatch.setattr(StepNumbers, "read", read_or_wait)
    monkeypatch.setattr(StepNumbers, "launch", launched)
    monkeypatch.setattr(RetrieverModule, "training_step", training_step)
    monkeypatch.setattr(checkpoints.Checkpoints, "on_train_batch_end", on_train_batch_end)
    settings = {"steps": 6, "log_every": LOGGED, "validate_every": 6, "checkpoint_every": 6, "make_optimizer": fused}
    run(folder, model=model, clip_norm=0.01, **{**settings, **changes})
    assert set(found) == {3, 4, 5}
    assert all(one.kernels["aten::_fused_adamw_"] >= 2 for one in found.values())  # groups
    return found


MODELS: dict[str, Callable[[], DualEncoder | None]] = {
    "scratch": lambda: None,
    "xlmr": lambda: family("xlmr"),
    "xlmr-xl": lambda: family("xlmr-xl"),
    "qwen3": lambda: family("qwen3"),
    "gemma3": lambda: family("gemma3"),
    "llama3 both ways": lambda: family("llama3", bidirectional=True),
    "xlmr packed": lambda: family("xlmr", attention="packed"),
    "qwen3 packed": lambda: family("qwen3", attention="packed"),
}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "chunked": {"chunk_size": 3, "recompute": True},
    "layers": {"recompute_layers": True},
    "accumulated": {"accumulate": 2},
}


@pytest.mark.slow
@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_a_step_never_waits(name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = counted(tmp_path, monkeypatch, MODELS[name](), **WAYS[way])
    for step in (3, 5):
        assert (found[step].waits, found[step].copies) == ({}, {}), found[step].where
    assert found[LOGGED].waits == {"the numbers of this step": 1}, found[LOGGED].where
    assert not found[LOGGED].copies, found[LOGGED].where


def test_the_rules_without_waiting_are_those_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clipping and rows; a clipped gradient is divided instead of multiplied, so last bits differ."""
    waiting = run(tmp_path / "waiting", make_optimizer=fused, clip_norm=4.0, log_every=1)
    monkeypatch.setattr(step_numbers, "ASYNCHRONOUS", frozenset({"cpu"}))
    ahead = run(tmp_path / "ahead", make_optimizer=fused, clip_norm=4.0, log_every=1)
    norms = [row["gradient_norm"] for row in waiting.rows if row["split"] == "train"]
    assert min(norms) < 4.0 < max(norms)
    for one, other in zip(waiting.curve(), ahead.curve(), strict=True):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert other[key] == (pytest.approx(value, rel=1e-4) if isinstance(value, float) else value)
    for name, weight in waiting.last["state_dict"].items():
        if name.endswith("attention_in.bias"):  # keys: softmax does not see a bias, so its gradient is noise to Adam
            continue
        torch.testing.assert_close(ahead.last["state_dict"][name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.usefixtures("ahead")
def test_an_interrupted_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    straight = run(tmp_path / "straight", make_optimizer=fused)
    run(tmp_path / "cut", make_optimizer=fused, should_stop=stop_after(5))
    resumed = run(tmp_path / "cut", make_optimizer=fused)
    assert equal(straight.last["state_dict"], resumed.last["state_dict"])
    assert equal(straight.last["optimizer_states"], resumed.last["optimizer_states"])


class Spoilt(nn.Module):
    """Makes the loss of its `at`-th call NaN."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.calls, self.at = 0, at

    def forward(self, queries: torch.Tensor, passages: torch.Tensor, *unused: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        mean = -(queries * passages[: len(queries)]).sum(1).mean()
        return mean * math.nan if self.calls == self.at else mean


@pytest.mark.usefixtures("ahead")
@pytest.mark.parametrize("at", [3, 4, 12])
@pytest.mark.parametrize("log_every", [1, 100])
def test_a_bad_step_changes_no_weight_although_the_host_learns_later(
    at: int, log_every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the step itself where it has a row, a validation or a checkpoint, else at the next one."""
    import training_helpers

    models: list[DualEncoder] = []
    made = training_helpers.encoder
    monkeypatch.setattr(training_helpers, "encoder", lambda *given: models.append(made(*given)) or models[-1])
    spoilt = Spoilt(at)
    monkeypatch.setattr(training_helpers, "InfoNCE", lambda **unused: spoilt)
    common = {"make_optimizer": fused, "validate_every": 50, "validation_batches": 0, "log_every": log_every}
    with pytest.raises(NonFiniteError, match=f"at step {at}: the loss is nan"):
        run(tmp_path / "spoilt", checkpoint_every=4, **common)
    assert spoilt.calls == at if log_every == 1 or at in (4, 12) else spoilt.calls == at + 1
    if at > 4:
        assert checkpoints.saved_step(tmp_path / "spoilt" / "checkpoints" / "last.ckpt") == 8
    monkeypatch.setattr(training_helpers, "InfoNCE", lambda **unused: Spoilt(0))
    run(tmp_path / "good", checkpoint_every=4, should_stop=stop_after(at - 1), **common)
    assert equal(models[0].state_dict(), models[1].state_dict())


def batch(chunk_size: int | None, size: int = 8) -> TrainingBatch:
    pairs = corpus()
    return Collate(tokenization(), [pairs], chunk_size)(Hybrid(alpha=0.5).schedule((pairs,), size)(0, 3))


def same(one: TrainingBatch, other: TrainingBatch) -> bool:
    return equal([*one.rows.tensors(), one.groups], [*other.rows.tensors(), other.groups])


@pytest.mark.parametrize("chunk_size", [None, 3])
def test_a_batch_is_copied_at_once(chunk_size: int | None) -> None:
    made = batch(chunk_size)
    with Launches() as found:
        moved = made.bundled().to("meta")
    assert found.copies == {"between devices": 1}
    assert {one.device.type for one in [*moved.rows.tensors(), moved.groups]} == {"meta"}
    assert [one.shape for one in moved.rows.tensors()] == [one.shape for one in made.rows.tensors()]
    for chunk, plain in zip(moved.rows.chunks, made.rows.chunks, strict=True):
        assert chunk.lengths.tolist() == plain.attention_mask.sum(dim=1).tolist()
    assert moved.to("meta") is moved


def test_a_bundled_batch_is_the_same_in_another_process() -> None:
    made = batch(3)
    bundled = made.bundled()
    assert bundled.bundled() is bundled
    assert same(made, bundled)
    sent = pickle.dumps(bundled)
    assert same(made, pickle.loads(sent))
    assert made.rows.lengths is None


def test_what_is_asked_of_the_loader_and_of_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pinned on a GPU only, and copied without waiting."""
    asked: list[bool] = []
    plain = data_module._Loader.__init__
    monkeypatch.setattr(
        data_module._Loader,
        "__init__",
        lambda self, *given, pin_memory, **more: asked.append(pin_memory) or plain(self, *given, **more),
    )
    run(tmp_path, steps=1)
    monkeypatch.setattr(data_module, "PINNED_FOR", frozenset({"cpu"}))
    run(tmp_path / "pinned", steps=1)
    assert asked == [False, True]
    calls: list[tuple[Any, ...]] = []
    made = batch(None).bundled()
    assert made._bundle is not None
    flat = made._bundle.flat

    class Flat:
        def pin_memory(self) -> torch.Tensor:
            calls.append(("pin",))
            return flat

        def to(self, *given: Any, **more: Any) -> torch.Tensor:
            calls.append(("to", *given, more))
            return flat.to(*given)

        def __getattr__(self, name: str) -> Any:
            return getattr(flat, name)

    made._bundle.flat = Flat()  # type: ignore[assignment]
    made.pin_memory()
    made.to("meta")
    assert calls == [("pin",), ("to", "meta", {"non_blocking": True})]


def test_a_gpu_gets_its_batches_from_other_processes() -> None:
    """Tokenising is then off the thread that launches."""
    import yaml

    conf = Path(__file__).parent.parent.parent / "conf"
    for name in ("gpu", "ddp", "fsdp"):
        assert yaml.safe_load((conf / "trainer" / f"{name}.yaml").read_text("utf-8"))["workers"] > 0
    assert yaml.safe_load((conf / "optim" / "adamw.yaml").read_text("utf-8"))["fused"] is True
    assert trainer_settings().workers == 0
