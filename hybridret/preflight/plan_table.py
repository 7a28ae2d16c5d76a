"""The printed plan: two tables, their assumptions, and a line with the verdict on each point."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from hybridret.preflight.estimate import Estimate, GpuEstimate, PointEstimate
from hybridret.preflight.estimate_groups import group_by_estimate
from hybridret.preflight.wording import (
    assumptions,
    changed,
    communication,
    count,
    duration,
    gib,
    hours,
    money,
    share_of,
    teraflops,
    total,
    verdict,
)

PARTS = {
    "weights": "weights",
    "gradients": "grads",
    "optimizer": "optim.",
    "activations": "activ.",
    "logits": "logits",
    "gathered": "gathered",
    "other": "other",
}
WIDTH = 120


def print_plan(points: Sequence[PointEstimate]) -> None:
    """Print tables for the points that have an estimate, and for the others why they have none."""
    from rich.console import Console

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=WIDTH)
    groups = group_by_estimate(points)
    made = [(group.label, group.first.estimate) for group in groups if group.first.estimate is not None]
    if made:
        console.print(_needs(made))
        console.print(_costs(made))
        sharded = [communication(label, estimate) for label, estimate in made if estimate.plan.all_gathers]
        for line in [*assumptions(made), *sharded]:
            console.print(line, markup=False, highlight=False)
        console.print()
    for line in [verdict(group) for group in groups] + ([total(groups)] if len(points) > 1 and made else []):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _needs(made: Sequence[tuple[str, Estimate]]) -> Any:
    """The table of what does not depend on the GPU: parameters, work, and memory of one device by part."""
    from rich.table import Table

    table = Table(title="What a point needs as asked (memory in GiB on each device)", box=None, pad_edge=False)
    table.add_column("point", overflow="fold")
    for column in ("params", "body", "trained", "TFLOP/pair", *PARTS.values(), "total", "index"):
        table.add_column(column, justify="right", no_wrap=True)
    for label, estimate in made:
        plan = estimate.plan
        table.add_row(
            label,
            *(count(plan.parameters[key]) for key in ("total", "body", "trainable")),
            teraflops(plan.flops_per_pair),
            *(gib(getattr(plan.memory, part)) for part in PARTS),
            gib(plan.memory.total),
            gib(plan.index_bytes) if estimate.inputs.workload.evaluation_passages else "",
        )
    return table


def _costs(made: Sequence[tuple[str, Estimate]]) -> Any:
    """Each point on each GPU: as asked, and with the cheapest recipe that fits where that is another."""
    from rich.table import Table

    table = Table(title="\nOn each GPU", box=None, pad_edge=False)
    table.add_column("point", overflow="fold")
    table.add_column("GPU", no_wrap=True)
    table.add_column("recipe", overflow="fold")
    for column in ("GiB of GiB", "fits", "a step", "training", "GPU hours", "cost", "encoding"):
        table.add_column(column, justify="right", no_wrap=True)
    for label, estimate in made:
        shown = label
        for asked, cheapest in zip(estimate.asked, estimate.cheapest, strict=True):
            table.add_row(shown, asked.gpu.name, "as asked", *_cells(asked, estimate))
            shown = ""
            if cheapest is None:
                table.add_row("", "", "no recipe that plan knows fits", *[""] * 7)
            elif cheapest.recipe != asked.recipe:
                table.add_row("", "", changed(asked.recipe, cheapest.recipe), *_cells(cheapest, estimate))
    return table


def _cells(option: GpuEstimate, estimate: Estimate) -> list[str]:
    encoded = estimate.inputs.workload.evaluation_passages
    needed = share_of(option.plan.memory.total, option.gpu)
    if not option.fits:
        return [needed, "no", *[""] * 5]
    return [
        needed,
        "yes",
        duration(option.seconds_per_step),
        hours(option.hours),
        f"{option.gpu_hours:,.1f}",
        money(option.cost),
        hours(option.encoding_hours) if encoded else "",
    ]
