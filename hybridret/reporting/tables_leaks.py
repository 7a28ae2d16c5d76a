"""Which texts of the test sets stand in the training data, as the runs recorded it in `leaks`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hybridret.reporting.collect import Sweep
from hybridret.reporting.table import Cell, Column, Table, percent

_COLUMNS = (
    Column("training data"),
    Column("test set"),
    Column("texts"),
    Column("language"),
    Column("of"),
    Column("equal", help="but for case, punctuation and white space"),
    Column("almost equal", help="Jaccard index of five letters in a row at or above data.leaks.threshold"),
    Column("through ids", help="a translation of such a text, or of the same published question"),
    Column("share", percent),
    Column("for example"),
)


def leak_tables(sweep: Sweep) -> list[Table]:
    """One table for each distinct record of a leak check; a test set without any has one row that states it."""
    grouped: dict[str, list[str]] = {}
    for run in sweep.runs["run"]:
        if record := sweep.leaks.get(run):
            grouped.setdefault(json.dumps(record, sort_keys=True), []).append(str(run))
    tables = []
    for i, (text, runs) in enumerate(grouped.items(), 1):
        record = json.loads(text)
        name = "leaks" if len(grouped) == 1 else f"leaks_{i}"
        caption = f"Test texts in the training data ({len(runs)} run{'s' if len(runs) > 1 else ''})"
        tables.append(Table(name, caption, list(_COLUMNS), _rows(record), note=_note(record)))
    return tables


def _rows(record: Mapping[str, Any]) -> list[list[Cell]]:
    found = record.get("rows") or []
    rows = [_row(one) for one in found]
    for benchmark, sides in (record.get("compared") or {}).items():
        for side, texts in sides.items():
            if not any((one["benchmark"], one["side"]) == (benchmark, side) for one in found):
                empty = {"dataset": "all", "benchmark": benchmark, "side": side, "language": "all", "texts": texts}
                rows.append(_row({**empty, "exact": 0, "near": 0, "through_ids": 0}))
    return rows


def _row(one: Mapping[str, Any]) -> list[Cell]:
    counts = [int(one[key]) for key in ("exact", "near", "through_ids")]
    share = sum(counts) / one["texts"] if one["texts"] else 0.0
    names = [Cell(str(one[key])) for key in ("dataset", "benchmark", "side", "language")]
    numbers = [Cell(int(one["texts"])), *(Cell(count) for count in counts)]
    return [*names, *numbers, Cell(share), Cell(_example(one.get("examples") or []))]


def _example(examples: list[Mapping[str, Any]]) -> str:
    if not examples:
        return ""
    one = examples[0]
    own, other = str(one.get("benchmark", "")).strip(), str(one.get("training", "")).strip()
    return own if not other or other == own else f"{own} / {other}"


def _note(record: Mapping[str, Any]) -> str:
    equal_only = [side for side, near in (record.get("near") or {}).items() if not near]
    passages = "Passages are those that are judged relevant, and the paragraphs around them."
    if any("negatives" in sides for sides in (record.get("compared") or {}).values()):
        passages += " Negatives: those that are hard negatives of the training data, which gives no answer away."
    if not equal_only:
        return passages
    return f"{passages} Of {' and '.join(equal_only)} only equal ones were looked for."
