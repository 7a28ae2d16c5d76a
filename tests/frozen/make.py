"""Makes what is frozen in this folder anew: `python tests/frozen/make.py`. Only where a change is meant to change it.

Names of this machine are taken out of the run directories, and the checksums written again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "commands")]

import recipes  # noqa: E402
import yaml  # noqa: E402
from commands import Commands, rows, run_of, write_rows  # noqa: E402

from hybridret.base.checksums import read_sealed, write_sealed  # noqa: E402
from hybridret.runs.sums import read_result, write_result  # noqa: E402


def make(command: Commands, folder: Path) -> None:
    """Run all commands in `folder` and copy what is kept of them."""
    write_rows(folder / "boxes", rows())
    replace(folder / "boxes", HERE / "boxes")
    for module, arguments in (("run", recipes.FINISHED), ("run", recipes.LORA), ("evaluate", recipes.BM25)):
        done = command(module, *arguments, folder=folder)
        assert done.returncode == 0, done.stderr
    stopped = command("run", *recipes.STOPPED, folder=folder, hooks=[recipes.BEFORE_STEP_5])
    assert stopped.returncode == 75, stopped.stderr
    for run in (folder / "multirun" / "kept").iterdir():
        without_names(run)
    replace(folder / "multirun" / "kept", HERE / "kept")
    for last in (HERE / "kept").glob("*/result.json"):
        (last.parent / "checkpoints" / "last.ckpt").unlink(missing_ok=True)  # nothing reads it any more

    shutil.rmtree(HERE / "curves", ignore_errors=True)
    (HERE / "curves").mkdir()
    for name, arguments in recipes.CURVES.items():
        place = folder / name
        place.mkdir()
        shutil.copytree(folder / "boxes", place / "boxes")
        done = command("run", *recipes.STEPS, *arguments, folder=place)
        assert done.returncode == 0, done.stderr
        kept = [
            json.dumps({key: value for key, value in json.loads(line).items() if key not in recipes.TIMES})
            for line in (run_of(place) / "history.jsonl").read_text().splitlines()
        ]
        (HERE / "curves" / f"{name}.jsonl").write_text("\n".join(kept) + "\n")
        if name == "hybrid":
            shutil.copy(run_of(place) / "metrics.csv", HERE / "curves" / "hybrid_metrics.csv")
    shutil.copy(next((HERE / "kept").glob("*/environment.json")), HERE / "curves" / "environment.json")
    (HERE / "options.json").write_text(json.dumps(options(command, folder), indent=1) + "\n")


def options(command: Commands, folder: Path) -> dict[str, list[str]]:
    """The options of each command: words, or keys of the config; and what each group of the config offers."""
    found = {}
    for name in recipes.TOOLS:
        told = command(name, "--help", folder=folder)
        assert told.returncode == 0, told.stderr
        found[name] = sorted(set(re.findall(r"(?<![\w.-])--?[a-z][\w-]*", told.stdout.replace("python -m", ""))))
    for name in recipes.ENTRIES:
        shown = command(name, "--cfg", "job", folder=folder)
        assert shown.returncode == 0, shown.stderr
        found[name] = sorted(keys(yaml.safe_load(shown.stdout)))
    for group in sorted(path for path in (HERE.parent.parent / "conf").iterdir() if path.is_dir()):
        found[f"{group.name}="] = sorted(file.stem for file in group.glob("*.yaml"))
    return found


def keys(section: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """All keys, with dots."""
    for key, value in section.items():
        if isinstance(value, dict) and value:
            yield from keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def replace(source: Path, target: Path) -> None:
    """Copy a folder over an earlier one."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".lock", "__pycache__"))


def without_names(run: Path) -> None:
    """Take the host and the kernel out of a run directory."""
    environment = json.loads((run / "environment.json").read_text())
    environment |= {"platform": "Linux", "git": None, "processor": recipes.processor()}
    (run / "environment.json").write_text(json.dumps(environment, indent=2) + "\n")
    status = read_sealed(run / "status.json", "a status")
    write_sealed(run / "status.json", {**status, "host": "elsewhere"})
    if (run / "result.json").is_file():
        write_result(run / "result.json", read_result(run / "result.json"))


def main() -> None:
    """Make everything in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        cache = {"OMP_NUM_THREADS": "1", "HYBRIDRET_CACHE": f"{folder}/cache"}
        server = subprocess.Popen(
            [sys.executable, str(HERE.parent / "commands" / "forking.py")],
            env={**os.environ, **cache},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with server:
            work = Path(folder) / "work"
            work.mkdir()
            make(Commands(server), work)
            assert server.stdin is not None
            server.stdin.close()


if __name__ == "__main__":
    main()
