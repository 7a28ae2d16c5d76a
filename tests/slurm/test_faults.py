"""Sweeps on a real SLURM whose jobs are disturbed: each point ends, bit for bit, as where nothing disturbs it."""

from __future__ import annotations

import json
import re

import pytest
from mini_slurm import until
from real_sweep import RealSweep
from tiny_sweep import STEPS, Files, files_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_points_that_are_killed_requeued_warned_and_cancelled(sweep: RealSweep, undisturbed: Files) -> None:
    """Seed 1 is killed, 2 requeued by SLURM, 3 warned of its time limit, 4 cancelled while it waits."""
    table = sweep.submit("seed=1,2,3,4", "hydra.launcher.max_parallel=3")
    assert "4 queued" in table
    sweep.slurm.call("scancel", sweep.record(4).job)
    for seed in (1, 2, 3):
        sweep.reaches(seed, 25)
        match seed:
            case 1:
                sweep.kill_trainers(1)
            case 2:
                sweep.slurm.call("scontrol", "requeue", sweep.record(2).job)
            case 3:
                sweep.slurm.call("scancel", "--signal=USR1", "--batch", sweep.record(3).job)
    sweep.ends(1, 2, 3, 4)
    assert sweep.status(4)["state"] == "queued"  # no process ever worked there
    first, killed = sweep.record(1).attempts[0], sweep.record(1).attempts
    assert (first.exit_code, first.reason) == (-9, "killed by signal 9 (out of memory?)")
    assert first.step_after is not None
    assert 20 <= first.step_after < STEPS
    assert killed[1].step_before == first.step_after
    for seed in (2, 3):
        before, after = sweep.record(seed).attempts
        assert before.exit_code == 75
        assert before.step_after == after.step_before
        assert after.step_before > 20
    again = sweep.submit("seed=1,2,3,4")
    assert re.findall(r"(finished|queued) ", again).count("finished") >= 3
    sweep.ends(4)
    for seed in (1, 2, 3, 4):
        assert sweep.status(seed)["state"] == "finished", sweep.status(seed)
        assert files_of(sweep.run(seed)) == undisturbed[seed]


def test_preemption_by_a_higher_partition(sweep: RealSweep, undisturbed: Files) -> None:
    sweep.submit("seed=1")
    sweep.reaches(1, 25)
    high = ("sbatch", "--partition=high", "--exclusive", "--output=/dev/null", "--wrap", "true")
    sweep.slurm.call(*high)
    sweep.ends(1)
    first, second = sweep.record(1).attempts
    assert (first.exit_code, second.exit_code) == (75, 0)
    assert first.step_after == second.step_before > 20
    assert files_of(sweep.run(1)) == undisturbed[1]


def test_the_controller_is_killed_and_the_shell_too(sweep: RealSweep, undisturbed: Files) -> None:
    """The command follows its jobs when it is killed; they go on without it and without slurmctld."""
    shell = sweep.start("seed=1,2", "hydra.launcher.wait=true", "hydra.launcher.every=1")
    sweep.reaches(1, 25)
    shell.kill()
    shell.communicate()
    sweep.slurm.saved(sweep.record(1).job)
    sweep.slurm.kill("slurmctld")
    sweep.reaches(1, 100)
    sweep.slurm.controller()
    until(sweep.slurm.answers, "the controller")
    sweep.ends(1, 2)
    for seed in (1, 2):
        assert [one.exit_code for one in sweep.record(seed).attempts] == [0]
        assert files_of(sweep.run(seed)) == undisturbed[seed]


def test_the_same_command_twice_at_once(sweep: RealSweep, undisturbed: Files) -> None:
    """One of them submits, the other finds the jobs; both can be followed to the end."""
    both = [sweep.start("seed=1,2", "hydra.launcher.wait=true", "hydra.launcher.every=1") for _ in range(2)]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert len(list((sweep.folder / "multirun" / "s" / ".slurm").glob("tasks-*.json"))) == 1
    for seed in (1, 2):
        assert len(sweep.record(seed).attempts) == 1
        assert files_of(sweep.run(seed)) == undisturbed[seed]


def test_a_point_that_dies_three_times_at_one_step_stops_with_its_reason(sweep: RealSweep) -> None:
    """A learning rate that makes the loss infinite: always at the same step."""
    sweep.submit("seed=1", "optim.lr=1e30", "hydra.launcher.retries=9")
    sweep.ends(1)
    status, attempts = sweep.status(1), sweep.record(1).attempts
    assert (status["state"], len(attempts)) == ("failed", 3)
    assert status["reason"].startswith("died 3 times at step 0: Training stopped at step 3: the loss is nan")
    assert sweep.accounts(1)[-1] == f"FAILED|{attempts[-1].exit_code}:0"


def test_a_cancelled_job_saves_and_does_not_come_back(sweep: RealSweep, undisturbed: Files) -> None:
    sweep.submit("seed=1")
    sweep.reaches(1, 25)
    sweep.slurm.call("scancel", sweep.record(1).job)
    sweep.ends(1)
    assert (sweep.status(1)["state"], sweep.record(1).attempts[0].exit_code) == ("interrupted", 75)
    done = sweep.start("seed=1", "hydra.launcher.wait=true", "hydra.launcher.every=1")
    out, errors = done.communicate(timeout=200)
    assert done.returncode == 0, out + errors
    assert len(sweep.record(1).attempts) == 2
    assert files_of(sweep.run(1)) == undisturbed[1]


def test_two_tasks_of_srun_train_one_point(sweep: RealSweep) -> None:
    """gloo on the CPU: killed once, and equal to an undisturbed job of the same two tasks."""
    ddp = ("trainer.strategy=ddp", "trainer.devices=2", "training.steps=600")
    sweep.submit(*ddp, "seed=1,2")
    sweep.reaches(1, 25)
    sweep.slurm.call("scontrol", "requeue", sweep.record(1).job)
    sweep.ends(1, 2)
    assert [one.exit_code for one in sweep.record(1).attempts] == [75, 0]
    result = json.loads((sweep.run(1) / "result.json").read_text())
    assert result["training"]["steps"] == 600
    disturbed = files_of(sweep.run(1))
    sweep.submit(*ddp, "seed=1", "sweep=calm")
    calm = sweep.folder / "multirun" / "calm"
    until(lambda: any(calm.glob("*/result.json")), "the undisturbed job")
    assert files_of(next(calm.glob("*seed-1"))) == disturbed
