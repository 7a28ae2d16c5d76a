"""What must be true of the files of a sweep after its processes ended."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from hybridret.runs import RunDirectory
from hybridret.runs.leftovers import leftovers

TIMED = ("seconds", "pairs_per_second")
EQUAL = ("metrics.csv", "queries.parquet", "checkpoints/best/model.safetensors")


def runs(folder: Path) -> list[Path]:
    """The run directories of a sweep."""
    return sorted(path for path in folder.glob("out/s/*") if path.is_dir())


def states(folder: Path) -> dict[str, str]:
    """The state of each run, after one look."""
    return {run.name: str(RunDirectory(run).look().get("state")) for run in runs(folder)}


def wrong_states(folder: Path, told: tuple[str, str, str] | None) -> int:
    """How many are wrong: no process is left, and only a point that was killed has failed."""
    killed = told is not None and told[0] == "SIGKILL"
    wrong = 0
    for run in runs(folder):
        state = RunDirectory(run).look().get("state")
        if (run / "result.json").is_file():
            right = state == "finished"
        else:
            right = state in ("queued", "interrupted", None) or (state == "failed" and killed)
        on_disk = json.loads((run / "status.json").read_text())["state"] if (run / "status.json").is_file() else None
        wrong += not right or on_disk != state
    return wrong


def leftovers_in(folder: Path) -> list[Path]:
    """Temporary files in the run directories, after one look."""
    return [path for run in runs(folder) for path in leftovers(run)]


def wrong_code(code: int, told: tuple[str, str, str] | None, finished: bool) -> bool:
    """Whether the exit code of the sweep does not follow from what was sent to whom."""
    if told is None or (finished and code == 0):
        return code != 0
    name, target, _ = told
    if name == "SIGKILL":
        return code != (1 if target == "child" else -signal.SIGKILL)
    return code != (130 if name == "SIGINT" and target != "child" else 75)


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


def _history(run: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key not in (*TIMED, "crc32")} for row in rows]


def _result(run: Path) -> Any:
    result = json.loads((run / "result.json").read_text())
    kept = ("steps", "best_step", "best_validation_loss", "padding_share", "stopped", "mix")
    return result["metrics"], {key: result["training"][key] for key in kept}
