"""How long does `status` take on a sweep of 1,000 points? Target: 2 s, from the start of the process to its end.

    python benchmarks/status_speed.py              # a minute, most of it for making the sweep
    python benchmarks/status_speed.py --points 100

The sweep is fabricated in a temporary folder: half of its points are finished (a result of 30 kB as of a test set in
five languages), the others run, wait or failed as jobs of an engine that answers at once; each has a curve of 500 rows,
10 of which are validations, and a config of 3 kB. Times are medians of five processes, after one that warms the disk.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from hybridret.base.checksums import write_sealed, write_sealed_text
from hybridret.runs import RunDirectory, State
from hybridret.runs.job_record import Attempt, JobRecord, write_job
from hybridret.runs.status import write_status

TARGET = 2.0  # seconds
ROOT = Path(__file__).resolve().parent.parent
BEGAN = "2026-11-30T08:00:00+00:00"
#: `status` with an engine that knows every job, as a stand-in for the one call to a real one.
DRIVER = """
import sys
from hybridret.base.interruption import interruptible
from hybridret.sweep.engines import registry
from hybridret.sweep.engines.engine import JobLook, JobState

class StandIn:
    name = "stand_in"
    def look(self, jobs):
        return {job: JobLook(list(JobState)[i % 2], "Priority" * (i % 2 == 0)) for i, job in enumerate(jobs)}
    def submit(self, tasks): ...
    def cancel(self, jobs): ...

def engine(name):
    return StandIn()

registry.engine = engine
from hybridret.status import main
sys.exit(interruptible(main))
"""


def curve() -> bytes:
    """500 rows, each with its CRC-32."""
    lines = []
    for step in range(10, 5001, 10):
        row = {"step": step, "split": "train", "loss": 5000.5 / step, "lr": 2.25e-05, "gradient_norm": 1.5}
        row |= {"pairs_per_second": 440.5, "padding_share": 0.104, "kind": "cross", "seconds": step / 20}
        rows = [row]
        if step % 500 == 0:
            rows.append({"step": step, "split": "validation", "loss": 4000.5 / step, "mono": 1.9, "cross": 3.4})
        for one in rows:
            plain = json.dumps(one).encode()
            lines.append(plain[:-1] + b', "crc32": "%08x"}\n' % zlib.crc32(plain))
    return b"".join(lines)


def fabricate(sweep: Path, points: int) -> None:
    """The sweep; its sweep.json lists all points."""
    history = curve()
    result = {"config_hash": "h", "training": {"monitor": "loss", "best_value": 0.8, "best_step": 5000}}
    result |= {"metrics": {f"squad/monolingual-{i}/map@{i}": i / 1000 for i in range(600)}}
    config = "seed: 1\ntraining:\n  steps: 5000\n  monitor: loss\ndata:\n" + "".join(
        f"  key_{i}: some value of it\n" for i in range(100)
    )
    for number in range(points):
        run = RunDirectory(sweep / f"batching-hybrid_alpha-{number / points:.4f}_model-base_seed-1")
        (run.checkpoints / "best").mkdir(parents=True)
        write_sealed_text(run.config, config)
        run.history.write_bytes(history)
        (run.path / ".lock").touch()
        if number % 2:
            write_status(run.status, State.FINISHED, "h", phase="evaluate", done=7, total=7)
            write_sealed(run.result, result)
            continue
        state = (State.RUNNING, State.QUEUED, State.FAILED)[number % 3]
        write_status(run.status, state, "h", "no data" if state is State.FAILED else None)
        attempts = (Attempt(str(number), "node1", BEGAN, 0),)
        resources = {"nodes": 1, "gpus": 4, "minutes": 90}
        write_job(run.path, JobRecord("stand_in", str(number), BEGAN, ("seed=1",), resources, attempts))
    rows = [{"run": path.name, "seconds": 60.0, "gpus": 4, "state": "queued"} for path in sorted(sweep.iterdir())]
    write_sealed(sweep / "sweep.json", {"version": 1, "command": "python -m hybridret.run -m x=1", "points": rows})


def timed(*words: str) -> tuple[float, float]:
    """Seconds of wall and of CPU of a process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, start = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", DRIVER, *words], env=environment, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sweep = Path(folder) / "multirun" / "many"
        fabricate(sweep, options.points)
        for words in ([], ["--json"], ["--html"]):
            timed(str(sweep), *words)
            taken = [timed(str(sweep), *words) for _ in range(5)]
            wall, cpu = (statistics.median(one) for one in zip(*taken, strict=True))
            print(f"status {' '.join(words):<6} {options.points:,} points: {wall:.2f} s, {cpu:.2f} s of CPU", end="")
            print(f" (target {TARGET:.0f} s)" if options.points == 1000 else "")


if __name__ == "__main__":
    main()
