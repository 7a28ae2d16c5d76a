"""Commands start at once: what each may not import, because its users would wait for it.

The list of each command is of modules that cost more than .1 s of CPU and have no part in what it does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hybridret.command import COMMANDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
FROZEN = ROOT / "tests" / "frozen"
HEAVY = (
    "torch", "transformers", "pytorch_lightning", "lightning_fabric", "torchmetrics", "wandb", "scipy.stats", "pandas",
    "datasets", "matplotlib", "jinja2", "peft", "torchao", "sentence_transformers", "mteb", "faiss", "numba",
)  # fmt: skip
TRAINING = ("pytorch_lightning", "lightning_fabric", "torchmetrics", "peft", "torchao", "scipy.stats", "matplotlib")
LAUNCH = ("wandb.sdk.launch", "wandb.apis.public")
DRIVER = """
import json, runpy, sys
names, *sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
except SystemExit as left:
    code = left.code
loaded = [name for name in json.loads(names) if name in sys.modules]
print("LOADED", json.dumps([code or 0, loaded]))
"""
BM25 = ("hybridret.evaluate", "backbone=bm25", "logger=none", "eval=[heldout]", "data=jsonl", "data.path=boxes")

CASES = [(f"hybridret.{name}", "--help") for name in COMMANDS]
REFUSED = [
    ("hybridret.run", "batching.alpha=1.5"),
    ("hybridret.run", "training.steps=many"),
    ("hybridret.run", "training.batch_size=1"),
    ("hybridret.run", "schedule.decay=lienar"),
    ("hybridret.run", "loss.temperature=0"),
    ("hybridret.run", "optim.lr=-1"),
    ("hybridret.run", "optim.betas=[0.9,1]", "+optim.amsgrad=true"),
    ("hybridret.run", "adapter=lora", "adapter.rank=0"),
    ("hybridret.run", "adapter=lora", "adapter.frozen=bf16"),
    ("hybridret.run", "backbone=xlmr", "backbone.init=pretend"),
    ("hybridret.run", "backbone.pooling=maen"),
    ("hybridret.run", "backbone.vocabulary_size=99"),
    ("hybridret.run", "plan.utilisation=0"),
    ("hybridret.run", "index.query_tile=0"),
    ("hybridret.run", "evaluation.depth=0"),
    ("hybridret.run", "trainer.devices=2"),
    ("hybridret.run", "backbone=bm25"),
    ("hybridret.run", "seed=-1"),
    ("hybridret.run", "training.monitor=mono_mr"),
    ("hybridret.run", "training.monitor=mono_mrr"),
    ("hybridret.run", "logger=wandb", "logger.mode=dry"),
    ("hybridret.evaluate", "backbone=bm25", "evaluation.cutoffs=[0]", "eval=[heldout]"),
]


def loaded(names: tuple[str, ...], *command: str, folder: Path) -> tuple[int, list[str]]:
    """The exit code of a command, and those of `names` that its process had imported at its end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HYBRIDRET_CACHE": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(names), *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    code, found = json.loads(done.stdout.rpartition("LOADED ")[2])
    return code, found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small data set and a finished run."""
    folder = tmp_path_factory.mktemp("imports")
    shutil.copytree(FROZEN / "boxes", folder / "boxes")
    (kept,) = (FROZEN / "kept").glob("backbone*_seed-1")
    shutil.copytree(kept, folder / "run")
    return folder


@pytest.mark.parametrize("command", CASES, ids=" ".join)
def test_help_imports_nothing_heavy(place: Path, command: tuple[str, ...]) -> None:
    assert loaded(HEAVY, *command, folder=place) == (0, [])


@pytest.mark.parametrize("command", REFUSED, ids=" ".join)
def test_what_settings_tell_is_refused_before_torch(place: Path, command: tuple[str, ...]) -> None:
    own = () if command[0] == "hybridret.run" else ("pandas", "numba")  # of tables, and of BM25
    names = tuple(name for name in HEAVY if name not in own)
    assert loaded(names, *command, folder=place) == (2, [])


@pytest.mark.parametrize(
    ("names", "command"),
    [
        (("torch", "transformers", "wandb", "jinja2", *TRAINING), BM25),
        (("wandb", *TRAINING), ("hybridret.evaluate", "checkpoint=run", "logger=none", "eval=[heldout]", "name=plain")),
        ((*LAUNCH, *TRAINING), ("hybridret.evaluate", "checkpoint=run", "eval=[heldout]", "name=shown")),
        (("wandb", "scipy", *TRAINING), ("hybridret.search", "run", "--query", "What is in box 3?")),
        (("torch", "transformers", "wandb", *TRAINING[:-2]), ("hybridret.report", ".")),
        (HEAVY, ("hybridret.status", ".")),
        (HEAVY, ("hybridret.clean", ".", "--dry-run")),
        (HEAVY, ("hybridret.cancel", ".")),
        (("pytorch_lightning", "wandb"), ("hybridret.publish", "run", "model")),
        (("wandb", "transformers"), ("hybridret.run", "model=nano", "logger=none", "training.steps=0")),
    ],
    ids=lambda value: " ".join(value) if str(value[0]).startswith("hybridret") else "",
)
def test_commands_import_only_what_they_use(place: Path, names: tuple[str, ...], command: tuple[str, ...]) -> None:
    code, found = loaded(names, *command, folder=place)
    assert (code, found) == (2 if "training.steps=0" in command else 0, [])


def test_a_finished_run_is_found_at_once(tmp_path: Path) -> None:
    sys.path.insert(0, str(FROZEN))
    from recipes import FINISHED

    shutil.copytree(FROZEN / "boxes", tmp_path / "boxes")
    shutil.copytree(FROZEN / "kept", tmp_path / "multirun" / "kept")
    assert loaded(HEAVY, "hybridret.run", *FINISHED, folder=tmp_path) == (0, [])
