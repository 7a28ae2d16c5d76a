"""Two ranks over gloo: they end as one process does, stop together, and end with the reason when one is gone."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from commands import Commands, Train, run_of, status
from pairs import ALIKE, Pair, assert_finishes_as, result, state

pytestmark = pytest.mark.slow

STEP = "hybridret.training.checkpoints:Checkpoints.on_train_batch_end"


def test_two_ranks_leave_the_files_of_one_process(steady: Train, pair: Pair, tmp_path: Path) -> None:
    """Up to the last bits. The bias of attention keys has no gradient, only noise, from which Adam makes steps."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    alone = steady(tmp_path / "one", *ALIKE, "trainer.precision=64-true")
    done = pair(tmp_path / "two", "trainer.precision=64-true")
    assert [run.returncode for run in (alone, *done)] == [0, 0, 0], (alone, done)
    one, two = run_of(tmp_path / "one"), run_of(tmp_path / "two")
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    assert result(one)["config_hash"] == result(two)["config_hash"]
    ours, theirs = (
        {name: weight for name, weight in state(run)["state_dict"].items() if "attention_in.bias" not in name}
        for run in (two, one)
    )
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-9)
    losses = [result(run)["training"]["best_validation_loss"] for run in (one, two)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_rank_stops_all_after_the_same_step(
    pair: Pair, undisturbed: Path, tmp_path: Path, rank: int
) -> None:
    hook = {"target": STEP, "call": 2, "signal": (signal.SIGUSR1, signal.SIGTERM)[rank]}
    stopped = pair(tmp_path, hooks={rank: [hook]})
    assert [one.returncode for one in stopped] == [75, 0], stopped
    run = run_of(tmp_path)
    assert state(run)["global_step"] == 2
    assert status(run)["state"] == "interrupted"
    assert not (run / "result.json").exists()
    assert "run the same command again" in stopped[0].stderr
    assert "Traceback" not in stopped[0].stderr + stopped[1].stderr
    assert_finishes_as(pair, tmp_path, undisturbed, 2)


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("place", ["reading", "waiting", "joined"])
def test_a_signal_before_the_first_step_leaves_nobody_waiting(
    pair: Pair, tmp_path: Path, place: str, rank: int
) -> None:
    """Whoever comes first: a rank that leaves before all are there takes the others along; later all stop together."""
    target = {
        "reading": "hybridret.components.components:Components.trained_encoder",
        "waiting": "hybridret.distributed.rendezvous:_wait_for_verdict",
        "joined": "hybridret.pipelines.train_worker:train",
    }[place]
    hook = {"target": target, "call": 1, "signal": signal.SIGTERM}
    stopped = pair(tmp_path, hooks={rank: [hook]}, launcher=place != "joined")
    saved = any(tmp_path.glob("multirun/*/*/checkpoints/last.ckpt"))
    if place == "joined":
        assert saved
    assert stopped[0].returncode == 75, stopped
    assert stopped[1].returncode in ((0,) if saved else (75, 1)), stopped  # 1: the store went with the first
    if rank == 0 or place != "reading":  # or the first was not even there when the other left
        assert status(run_of(tmp_path))["state"] == "interrupted"


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_other_with_a_paragraph(
    pair: Pair, undisturbed: Path, tmp_path: Path, rank: int
) -> None:
    hook = {"target": STEP, "call": 5, "signal": signal.SIGKILL}
    killed = pair(tmp_path, hooks={rank: [hook]})
    assert killed[rank].returncode == -signal.SIGKILL
    survivor = killed[1 - rank]
    assert survivor.returncode == 1, survivor
    (said,) = [line for line in survivor.stderr.splitlines() if line.startswith("Error: ")]
    assert "Another one of the 2 processes of this run ended" in said
    assert "Traceback" not in survivor.stderr
    run = run_of(tmp_path)
    if rank == 1:
        assert status(run)["state"] == "failed"
        assert "Another one of the 2 processes" in status(run)["reason"]
    assert_finishes_as(pair, tmp_path, undisturbed, 3)


def test_ranks_with_different_configs_end_before_training(pair: Pair, tmp_path: Path) -> None:
    """Ranks that compose separately see different things (docs/pitfalls.md#saved-configs)."""
    other = {"target": "hybridret.pipelines.train_run:point_hash", "call": 1, "returns": "of another file"}
    late = {"target": "hybridret.runs:RunDirectory.decide", "call": 1, "returns": "it looked before the first claimed"}
    refused = pair(tmp_path, hooks={1: [other, late]})
    assert refused[0].returncode == 2, refused
    assert "different configs: number 1 has the hash of another file" in refused[0].stderr
    assert refused[1].returncode in (2, 1), refused  # 1: the first had left, and the store with it
    assert "different configs" in status(run_of(tmp_path))["reason"]


def test_other_processes_than_asked_for_are_refused_before_anything_is_claimed(
    command: Commands, train: Train, tmp_path: Path
) -> None:
    refused = command.together("run", *train.arguments, folder=tmp_path, hooks={})
    assert [one.returncode for one in refused] == [2, 2]
    assert "trainer.devices=1 trainer.nodes=1 needs 1 processes, but 2 were started" in refused[0].stderr
    alone = train(tmp_path, "trainer.devices=2")
    assert alone.returncode == 2
    assert "torchrun --nproc-per-node=2" in alone.stderr
    assert not list(tmp_path.iterdir())
