"""What was run, on which data, where: the short list at the top of a report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hybridret.reporting.collect import Sweep
from hybridret.reporting.read import flatten

_MANY = 4


@dataclass(frozen=True)
class Fact:
    """A name and a text."""

    name: str
    text: str


@dataclass(frozen=True)
class Facts:
    """`data`: what was run. `environment`: versions and hardware."""

    data: list[Fact]
    environment: list[Fact]


def facts(sweep: Sweep) -> Facts:
    """Collect the facts; values that differ between runs are listed side by side."""
    runs = sweep.runs
    states = sweep.failures["state"].value_counts()
    others = "".join(f", {count} {state}" for state, count in states.items())
    trained = runs[runs["trained"]]
    rows = [
        Fact("runs", f"{len(runs)} finished{others}"),
        Fact("configurations", str(runs["configuration"].nunique())),
        Fact("seeds", _several(trained["seed"].unique() if len(trained) else runs["seed"].unique(), 12)),
        Fact("strategies", _several(runs["strategy"].unique(), 8)),
        Fact(
            "backbone and size",
            _several((f"{b} {s}".strip() for b, s in runs[["backbone", "size"]].drop_duplicates().to_numpy()), 8),
        ),
        Fact("training data", _several(runs["data"].dropna().unique())),
        Fact("fingerprint of the data", _several(runs["fingerprint"].dropna().unique())),
        Fact("evaluated on", _several(sweep.datasets, 12)),
        Fact(
            "last run finished", max((str(one) for one in runs["finished"].dropna()), default="")[:16].replace("T", " ")
        ),
        Fact("licence of the data", _several(runs["licence"].dropna().unique())),
    ]
    general = sweep.notes[sweep.notes["dataset"] == ""].drop_duplicates(["key", "text"])
    rows += [Fact(str(row["key"]), str(row["text"])) for row in general.to_dict("records")]
    return Facts([row for row in rows if row.text], _environment(sweep))


def _environment(sweep: Sweep) -> list[Fact]:
    values: dict[str, list[Any]] = {}
    for one in sweep.environments.values():
        for key, value in flatten(one).items() if isinstance(one, dict) else ():
            if not key.startswith("parameters"):  # stand in the table of runs
                values.setdefault(key, []).append(_readable(key, value))
    return [Fact(key.replace("_", " "), _several(found)) for key, found in values.items() if _several(found)]


def _several(values: Iterable[Any], most: int = _MANY) -> str:
    distinct = list(dict.fromkeys(str(value) for value in values if value is not None))
    return ", ".join(distinct[:most]) + (f" and {len(distinct) - most} more" if len(distinct) > most else "")


def _readable(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or "none"
    if key.endswith("memory") and isinstance(value, int):
        return f"{value / 2**30:.1f} GiB"
    return value
