"""A plan as a CSV file: one row for each point, GPU and recipe (as asked, and the cheapest that fits)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hybridret.base.files import write_text
from hybridret.preflight.estimate import Estimate, GpuEstimate, PointEstimate

COLUMNS = (
    "point", "reason", "gpu", "which", "fits", "recipe", "parameters", "body", "trained", "flops_per_pair",
    "weights", "gradients", "optimizer", "activations", "logits", "gathered", "other", "total", "memory_bytes",
    "all_gathers", "reduce_scatters", "seconds_per_step", "hours", "gpu_hours", "cost", "encoding_hours", "index_bytes",
)  # fmt: skip


def write_csv(path: Path, points: Sequence[PointEstimate]) -> None:
    """Bytes, seconds and hours. A point without an estimate has one row with its reason. Raises UserError when `path`
    cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for point in points:
        if point.estimate is None:
            writer.writerow({"point": point.label, "reason": " ".join(point.reason.split())})
            continue
        for row in _rows(point.estimate):
            writer.writerow({"point": point.label, **row})
    write_text(path, text.getvalue())


def _rows(estimate: Estimate) -> Iterator[dict[str, Any]]:
    for asked, cheapest in zip(estimate.asked, estimate.cheapest, strict=True):
        yield _row("as asked", asked)
        if cheapest is not None:
            yield _row("cheapest", cheapest)


def _row(which: str, option: GpuEstimate) -> dict[str, Any]:
    plan = option.plan
    return {
        "gpu": option.gpu.name,
        "which": which,
        "fits": option.fits,
        "recipe": option.recipe.spell(),
        "parameters": plan.parameters["total"],
        "body": plan.parameters["body"],
        "trained": plan.parameters["trainable"],
        "flops_per_pair": plan.flops_per_pair,
        **vars(plan.memory),
        "total": plan.memory.total,
        "memory_bytes": option.gpu.memory_bytes,
        "all_gathers": plan.all_gathers,
        "reduce_scatters": plan.reduce_scatters,
        "seconds_per_step": option.seconds_per_step,
        "hours": option.hours,
        "gpu_hours": option.gpu_hours,
        "cost": option.cost,
        "encoding_hours": option.encoding_hours,
        "index_bytes": plan.index_bytes,
    }
