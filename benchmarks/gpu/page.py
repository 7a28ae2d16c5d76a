"""Results as Markdown: the page of a card, and the table that ends a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpu.case import Row

COLUMNS = (
    ("s a step", "seconds_per_step", "{:.3g}"),
    ("pairs/s", "pairs_per_second", "{:.4g}"),
    ("passages/s", "passages_per_second", "{:.4g}"),
    ("s", "seconds", "{:.3g}"),
    ("MFU", "mfu", "{:.1%}"),
    ("GiB at the peak", "peak_bytes", "GiB"),
    ("GiB planned", "planned_bytes", "GiB"),
)


def table(rows: Sequence[Row]) -> list[list[str]]:
    """A line a case, the head first; columns that nobody fills are left out."""
    measured = [row for row in rows if "bounds" not in row]
    used = [column for column in COLUMNS if any(column[1] in row for row in measured)]
    lines = [["case", "pairs", *(title for title, *_ in used), "failed"]]
    for row in measured:
        cells = [_cell(row.get(key), form) for _, key, form in used]
        lines.append([row["case"], str(row.get("pairs", "")), *cells, str(row.get("failed", ""))])
    if not any(line[-1] for line in lines[1:]):
        lines = [line[:-1] for line in lines]
    return lines


def _cell(value: Any, form: str) -> str:
    if value is None:
        return ""
    return f"{value / 2**30:.1f}" if form == "GiB" else form.format(value)


def plain(lines: Sequence[Sequence[str]]) -> str:
    """Columns for a terminal."""
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def page(content: dict[str, Any]) -> str:
    """The page of a card: hardware, versions, commit, goals, cases, what was left out."""
    machine, rows = content["machine"], content["cases"]
    lines = [
        f"# {machine['device']}",
        "",
        "Written by `python benchmarks/gpu_check.py`; what is measured and how stands in `docs/gpu.md`.",
        "",
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in machine.items() if value not in (None, [])),
        "",
        "## Goals",
        "",
        *_markdown([["goal", "reached", "met"], *_goals(content["goals"])]),
        "",
        "## Cases",
        "",
        *_markdown(table(rows)),
    ]
    if content["left_out"]:
        left = [[name, reason] for name, reason in content["left_out"].items()]
        lines += ["", "## Not measured", "", *_markdown([["case", "why"], *left])]
    commits = sorted({str(row.get("commit")) for row in rows})
    if len(commits) > 1:
        each = [[row["case"], str(row.get("commit"))[:10]] for row in rows]
        lines += ["", "## Commits", "", *_markdown([["case", "commit"], *each])]
    return "\n".join(lines) + "\n"


def _goals(goals: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [[one["goal"], one["reached"], "yes" if one["met"] else "**no**"] for one in goals]


def _markdown(lines: Sequence[Sequence[str]]) -> list[str]:
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return [f"| {' | '.join(line)} |" for line in [cells[0], ["---"] * len(cells[0]), *cells[1:]]]
