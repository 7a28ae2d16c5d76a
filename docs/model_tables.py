"""Tables of models for README.md: parameters counted without weights, and memory as `plan` measures it."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SIZES = ("1b", "3b", "10b")
WORKLOAD = ("text.query_length=64", "text.passage_length=256", "training.batch_size=100", "trainer=gpu")
GIB = 1 << 30


def models() -> str:
    """A row for each backbone: its sizes and their parameters, counted without weights."""
    from hybridret.components.components import Components
    from hybridret.config.compose import points
    from hybridret.config.validate import read_settings, resolved
    from hybridret.encoders.backbone import Backbone
    from hybridret.encoders.counting import counted
    from hybridret.preflight.plan_command import filled
    from hybridret.preflight.wording import count

    lines = ["| `backbone=` | `model=` (parameters) |", "|---|---|"]
    for path in sorted((ROOT / "conf" / "backbone").glob("*.yaml")):
        family = yaml.safe_load(path.read_text("utf-8"))
        sizes = family.get("sizes")
        if not sizes or family.get("checkpoint") == "???":  # BM25, and families of one model that the user names
            continue
        words = []
        for size in sizes:
            (point,) = points([f"backbone={path.stem}", f"model={size}"], multirun=False)
            assert point.config is not None
            backbone = Components(read_settings(resolved(filled(point.config)))).backbone
            assert isinstance(backbone, Backbone)
            total = counted(backbone.meta(size))["total"]
            words.append(f"{size} ({count(total)})")
        lines.append(f"| `{path.stem}` | {', '.join(words)} |")
    return "\n" + "\n".join(lines) + "\n\n"


def recipes(family: str, gpu: str) -> str:
    """A row for each size: parameters, memory as asked, and the recipe that changes the training least and fits."""
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "plan.csv"
        sizes = f"model={','.join(SIZES)}"
        command = [sys.executable, "-m", "hybridret.plan", "-m", f"backbone={family}", sizes, f"plan.gpus=[{gpu}]"]
        subprocess.run([*command, *WORKLOAD, "--csv", str(plan)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        rows = list(csv.DictReader(plan.open(encoding="utf-8")))
    lines = [
        f"| `backbone={family}` | parameters | GiB as asked | the first recipe that fits one {gpu.upper()} |",
        "|---|--:|--:|---|",
    ]
    for size in SIZES:
        asked, cheapest = (
            next(row for row in rows if row["point"] == size and row["which"] == which)
            for which in ("as asked", "cheapest")
        )
        known = asked["recipe"].split(", ")
        words = [word for word in cheapest["recipe"].split(", ") if word not in known]
        fits = f"{', '.join(words)}: {_gib(cheapest)} GiB" if words else "as asked"
        lines.append(f"| `model={size}` | {_count(int(asked['parameters']))} | {_gib(asked)} | {fits} |")
    return "\n" + "\n".join(lines) + "\n\n"


def _gib(row: dict[str, str]) -> str:
    return f"{float(row['total']) / GIB:.3g}"


def _count(parameters: int) -> str:
    from hybridret.preflight.wording import count

    return count(parameters)
