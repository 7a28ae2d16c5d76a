"""What must be true of the files of a sweep after its processes ended."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, NamedTuple

from hybridret.runs import RunDirectory
from hybridret.runs.leftovers import leftovers
from hybridret.runs.lock import in_use

TIMED = ("seconds", "pairs_per_second")
EQUAL = ("metrics.csv", "queries.parquet", "checkpoints/best/model.safetensors")
FAULTS = (
    "lost results", "false finished", "wrong states", "orphans", "stale locks", "temporary files", "wrong exit codes",
    "tracebacks", "not bit-equal",
)  # fmt: skip


class Kill(NamedTuple):
    """A signal that was sent: its name, to whom, and when, in words."""

    name: str
    target: str
    moment: str


def runs(folder: Path) -> list[Path]:
    """The run directories of a sweep."""
    return sorted(path for path in folder.glob("out/s/*") if path.is_dir() and not path.name.startswith("."))


def states(folder: Path) -> dict[str, str]:
    """The state of each run, after one look."""
    return {run.name: str(RunDirectory(run).look().get("state")) for run in runs(folder)}


def results(folder: Path) -> dict[Path, bytes]:
    """The results that there are."""
    return {path: path.read_bytes() for path in folder.glob("out/s/*/result.json")}


def lost(folder: Path, earlier: dict[Path, bytes]) -> int:
    """How many results that were there are gone or others now."""
    now = results(folder)
    return sum(now.get(path) != content for path, content in earlier.items())


def false_finished(folder: Path) -> int:
    """Runs that are said to be finished, by their own file or after a look, and have no whole result."""
    found = 0
    for run in runs(folder):
        claimed = {stored_state(run), str(RunDirectory(run).look().get("state"))}
        found += "finished" in claimed and not _is_whole(run)
    return found


def wrong_states(folder: Path, killed: bool) -> int:
    """How many are wrong: no process is left, and only where one was `killed` a point has failed."""
    wrong = 0
    for run in runs(folder):
        state = RunDirectory(run).look().get("state")
        if (run / "result.json").is_file():
            right = state == "finished"
        else:
            right = state in ("queued", "interrupted", None) or (state == "failed" and killed)
        wrong += not right or stored_state(run) != state
    return wrong


def stored_state(run: Path) -> str | None:
    """What `status.json` itself says."""
    path = run / "status.json"
    return str(json.loads(path.read_text())["state"]) if path.is_file() else None


def stale_locks(folder: Path) -> list[Path]:
    """Locks that keep others away although no process is left."""
    found = [*folder.glob("out/s/*/.lock"), *folder.glob("out/s/.submit.lock")]
    return [lock for lock in found if in_use(lock, lock.parent / "status.json") is not None]


def leftovers_in(folder: Path) -> list[Path]:
    """Temporary files in the run directories, after one look."""
    return [path for run in runs(folder) for path in leftovers(run)]


def wrong_code(code: int, kill: Kill | None, finished: bool) -> bool:
    """Whether the exit code of a sweep of this machine does not follow from what was sent to whom."""
    if kill is None or (finished and code == 0):
        return code != 0
    if kill.name == "SIGKILL":
        return code != (1 if kill.target == "point" else -signal.SIGKILL)
    return code != (130 if kill.name == "SIGINT" and kill.target != "point" else 75)


def differences(folder: Path, whole: Path) -> list[str]:
    """The files that are not bit for bit those of the undisturbed sweep; times apart."""
    pairs = zip(runs(folder), runs(whole), strict=True)
    return [f"{run.name}/{name}" for run, undisturbed in pairs for name in differences_of(run, undisturbed)]


def differences_of(run: Path, undisturbed: Path) -> list[str]:
    """The same of one run."""
    found = [name for name in EQUAL if (run / name).read_bytes() != (undisturbed / name).read_bytes()]
    if _history(run) != _history(undisturbed):
        found.append("history.jsonl")
    if _result(run) != _result(undisturbed):
        found.append("result.json")
    return found


def _is_whole(run: Path) -> bool:
    return (run / "result.json").is_file() and RunDirectory(run).read_result() is not None


def _history(run: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key not in (*TIMED, "crc32")} for row in rows]


def _result(run: Path) -> Any:
    result = json.loads((run / "result.json").read_text())
    kept = ("steps", "best_step", "best_validation_loss", "padding_share", "stopped", "mix")
    return result["metrics"], {key: result["training"][key] for key in kept}
