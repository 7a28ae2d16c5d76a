"""Time limits, an evaluation that is interrupted, a full disk, and credentials that nobody checks: on a real SLURM.

A point trains for some seconds here. Where SLURM needs longer to act, its processes are stopped meanwhile.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from mini_slurm import MiniSlurm, until
from real_sweep import RealSweep
from tiny_sweep import Files, files_of, local_sweep

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_time_limit_is_reached_twice(sweep: RealSweep, undisturbed: Files) -> None:
    sweep.submit("seed=1")
    for number, step in ((1, 25), (2, 400)):
        sweep.attempts(1, number)
        sweep.reaches(1, step)
        sweep.signal_trainers(1, signal.SIGSTOP)
        sweep.slurm.end_now(sweep.record(1).job)
        until(lambda number=number: said_so(sweep, number), f"the end of time {number}")
        sweep.signal_trainers(1, signal.SIGCONT)
    sweep.ends(1)
    attempts = sweep.record(1).attempts
    assert len(attempts) >= 3  # the limit is now a minute, of which a point is warned, too
    assert [one.exit_code for one in attempts] == [*[75] * (len(attempts) - 1), 0]
    for before, after in pairwise(attempts):
        assert before.step_after == after.step_before
        assert after.step_before > 20
    assert sweep.status(1)["state"] == "finished"
    assert files_of(sweep.run(1)) == undisturbed[1]


def said_so(sweep: RealSweep, number: int) -> bool:
    log = sweep.run(1).parent / ".slurm" / f"{sweep.record(1).job}.log"
    return log.read_text(errors="replace").count("its time is over: back into the queue") >= number


@pytest.fixture
def long_evaluation(tmp_path: Path) -> list[str]:
    """Arguments of a point that trains shortly and then encodes passages for some seconds."""
    folder = tmp_path / "collection"
    (folder / "qrels").mkdir(parents=True)
    passages = ({"_id": f"p{n}", "text": f"The box holds number {n}. " * 10} for n in range(60_000))
    (folder / "corpus.jsonl").write_text("".join(json.dumps(one) + "\n" for one in passages))
    queries = ({"_id": f"q{n}", "text": f"Which box holds number {n}?"} for n in range(20))
    (folder / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries))
    judged = "".join(f"q{n}\tp{n}\t1\n" for n in range(20))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return ["eval=[folder]", f"eval.folder.path={folder}", "training.steps=200"]


def test_an_evaluation_is_requeued(sweep: RealSweep, pairs: Path, tmp_path: Path, long_evaluation: list[str]) -> None:
    sweep.submit("seed=2", *long_evaluation)
    sweep.encodes_passages(2)
    sweep.slurm.call("scontrol", "requeue", sweep.record(2).job)
    sweep.attempts(2, 2)
    sweep.ends(2)
    first, second = sweep.record(2).attempts
    assert (first.exit_code, second.exit_code) == (75, 0)
    assert first.step_after == second.step_before == 200
    (tmp_path / "calm").mkdir()
    assert files_of(sweep.run(2)) == local_sweep(tmp_path / "calm", pairs, [2], *long_evaluation)[2]


@pytest.fixture
def small_disk(mini_slurm: MiniSlurm, tmp_path: Path, pairs: Path) -> Iterator[RealSweep]:
    """A sweep on a disk of 40 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield RealSweep(mini_slurm, folder, pairs)
        mini_slurm.clear()
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def test_a_disk_fills(small_disk: RealSweep, undisturbed: Files) -> None:
    """The point stops, nothing half-written counts, and with space again the same command ends as if nothing was."""
    sweep = small_disk
    sweep.submit("seed=3", "hydra.launcher.retries=0")
    sweep.reaches(3, 25)
    filler = sweep.folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        left = shutil.disk_usage(sweep.folder).free
        file.write(bytes(left - (64 << 10)))  # less than a checkpoint needs
    sweep.ends(3)
    assert not (sweep.run(3) / "result.json").exists()
    said = sweep.status_of("--json")
    assert said.returncode == 0, said.stderr
    (row,) = json.loads(said.stdout)["runs"]
    assert row["state"] != "finished"
    assert row["reason"].startswith("Cannot write")
    assert "then run the same command again" in row["reason"]
    filler.unlink()
    sweep.submit("seed=3")
    sweep.ends(3)
    assert sweep.status(3)["state"] == "finished"
    assert files_of(sweep.run(3)) == undisturbed[3]


def test_credentials_are_not_checked_for_a_while(sweep: RealSweep, undisturbed: Files) -> None:
    """Without munged no command of SLURM answers, and a step cannot tell that it has ended. What died meanwhile comes
    back when credentials are checked again."""
    sweep.submit("seed=4")
    sweep.reaches(4, 25)
    sweep.signal_trainers(4, signal.SIGSTOP)
    sweep.slurm.kill("munged")
    said = sweep.status_of()
    assert "Traceback" not in said.stdout + said.stderr
    assert "running" in said.stdout
    sweep.signal_trainers(4, signal.SIGKILL)
    until(lambda: not sweep.trainers(4), "the death of the point")
    sweep.slurm.munged()
    sweep.attempts(4, 2)
    sweep.ends(4)
    first, *_, last = sweep.record(4).attempts
    assert first.exit_code != 0
    assert last.exit_code == 0
    assert files_of(sweep.run(4)) == undisturbed[4]
