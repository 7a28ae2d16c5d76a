"""Sweeps on a real Ray cluster of two workers: each point ends, bit for bit, as where nothing disturbs it."""

from __future__ import annotations

import json

import pytest
from ray_sweep import RaySweep
from tiny_sweep import STEPS, Files, files_of

from hybridret.sweep.engines.engine import JobState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_worker_is_killed_and_its_point_goes_on_elsewhere(sweep: RaySweep, undisturbed: Files) -> None:
    """The command has returned long before: a job on the head brings the point back."""
    assert "2 queued" in sweep.submit("seed=1,2")
    sweep.reaches(1, 25)
    lost = sweep.node(1)
    sweep.ray.kill(lost)
    sweep.ends(1, 2)
    sweep.ray.worker(lost)
    killed, second = sweep.record(1).attempts
    assert (killed.ended, second.exit_code) == (None, 0)
    assert 20 <= second.step_before < STEPS
    for seed in (1, 2):
        assert sweep.status(seed)["state"] == "finished", sweep.status(seed)
        assert files_of(sweep.run(seed)) == undisturbed[seed]
    assert [one.exit_code for one in sweep.record(2).attempts] == [0]


def test_a_cancelled_point_saves_and_goes_on_only_when_it_is_resumed(sweep: RaySweep, undisturbed: Files) -> None:
    sweep.submit("seed=1,2")
    sweep.reaches(1, 25)
    said = sweep.call("cancel", "multirun/s")
    assert "cancelled 2 jobs of ray" in said
    sweep.ends(1, 2)
    (stopped,) = sweep.record(1).attempts
    assert (sweep.status(1)["state"], stopped.exit_code) == ("interrupted", 75)
    assert stopped.step_after is not None
    assert 25 <= stopped.step_after < STEPS
    assert sweep.look(1).reason == "STOPPED"
    sweep.call("resume", "multirun/s")
    sweep.ends(1, 2)
    assert sweep.record(1).attempts[-1].step_before == stopped.step_after
    for seed in (1, 2):
        assert sweep.status(seed)["state"] == "finished", sweep.status(seed)
        assert files_of(sweep.run(seed)) == undisturbed[seed]


def test_a_point_that_dies_three_times_at_one_step_stops_with_its_reason(sweep: RaySweep) -> None:
    """A learning rate that makes the loss infinite: always at the same step. The job follows it to its end."""
    sweep.submit("seed=1", "optim.lr=1e30", "hydra.launcher.retries=9")
    sweep.ends(1)
    status, attempts = sweep.status(1), sweep.record(1).attempts
    assert (status["state"], len(attempts)) == ("failed", 3)
    assert status["reason"].startswith("died 3 times at step 0: Training stopped at step 3: the loss is nan")
    assert sweep.look(1).reason == "FAILED: exit code 1"
    shown = json.loads(sweep.call("status", "multirun/s", "--json"))
    assert [row["state"] for row in shown["runs"]] == ["failed"]


def test_a_job_that_takes_a_custom_resource_waits_for_it(sweep: RaySweep) -> None:
    """No node has it; nobody has to wait for the job to begin before it can be cancelled."""
    sweep.submit("seed=1", "hydra.launcher.custom={unheard_of: 1}")
    assert sweep.look(1).state is JobState.PENDING
    assert "submitted before" in sweep.submit("seed=1", "hydra.launcher.custom={unheard_of: 1}")
    sweep.call("cancel", "multirun/s")
    assert sweep.look(1).reason == "STOPPED"
    assert sweep.status(1)["state"] == "interrupted"
