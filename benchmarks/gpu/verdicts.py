"""Goals, and what was reached. A goal whose case did not run has no verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gpu.case import Case, Row, Way

MFU = {"3b adamw": 0.45, "10b": 0.40}  # of training: the best case of a size must reach it
ENCODING = 0.55  # of the measured peak, at 3b
PLAN = 0.10  # peak memory against the plan's
LARGE = 1.05  # peak of a large batch against that of 100 pairs
SEARCH = 1.2  # seconds of a search against those of its bare products
EXACT = 40.0  # seconds of all checks of exactness


def derived(case: Case, way: Way, found: Row, peaks: Row) -> Row:
    """`found` with what was expected and the ratios of both; `peaks`: what the card reached."""
    row = {"case": case.name, "kind": case.kind, **found}
    if "failed" in found:
        return row
    row |= dict(way.expected)
    peak = peaks.get("bf16_flops_per_second")
    if "flops_per_step" in row and "seconds_per_step" in row and peak:  # no plan of texts of mixed lengths
        row["mfu"] = row["flops_per_step"] / row["seconds_per_step"] / peak
        row["hardware_utilisation"] = row["flops_per_step_executed"] / row["seconds_per_step"] / peak
    if "planned_bytes" in row and "peak_bytes" in row:
        row["peak_to_plan"] = row["peak_bytes"] / row["planned_bytes"]
    if case.kind == "encode" and peak:
        row["mfu"] = row["passages_per_second"] * row["flops_per_passage"] / peak
        row["mfu_forward"] = row["passages_per_second_forward"] * row["flops_per_passage"] / peak
    if "seconds_bare_product" in row:
        row["times_bare_product"] = row["seconds"] / row["seconds_bare_product"]
    return row


def verdicts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """`goal`, what was `reached`, whether it was `met`."""
    done = {row["case"]: row for row in rows if "failed" not in row and "skipped" not in row}
    parts = (_exact, _training, _memory, _encoding, _search)
    return [{"goal": goal, "reached": reached, "met": met} for part in parts for goal, reached, met in part(done)]


Found = Iterator[tuple[str, str, bool]]


def _exact(done: dict[str, Row]) -> Found:
    for name, row in done.items():
        for one in row.get("bounds", []):
            sign = ">=" if one["least"] else "<="
            yield f"{name}: {one['what']} {sign} {one['bound']:g}", f"{one['value']:.3g}", one["holds"]
    seconds = [row["seconds_of_case"] for row in done.values() if row["kind"] == "exact"]
    if seconds:
        yield f"exactness in at most {EXACT:g} s", f"{sum(seconds):.1f} s", sum(seconds) <= EXACT


def _training(done: dict[str, Row]) -> Found:
    for start, goal in MFU.items():
        reached = {name: row["mfu"] for name, row in done.items() if name.startswith(start) and "mfu" in row}
        if reached:
            best = max(reached, key=lambda name: reached[name])
            yield f"MFU of {start} at least {goal:.0%}", f"{reached[best]:.1%} ({best})", reached[best] >= goal


def _memory(done: dict[str, Row]) -> Found:
    for name, row in done.items():
        if "peak_to_plan" in row:
            off = abs(row["peak_to_plan"] - 1)
            yield f"peak within {PLAN:.0%} of plan: {name}", f"{row['peak_to_plan']:.3f}", off <= PLAN
    for name, row in done.items():
        small = done.get(name.replace("large batch", "100 pairs"))
        if small is None or small is row:
            continue
        ratio = row["peak_bytes"] / small["peak_bytes"]
        yield f"peak of {row['pairs']} pairs at most {LARGE} of few: {name}", f"{ratio:.3f}", ratio <= LARGE


def _encoding(done: dict[str, Row]) -> Found:
    reached = {name: row["mfu"] for name, row in done.items() if name.startswith("encode 3b") and "mfu" in row}
    if reached:
        best = max(reached, key=lambda name: reached[name])
        yield (
            f"encoding at 3b at least {ENCODING:.0%} of the peak",
            f"{reached[best]:.1%} ({best})",
            reached[best] >= ENCODING,
        )


def _search(done: dict[str, Row]) -> Found:
    for name, row in done.items():
        if "times_bare_product" in row:
            ratio = row["times_bare_product"]
            yield f"at most {SEARCH} of the bare products: {name}", f"{ratio:.2f}", ratio <= SEARCH
    card, package = (done.get(f"search fp32, {where}") for where in ("vectors on the card", "by the package"))
    if card and package:
        bare = card["seconds_bare_product"] * package["passages"] / card["passages"]
        ratio = package["seconds"] / bare
        yield f"at most {SEARCH} of the bare products: search fp32, by the package", f"{ratio:.2f}", ratio <= SEARCH
