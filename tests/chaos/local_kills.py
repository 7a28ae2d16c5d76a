"""Rounds of kills of sweeps whose points are processes of this machine."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from commands import SMALL, rows, write_rows
from processes import Sweep, alive_in, deliver
from verdicts import (
    Kill,
    differences,
    false_finished,
    leftovers_in,
    lost,
    results,
    stale_locks,
    states,
    wrong_code,
    wrong_states,
)

SHARED = (*SMALL, "training.steps=24", "output=out", "sweep=s", "hydra.launcher.threads=1")
#: Two points at once, or one of two ranks.
KINDS = {
    "two points": (*SHARED, "seed=1,2", "hydra.launcher.n_jobs=2"),
    "two ranks": (*SHARED, "seed=1,2", "hydra.launcher.n_jobs=1", "trainer.strategy=ddp", "trainer.devices=2"),
}
SHARES = (3, 1)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP, signal.SIGKILL, signal.SIGKILL)
TARGETS = ("controller", "point", "group")
LEAVING = 300.0  # seconds that a point has to save its state after its sweep died


def rounds(folder: Path, count: int, draw: random.Random, found: Counter[str]) -> None:
    """Kill `count` times; faults of each kind, and `kills`, are counted in `found`."""
    data = f"data.path={write_rows(folder / 'boxes', rows())}"
    lengths: dict[str, float] = {}
    number = 0
    while found["kills"] < count:
        number += 1
        kind = draw.choices(list(KINDS), SHARES)[0]
        arguments, whole = (*KINDS[kind], data), folder / f"whole-{kind.replace(' ', '-')}"
        if kind not in lengths:
            lengths[kind] = undisturbed(whole, arguments)
        here = folder / f"round-{number}"
        one_round(here, arguments, lengths[kind], count, draw, found)
        if not is_finished(here):
            found["lost results"] += 1
            say(f"round {number}: cannot be finished")
        elif different := differences(here, whole):
            found["not bit-equal"] += 1
            say(f"round {number}: {different}")
        else:
            shutil.rmtree(here)


def undisturbed(folder: Path, arguments: Sequence[str]) -> float:
    """The seconds of a sweep that nothing disturbs. Raises SystemExit where it fails."""
    started, sweep = time.monotonic(), Sweep(folder, ("run", "-m", *arguments))
    if sweep.wait() != 0:
        raise SystemExit(f"The sweep does not run at all: {sweep.errors()}")
    return time.monotonic() - started


def one_round(
    here: Path, arguments: Sequence[str], length: float, count: int, draw: random.Random, found: Counter[str]
) -> None:
    """Start a sweep and kill until it is finished, or `count` is reached; then let it end."""
    while found["kills"] < count and not is_finished(here):
        earlier, failed = results(here), "failed" in states(here).values()
        sweep = Sweep(here, again(here, arguments, draw))
        kill = disturb(sweep, length, draw)
        code = sweep.wait()
        faults = judged(sweep, code, kill, earlier, failed)
        found["kills"] += kill is not None
        words = f"{kill.name} to {kill.target}, {kill.moment}" if kill is not None else "undisturbed"
        say(
            f"{found['kills']:4} {here.name} {sweep.words[0]}: {words}: code {code}, {' '.join(states(here).values())}"
            + ("  FAULT: " + "; ".join(map(str, faults.items())) if faults else "")
        )
        if faults:
            say(sweep.errors())
        found += faults
    last = Sweep(here, ("run", "-m", *arguments))
    if last.wait() != 0:
        say(last.errors())


def again(here: Path, arguments: Sequence[str], draw: random.Random) -> tuple[str, ...]:
    """What goes on: the same command or, where that can, `resume` or `retry`."""
    same = ("run", "-m", *arguments)
    seen = states(here).values()
    if not (here / "out" / "s" / "sweep.json").is_file() or draw.random() < 0.5:
        return same
    if "failed" in seen:
        return ("retry", "--failed", "out/s")
    return ("resume", "out/s")


def is_finished(here: Path) -> bool:
    """Whether both points have a result."""
    return len(results(here)) == 2


def disturb(sweep: Sweep, length: float, draw: random.Random) -> Kill | None:
    """Send one signal; None where the sweep ended before that."""
    number, target = draw.choice(SIGNALS), draw.choice(TARGETS)
    if draw.random() < 0.25:  # the exit is a short part of the whole: aim at it
        delay, since = draw.uniform(0, 0.05 * length), "results"
        while sweep.process.poll() is None and not is_finished(sweep.folder):
            time.sleep(0.01)
    else:
        delay, since = draw.uniform(0, 0.8 * length), "start"
    end = time.monotonic() + delay
    while sweep.process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    if not deliver(sweep, number, target, draw):
        return None
    return Kill(number.name, target, f"{delay:.2f} s after {since}")


def judged(sweep: Sweep, code: int, kill: Kill | None, earlier: dict[Path, bytes], failed: bool) -> Counter[str]:
    """The faults that are seen after the sweep ended; `earlier`, `failed`: results, and a failed point, before it."""
    end = time.monotonic() + LEAVING
    while (sweep.dying() or alive_in(sweep.folder)) and time.monotonic() < end:
        time.sleep(0.05)
    here, found = sweep.folder, Counter[str]()
    found["orphans"] += len(alive_in(here))
    found["lost results"] += lost(here, earlier)
    found["false finished"] += false_finished(here)
    found["wrong states"] += wrong_states(here, failed or (kill is not None and kill.name == "SIGKILL"))
    found["stale locks"] += len(stale_locks(here))
    found["temporary files"] += len(leftovers_in(here))
    found["wrong exit codes"] += wrong_code(code, kill, is_finished(here))
    found["tracebacks"] += "Traceback" in sweep.errors() or "Exception ignored" in sweep.errors()
    return +found


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
