"""CPU seconds until a command answers: a refused value, --help, the first passage, query, training step, and verdict.

    python benchmarks/startup.py                 # about 3 minutes; goals: 1.5, 1.5, 3, 6, 7 and 12 s
    PYTHONPATH=OTHER_CHECKOUT python benchmarks/startup.py     # the same of another version

Each command is a process of its own on one thread; its seconds are those of user and system, which other work on the
machine changes little, and of three runs the median counts. The training is ended right behind its first step; the
other commands run to their end, writing included. The limit beside them is what importing torch, transformers and
Lightning takes by itself.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

RUNS = 3
BOXES = Path(__file__).resolve().parent.parent / "tests" / "frozen"

#: Runs an entry and ends its process right behind the first training step.
FIRST_STEP = """
import builtins, os, runpy, sys
plain = builtins.__import__
def watching(name, *rest, **named):
    found = plain(name, *rest, **named)
    callback = getattr(sys.modules.get("hybridret.training.checkpoints"), "Checkpoints", None)
    if callback is not None:
        builtins.__import__ = plain
        callback.on_train_batch_end = lambda *unused: os._exit(0)
    return found
builtins.__import__ = watching
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Case:
    """What is measured, how many seconds it may take, and the arguments of python."""

    name: str
    goal: float | None
    arguments: tuple[str, ...]


CASES = (
    Case("a refused value", 1.5, ("-m", "hybridret.run", "batching.alpha=1.5")),
    Case("--help", 1.5, ("-m", "hybridret.run", "--help")),
    Case(
        "first passage ranked by BM25",
        3,
        ("-m", "hybridret.evaluate", "backbone=bm25", "logger=none", "eval=[heldout]", "data=jsonl", "data.path=boxes"),
    ),
    Case("first query encoded", 6, ("-m", "hybridret.search", "run", "--query", "What is in box 3?")),
    Case("first training step", 7, ("-c", FIRST_STEP, "hybridret.run", "logger=none", "sweep=step")),
    Case("verdict on 1b, 3b, 10b", 12, ("-m", "hybridret.run", "-m", "model=1b,3b,10b", "sweep=verdict")),
    Case("import torch", None, ("-c", "import torch")),
    Case("import transformers' models", None, ("-c", "from transformers import PreTrainedModel")),
    Case("import Lightning", None, ("-c", "import pytorch_lightning")),
)


def cpu_seconds(arguments: tuple[str, ...]) -> float:
    """User and system seconds of one python process in a new folder with a small data set and a finished run."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "boxes").symlink_to(BOXES / "boxes")
        (Path(folder) / "run").symlink_to(next((BOXES / "kept").glob("backbone*_seed-1")))
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": f"{folder}/hub"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Measure and print a line each."""
    for case in CASES:
        taken = statistics.median(cpu_seconds(case.arguments) for _ in range(RUNS))
        verdict = ""
        if case.goal is not None:
            missed = f"missed by {taken - case.goal:.1f} s"
            verdict = f"   goal {case.goal:g} s: {'met' if taken <= case.goal else missed}"
        print(f"{case.name:32} {taken:6.2f} s{verdict}", flush=True)


if __name__ == "__main__":
    main()
