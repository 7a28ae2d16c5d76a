"""Random signals at random moments to a small sweep, start and exit included: what is lost, wrong or left behind?

    python tests/chaos/kill_runs.py --count 200 --seed 1

Each round is a sweep in a folder of its own. A signal is sent to its parent, one of its points or all of them, then
the same command goes on, until everything is finished; then the files are compared with those of a sweep that nothing
disturbed. Needs Linux.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from processes import ROOT, Sweep, alive_in, deliver
from verdicts import differences, leftovers_in, states, wrong_code, wrong_states

sys.path.insert(0, str(ROOT / "tests" / "commands"))
from commands import SMALL, rows, write_rows

ARGUMENTS = (
    *SMALL, "training.steps=24", "output=out", "sweep=s", "seed=1,2",
    "hydra.launcher.n_jobs=2", "hydra.launcher.threads=1",
)  # fmt: skip
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP, signal.SIGKILL)
TARGETS = ("parent", "child", "group")
FAULTS = ("lost", "wrong status", "orphans", "temporary files", "wrong exit codes", "tracebacks", "not bit-equal")
LEAVING = 120.0  # seconds that a point has to save its state after its sweep died


def main() -> int:
    """Returns 0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="signals that are sent (default: 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder, removed at the end)")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="kill-runs-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        faults = rounds(folder, asked.count, random.Random(asked.seed))
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(f"{asked.count} signals: {', '.join(f'{faults[kind]} {kind}' for kind in FAULTS)}\n")
    return int(faults.total() > 0)


def rounds(folder: Path, count: int, draw: random.Random) -> Counter[str]:
    """Send `count` signals; returns how many faults of each kind were seen."""
    arguments = (*ARGUMENTS, f"data.path={write_rows(folder / 'boxes', rows())}")
    whole = Sweep(folder / "whole", arguments)
    started = time.monotonic()
    if whole.wait() != 0:
        raise SystemExit(f"The sweep does not run at all: {whole.errors()}")
    length = time.monotonic() - started
    faults: Counter[str] = Counter()
    sent = number = 0
    while sent < count:
        number += 1
        place = folder / f"round-{number}"
        while sent < count and not is_finished(place):
            sweep = Sweep(place, arguments)
            told = disturb(sweep, length, draw)
            code = sweep.wait()
            found = judged(sweep, code, told)
            sent += told is not None
            words = " ".join(told) if told is not None else "undisturbed"
            said = f"{sent:4}  round {number}  {words}: code {code}, {' '.join(states(place).values()) or 'nothing'}"
            sys.stdout.write(f"{said}{'  FAULT: ' if found else ''}{'; '.join(map(str, found.items()))}\n")
            sys.stdout.flush()
            if found:
                sys.stdout.write(sweep.errors())
            faults += found
        last = Sweep(place, arguments)
        if last.wait() != 0 or not is_finished(place):
            faults["lost"] += 1
            sys.stdout.write(last.errors())
        elif different := differences(place, folder / "whole"):
            faults["not bit-equal"] += 1
            sys.stdout.write(f"round {number}: {different}\n")
        else:
            shutil.rmtree(place)
    return faults


def is_finished(place: Path) -> bool:
    """Whether both points have a result."""
    return len(list(place.glob("out/s/*/result.json"))) == 2


def disturb(sweep: Sweep, length: float, draw: random.Random) -> tuple[str, str, str] | None:
    """Send one signal, whose name, target and moment are returned; None where the sweep ended before that."""
    number, target = draw.choice(SIGNALS), draw.choice(TARGETS)
    if draw.random() < 0.25:  # the exit is a short part of the whole: aim at it
        delay, moment = draw.uniform(0, 0.05 * length), "results"
        while sweep.process.poll() is None and not is_finished(sweep.folder):
            time.sleep(0.002)
    else:
        delay = draw.uniform(0, 0.8 * length)
        moment = "start"
    end = time.monotonic() + delay
    while sweep.process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    if not deliver(sweep, number, target, draw):
        return None
    return number.name, target, f"{delay:.2f} s after {moment}"


def judged(sweep: Sweep, code: int, told: tuple[str, str, str] | None) -> Counter[str]:
    """The faults that are seen after the sweep ended."""
    found: Counter[str] = Counter()
    end = time.monotonic() + LEAVING
    while (sweep.dying() or alive_in(sweep.folder)) and time.monotonic() < end:
        time.sleep(0.05)
    found["orphans"] += len(alive_in(sweep.folder))
    found["wrong status"] += wrong_states(sweep.folder, told)
    found["temporary files"] += len(leftovers_in(sweep.folder))
    found["wrong exit codes"] += wrong_code(code, told, is_finished(sweep.folder))
    found["tracebacks"] += "Traceback" in sweep.errors() or "Exception ignored" in sweep.errors()
    return +found


if __name__ == "__main__":
    sys.exit(main())
