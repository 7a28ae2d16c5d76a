"""What is compared with what: the configurations of one size, those of all sizes, and the alphas of one line."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from hybridret.reporting.answers.alike import varied
from hybridret.reporting.evidence import Evidence

_ENDS = {"mono": 1.0, "cross": 0.0}  # the very same batches as `hybrid` with this alpha
FEWEST_ALPHAS = 3


@dataclass(frozen=True)
class Group:
    """title: "" where there is one group alone, else a size or `all sizes`. main: the group that speaks for the sweep,
    which is the largest size with three configurations (or with two, where none has three)."""

    title: str
    configurations: tuple[str, ...]
    main: bool


@dataclass(frozen=True)
class AlphaLine:
    """Configurations that differ in alpha alone, by alpha. `title` names what lines do not share, "" for one line."""

    title: str
    size: str
    parameters: float
    alphas: tuple[float, ...]
    configurations: tuple[str, ...]


def groups(runs: pd.DataFrame, configurations: tuple[str, ...]) -> list[Group]:
    """Trained configurations among `configurations`, by backbone and size, then all; only groups of two or more."""
    own = runs[runs["trained"] & runs["configuration"].isin(configurations)].drop_duplicates("configuration")
    several_backbones = own["backbone"].nunique() > 1
    parts: list[tuple[float, str, tuple[str, ...]]] = []
    for (backbone, size), rows in own.groupby(["backbone", "size"], sort=False, dropna=False):
        title = " ".join(filter(None, (str(backbone) if several_backbones or not size else "", str(size))))
        parts.append((float(rows["parameters_body"].max()), title, tuple(rows["configuration"])))
    parts.sort(key=lambda part: part[0])
    large = [part for part in parts if len(part[2]) >= 2]
    main = max(large, key=lambda part: (len(part[2]) >= 3, part[0]), default=None)
    if len(parts) < 2:
        return [Group("", names, True) for _, _, names in large]
    found = [Group(title, names, (size, title, names) == main) for size, title, names in large]
    return [*found, Group("all sizes", tuple(own["configuration"]), main is None)]


def alpha_lines(evidence: Evidence, configurations: tuple[str, ...]) -> list[AlphaLine]:
    """Lines of `FEWEST_ALPHAS` or more. Mono and cross stand in for alpha 1 and 0 where the strategy lacks them."""
    runs = evidence.runs
    extra = [name for name in varied(evidence) if name in runs]
    own = runs[runs["trained"] & runs["configuration"].isin(configurations)].drop_duplicates("configuration")
    end = own["strategy"].map(_ENDS).astype(float)
    own = own.assign(alpha=own["alpha"].fillna(end), end=end.notna()).dropna(subset=["alpha"])
    same = ["sweep", "backbone", *extra]
    own[extra] = own[extra].fillna("").astype(str)
    found: list[tuple[tuple[str, ...], AlphaLine]] = []
    for key, rows in own.groupby([*same, "size"], sort=False, dropna=False):
        for strategy, line in rows[~rows["end"]].groupby("strategy", sort=False):
            ends = rows[rows["end"] & ~rows["alpha"].isin(line["alpha"])]
            whole = pd.concat([line, ends]).drop_duplicates("alpha").sort_values("alpha")
            if len(whole) >= FEWEST_ALPHAS and len(line) >= 2:
                names = (str(strategy), *(str(one) for one in key[:-1]))
                alphas, who = tuple(map(float, whole["alpha"])), tuple(whole["configuration"])
                parameters = float(whole["parameters_body"].max())
                found.append((names, AlphaLine("", str(key[-1]), parameters, alphas, who)))
    differ = [len({names[i] for names, _ in found}) > 1 for i in range(len(same) + 1)]
    titled = [
        AlphaLine(", ".join(n for n, d in zip(names, differ, strict=True) if d and n), *_rest(line))
        for names, line in found
    ]
    return sorted(titled, key=lambda line: (line.title, line.parameters))


def _rest(line: AlphaLine) -> tuple[str, float, tuple[float, ...], tuple[str, ...]]:
    return line.size, line.parameters, line.alphas, line.configurations
