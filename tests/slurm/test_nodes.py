"""Two nodes and no accounting: a node that is lost, nodes that are drained, and what is known without slurmdbd."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mini_slurm import until
from real_sweep import RealSweep
from tiny_sweep import STEPS, Files, files_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def node_of(sweep: RealSweep, seed: int) -> str:
    return sweep.slurm.call("squeue", "--noheader", "--format=%N", f"--jobs={sweep.record(seed).job}").strip()


def rows(sweep: RealSweep) -> list[dict[str, Any]]:
    answer = sweep.status_of("--json")
    assert answer.returncode == 0, answer.stderr
    found: list[dict[str, Any]] = json.loads(answer.stdout)["runs"]
    return found


def test_a_node_is_lost(bare: RealSweep, undisturbed: Files) -> None:
    """All its processes are gone without a word; SLURM starts the job on the other node."""
    bare.submit("seed=1")
    bare.reaches(1, 25)
    lost = node_of(bare, 1)
    bare.slurm.lose(lost)
    try:
        bare.attempts(1, 2)
        bare.ends(1)
    finally:
        bare.slurm.slurmd(lost)
        bare.slurm.call("scontrol", "update", f"NodeName={lost}", "State=RESUME")
    first, second = bare.record(1).attempts
    assert (first.ended, second.exit_code) == (None, 0)
    assert 20 <= second.step_before < STEPS
    assert [row["state"] for row in rows(bare)] == ["finished"]
    assert files_of(bare.run(1)) == undisturbed[1]


def test_nodes_are_drained_and_come_back(bare: RealSweep, undisturbed: Files) -> None:
    """What runs ends where it is; what waits waits, and `status` says why, without accounting."""
    bare.submit("seed=1")
    bare.reaches(1, 25)
    names = list(bare.slurm.slurmd_ports)
    for name in names:
        bare.slurm.call("scontrol", "update", f"NodeName={name}", "State=DRAIN", "Reason=test")
    bare.submit("seed=1,2")
    bare.ends(1)
    assert files_of(bare.run(1)) == undisturbed[1]

    def waits() -> bool:
        return any(row["state"] == "queued" and row["reason"] for row in rows(bare))

    until(waits, "the reason for which seed 2 waits")
    for name in names:
        bare.slurm.call("scontrol", "update", f"NodeName={name}", "State=RESUME")
    bare.ends(2)
    assert [row["state"] for row in rows(bare)] == ["finished", "finished"]
    assert files_of(bare.run(2)) == undisturbed[2]
