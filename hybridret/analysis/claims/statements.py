"""The kinds of claims: small types, each one a statement that numbers can refute.

A claim names configurations by `Choice`, a measure, and what must hold. Everything is judged on macro averages of a
dataset, for each backbone and size alone: strategies are compared where all else is equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Lt, MinLen

from hybridret.base.settings import Setting

Direction = Literal["lower", "higher"]
Margin = Annotated[float, Gt(0), Lt(1e9)]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Configurations of a strategy. `alpha`: of hybrid, or the bounds [low, high] of a grid; None: whatever it is."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    strategy: str
    alpha: float | tuple[float, float] | None = None

    def __str__(self) -> str:
        if self.alpha is None:
            return self.strategy
        if isinstance(self.alpha, tuple):
            return f"{self.strategy} α={self.alpha[0]:g} to {self.alpha[1]:g}"
        return f"{self.strategy} α={self.alpha:g}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What all kinds share.

    name: short, unique in a file. says: the sentence that is judged. metric, cutoff, setting: the measure; cutoff None
    is the one of the report (the whole ranking for mAP, 10 for others). datasets: only these; empty: all. required:
    a refutation is an error of the command.
    """

    name: Annotated[str, MinLen(1)]
    says: Annotated[str, MinLen(1)]
    metric: str
    setting: Setting
    cutoff: Annotated[int, Ge(0)] | None = None
    datasets: list[str] = field(default_factory=list)
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Best(Claim):
    """`of` is better than every one of `among`."""

    kind: Literal["best"] = "best"
    of: Choice
    among: Annotated[list[Choice], MinLen(1)]


@dataclass(frozen=True, kw_only=True)
class Keeps(Claim):
    """`of` is worse than `against` by less than `margin`, in the unit of the metric (non-inferiority)."""

    kind: Literal["keeps"] = "keeps"
    of: Choice
    against: Choice
    margin: Margin


@dataclass(frozen=True, kw_only=True)
class Changes(Claim):
    """The value of each of `of` is `direction` than that of `against` by at least the share `by` of it."""

    kind: Literal["changes"] = "changes"
    of: Annotated[list[Choice], MinLen(1)]
    against: Choice
    direction: Direction
    by: Annotated[float, Ge(0), Lt(10)]


@dataclass(frozen=True, kw_only=True)
class Flat(Claim):
    """All configurations of `of` lie within `margin` of each other (equivalence of every pair)."""

    kind: Literal["flat"] = "flat"
    of: Choice
    margin: Margin


@dataclass(frozen=True, kw_only=True)
class EqualGain(Claim):
    """The gain of `of` over `against` in `languages` differs from the gain in all others by less than `margin`."""

    kind: Literal["equal_gain"] = "equal_gain"
    of: Choice
    against: Choice
    languages: Annotated[list[str], MinLen(1)]
    margin: Margin


@dataclass(frozen=True, kw_only=True)
class Trend(Claim):
    """The gap of `of` to the better one of `against` moves with size: it `shrinks`, `grows`, or stays within `margin`
    (`level`) per tenfold number of body parameters. Needs three sizes."""

    kind: Literal["trend"] = "trend"
    of: Choice
    against: Annotated[list[Choice], MinLen(1)]
    direction: Literal["shrinks", "grows", "level"]
    margin: Margin = 0.005


KINDS: tuple[type[Claim], ...] = (Best, Keeps, Changes, Flat, EqualGain, Trend)
