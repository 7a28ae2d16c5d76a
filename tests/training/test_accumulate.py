"""training.accumulate: one step of the optimizer takes the mean gradient of several batches."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from ranks import together, train_ranks
from training_helpers import corpus, encoder, equal, run, stop_after, tokenization, trainer_settings, training_settings

from hybridret.base.errors import UserError
from hybridret.base.settings import LearningRateSettings
from hybridret.batching.hybrid import Hybrid
from hybridret.encoders.folder import load_encoder
from hybridret.losses.infonce import InfoNCE
from hybridret.training.check import check_training
from hybridret.training.checkpoints import best_path
from hybridret.training.collate import Collate
from hybridret.training.optimisation import parameter_groups

STATE = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")


def slow_training(steps: int, accumulate: int, seed: int) -> tuple[dict[str, torch.Tensor], list[float], list[float]]:
    """A plain loop of torch, in fp64: weights, losses and gradient norms of the steps."""
    model = encoder(0.0).double()
    datasets = (corpus(), corpus(30, "more", seed=1))
    schedule, collate = Hybrid(alpha=0.5).schedule(datasets, 8), Collate(tokenization(), datasets, None)
    optimizer = torch.optim.AdamW(parameter_groups(model, None), lr=0.01, weight_decay=0.01)
    loss, losses, norms = InfoNCE(temperature=0.1), [], []
    for step in range(steps):
        total = torch.zeros((), dtype=torch.float64)
        for part in range(accumulate):
            batch = collate(schedule(seed, step * accumulate + part))
            rows = batch.rows
            queries = torch.cat([model(*chunk) for chunk in rows.query_chunks])[rows.query_order]
            passages = torch.cat([model(*chunk) for chunk in rows.passage_chunks])[rows.passage_order]
            total = total + loss(queries, passages, rows.positives, rows.query_groups, batch.groups) / accumulate
        optimizer.zero_grad()
        total.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.05)))
        optimizer.step()
        losses.append(float(total.detach()))
    return dict(model.state_dict()), losses, norms


@pytest.mark.parametrize("accumulate", [1, 3])
def test_it_is_a_plain_loop(tmp_path: Path, accumulate: int) -> None:
    model = encoder(0.0)
    done = run(
        tmp_path, model=model, accumulate=accumulate, steps=4, warmup=0, decay="constant", embedding_lr=None,
        clip_norm=0.05, log_every=1, trainer=trainer_settings(precision="64-true"),
    )  # fmt: skip
    weights, losses, norms = slow_training(4, accumulate, seed=5)
    rows = [row for row in done.curve() if row["split"] == "train"]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert [row["loss"] for row in rows] == pytest.approx(losses, rel=1e-6)
    assert [row["gradient_norm"] for row in rows] == pytest.approx(norms, rel=1e-6)
    for name, one in model.state_dict().items():
        torch.testing.assert_close(one, weights[name], rtol=1e-9, atol=1e-12)


def test_steps_rows_and_counts_are_those_of_the_optimizer(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    done = run(tmp_path, accumulate=3, steps=6, log_every=2, validate_every=2, checkpoint_every=4, rows=rows)
    schedule = Hybrid(alpha=0.5).schedule((corpus(), corpus(30, "more", seed=1)), 8)
    kinds = [schedule(5, number).kind for number in range(18)]
    assert done.result.steps == done.last["global_step"] == 6
    assert [row["step"] for row in rows if row["split"] == "validation"] == [2, 4, 6]
    assert done.result.mix["kinds"] == dict(Counter(kinds))
    trained = [row for row in rows if row["split"] == "train"]
    assert [row["step"] for row in trained] == [2, 4, 6]
    of_steps = [set(kinds[3 * step - 3 : 3 * step]) for step in (2, 4, 6)]
    assert [row["kind"] for row in trained] == [one.pop() if len(one) == 1 else "mixed" for one in of_steps]
    total = done.last["callbacks"]["History"]["throughput"]["total"]
    assert total["pairs"] == 6 * 3 * 8
    assert {float(entry["step"]) for entry in done.last["optimizer_states"][0]["state"].values()} == {6.0}


@pytest.mark.slow
def test_an_interrupted_run_goes_on_exactly(tmp_path: Path) -> None:
    options: dict[str, Any] = {"accumulate": 3, "steps": 6, "validate_every": 2, "ema": 30, "log_every": 1}
    whole = run(tmp_path / "whole", **options)
    for steps in (1, 3):
        rows: list[dict[str, Any]] = []
        stopped = run(tmp_path / str(steps), rows=rows, should_stop=stop_after(steps), **options)
        assert stopped.result.steps == steps
        resumed = run(tmp_path / str(steps), rows=rows, model=encoder(seed=99), **options)
        assert equal({key: whole.last[key] for key in STATE}, {key: resumed.last[key] for key in STATE})
        assert equal(*(one.last["callbacks"]["Averaging"] for one in (whole, resumed)))
        assert resumed.curve() == whole.curve()
        assert resumed.result.mix == whole.result.mix
        assert equal(*(load_encoder(best_path(one.folder)).state_dict() for one in (whole, resumed)))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
@pytest.mark.parametrize("chunk_size", [None, 5])
def test_processes_train_what_one_trains(tmp_path: Path, strategy: str, chunk_size: int | None) -> None:
    options: dict[str, Any] = {"accumulate": 3, "chunk_size": chunk_size}
    train_ranks(tmp_path / "one", 1, "auto", **options)
    together(2, train_ranks, tmp_path / "two", 2, strategy, **options)
    one, two = (torch.load(tmp_path / name / "rows.pt", weights_only=True) for name in ("one", "two"))
    assert len(one) == len(two) == 4
    for left, right in zip(one, two, strict=True):
        words = {name for name, value in left.items() if value is None or isinstance(value, str)}
        assert {name: right[name] for name in words} == {name: left[name] for name in words}
        for name in left.keys() - words:
            assert right[name] == pytest.approx(left[name], rel=1e-6), name


def test_a_number_below_one_is_refused() -> None:
    schedule = LearningRateSettings(warmup=0.1, decay="constant", embedding_lr=None)
    with pytest.raises(UserError, match=r"training\.accumulate=0 must be at least 1"):
        check_training(training_settings(accumulate=0), schedule, trainer_settings())
