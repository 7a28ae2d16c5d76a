"""What 1b, 3b and 10b need and reach on the GPU of this machine: `make gpu-check`, under ten minutes on one of 141 GB.

    python benchmarks/gpu_check.py                       # results go to docs/results/gpu/GPU/
    python benchmarks/gpu_check.py --only 3b             # the cases whose name holds a text
    python benchmarks/gpu_check.py --tiny --device cpu --out FOLDER   # does the script itself still work?

Random weights of XLM-R's sizes, texts of 32 + 128 tokens, the training that `run` does (`gpu_case.py`), each case in a
process of its own. MFU: model FLOPs of forward and backward pass, recomputation not counted, against the dense bf16
peak that a large matrix product reaches in this script. Targets stand beside what was measured, met or not.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parent.parent
FULL = {
    "family": "xlmr", "precision": "bf16-mixed", "optim": "adamw", "adapter": "full", "recompute": True,
    "recompute_layers": False, "compile": False, "warmup": 1, "steps": 2, "chunk_size": 100,
}  # fmt: skip
SMALL = {"batch_size": 100, "warmup": 2, "steps": 3}
LORA = {"adapter": "lora", "adapter_options": {"frozen": "bf16"}}
CASES: dict[str, dict[str, Any]] = {
    "1b adamw, batch 100": {**FULL, **SMALL, "size": "1b"},
    "1b adamw, batch 8192": {**FULL, "size": "1b", "batch_size": 8192, "steps": 1},
    "3b adamw, batch 100, compiled": {**FULL, **SMALL, "size": "3b", "recompute": False, "compile": True},
    "3b adamw, batch 100": {**FULL, **SMALL, "size": "3b"},
    "3b adamw, batch 8192": {**FULL, "size": "3b", "batch_size": 8192, "warmup": 1, "steps": 1},
    "10b adam8bit, batch 100": {**FULL, **SMALL, "size": "10b", "optim": "adam8bit", "recompute_layers": True},
    "10b adam8bit, batch 1024": {
        **FULL, "size": "10b", "optim": "adam8bit", "recompute_layers": True, "batch_size": 1024, "steps": 1
    },
    "10b lora, batch 100": {**FULL, **SMALL, **LORA, "size": "10b", "chunk_size": 50},
    "10b lora, batch 1024": {**FULL, **LORA, "size": "10b", "chunk_size": 50, "batch_size": 1024, "steps": 1},
}  # fmt: skip
TINY = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128, "vocab_size": 2000,
}  # fmt: skip

MFU = {"3b": 0.45, "10b": 0.40}  # the best case of a size must reach it
PLAN = 0.10  # peak memory against the plan's
LARGE = 1.05  # peak of a large batch against that of 100 pairs at the same chunk size
TIMEOUT = 300  # seconds a case


def main() -> int:
    """Measure, print, write; 0 where every target is met, 1 where one is missed or a case failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[""], help="cases whose name holds one of these texts")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true", help="the same cases with a tiny network and small batches")
    parser.add_argument("--out", type=Path, help="where the results go (docs/results/gpu/GPU)")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write("Error: this machine has no GPU that torch can use. --tiny --device cpu tries the script.\n")
        return 2
    machine = hardware(arguments.device)
    peak = matmul_peak(arguments.device, 256 if arguments.tiny else 8192)
    print(f"{machine['device']}: a large bf16 matrix product reaches {peak / 1e12:.3g} TFLOP/s", flush=True)
    folder = arguments.out or ROOT / "docs" / "results" / "gpu" / machine["device"].lower().replace(" ", "-")
    machine |= {"matmul_flops_per_second": peak}
    rows = earlier(folder, machine)
    for name, case in CASES.items():
        if not any(part in name for part in arguments.only):
            continue
        found = measure(tiny(case) if arguments.tiny else case, arguments.device)
        row = {"case": name, **found, "recipe": recipe(case)}
        if "seconds_per_step" in found:
            row["mfu"] = found["model_flops_per_second"] / peak
            row["peak_to_plan"] = found["peak_bytes"] / found["planned_bytes"]
        rows = [one for one in rows if one["case"] != name] + [row]
        print(line(row), flush=True)
        write(folder, machine, rows, verdicts(rows))  # after each: a check that is cut short leaves what it has
    checked = verdicts(rows)
    for text, met in checked:
        print(f"{'met   ' if met else 'MISSED'} {text}")
    print(f"Written: {folder}")
    return 0 if all(met for _, met in checked) and all("failed" not in row for row in rows) else 1


def hardware(device: str) -> dict[str, Any]:
    """What the numbers belong to."""
    import transformers

    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    commit = None
    with suppress(OSError, subprocess.CalledProcessError):  # no git, or no repository
        commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    return {
        "device": name,
        "memory_bytes": torch.cuda.get_device_properties(0).total_memory if device == "cuda" else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "transformers": transformers.__version__,
        "commit": commit,
        "date": datetime.now(UTC).date().isoformat(),
    }


def earlier(folder: Path, machine: dict[str, Any]) -> list[dict[str, Any]]:
    """Cases that were measured before with the same card, code and versions: `--only` may be called several times."""
    path = folder / "gpu_check.json"
    if not path.is_file():
        return []
    held = json.loads(path.read_text(encoding="utf-8"))
    apart = ("date", "matmul_flops_per_second")
    same = all(held["machine"].get(key) == value for key, value in machine.items() if key not in apart)
    return list(held["cases"]) if same else []


def matmul_peak(device: str, width: int) -> float:
    """FLOP/s of the best of ten products of two square bf16 matrices."""
    left, right = (torch.randn(width, width, device=device, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        if device == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(5):
            left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - began) / 5)
    return 2 * width**3 / best


def tiny(case: dict[str, Any]) -> dict[str, Any]:
    """The same recipe in seconds on a CPU: as many chunks as the real case has, up to 16."""
    chunks = min(16, -(-case["batch_size"] // case["chunk_size"]))
    small = {"batch_size": 4 * chunks, "chunk_size": 4, "warmup": 1, "steps": 1, "compile": False}
    return {**case, **small, "config": TINY}


def measure(case: dict[str, Any], device: str) -> dict[str, Any]:
    """Run a case; a failed one says why."""
    command = [sys.executable, str(Path(__file__).with_name("gpu_case.py")), json.dumps(case), "--device", device]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False, env=paths)
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {TIMEOUT} s"}
    if done.returncode:
        sys.stderr.write(done.stderr[-3000:])
        return {"failed": (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def recipe(case: dict[str, Any]) -> str:
    """The recipe as overrides of `run`."""
    keys = [f"optim={case['optim']}", f"adapter={case['adapter']}"]
    keys += [f"adapter.{key}={value}" for key, value in case.get("adapter_options", {}).items()]
    keys += [f"trainer.precision={case['precision']}"]
    keys += [
        f"training.{key}={str(case[key]).lower()}"
        for key in ("batch_size", "chunk_size", "recompute", "recompute_layers", "compile")
    ]
    return " ".join(keys)


def line(row: dict[str, Any]) -> str:
    """One case for the terminal."""
    if "failed" in row:
        return f"{row['case']}: FAILED: {row['failed']}"
    return (
        f"{row['case']}: {row['seconds_per_step']:.3g} s a step, {row['pairs_per_second']:.4g} pairs/s, MFU "
        f"{row['mfu']:.1%}, peak {row['peak_bytes'] / 1e9:.4g} GB, {row['peak_to_plan']:.2f} of plan"
    )


def verdicts(rows: list[dict[str, Any]]) -> list[tuple[str, bool]]:
    """Every target with what was measured, for the cases that ran."""
    done = {row["case"]: row for row in rows if "failed" not in row}
    found: list[tuple[str, bool]] = []
    for size, target in MFU.items():
        reached = {name: row["mfu"] for name, row in done.items() if name.split()[0] == size}
        if reached:
            best = max(reached, key=lambda name: reached[name])
            found.append(
                (f"MFU at {size} at least {target:.0%}: {reached[best]:.1%} ({best})", reached[best] >= target)
            )
    for name, row in done.items():
        off = abs(row["peak_to_plan"] - 1)
        found.append((f"peak within {PLAN:.0%} of plan: {row['peak_to_plan']:.3f} ({name})", off <= PLAN))
    for name, row in done.items():
        small = done.get(f"{name.partition(', batch')[0]}, batch 100")
        if small is None or small is row or name.split()[0] == "1b" or "compiled" in name:
            continue
        ratio = row["peak_bytes"] / small["peak_bytes"]
        found.append((f"peak at most {LARGE} of batch 100: {ratio:.3f} ({name})", ratio <= LARGE))
    return found


def write(folder: Path, machine: dict[str, Any], rows: list[dict[str, Any]], checked: list[tuple[str, bool]]) -> None:
    """`gpu_check.csv`, a row a case, and `gpu_check.json` with the machine and the verdicts."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(key for row in rows for key in row))
    with open(folder / "gpu_check.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        table.writerows(rows)
    verdict = [{"target": text, "met": met} for text, met in checked]
    content = {"machine": machine, "cases": rows, "targets": verdict}
    (folder / "gpu_check.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
