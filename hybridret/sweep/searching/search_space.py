"""What is searched, what is gridded and what is fixed, from overrides in Hydra's own sweep syntax.

optim.lr=interval(1e-5,1e-3)                           any number between the two
optim.lr=tag(log,interval(1e-5,1e-3))                  on a logarithmic scale
optim.lr=tag(log,around,interval(0.1,10))              the same; bounds are factors of the config's own value
training.batch_size=range(16,129,step=16)              whole numbers; as in Python, the end is not among them
batching=choice(mono,cross) batching=mono,cross        one of these
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep

from hybridret.base.errors import UserError

COMMAS = "commas"  # hydra.sweeper.per=commas: every list with plain commas is a grid
_TAGS = {"log", "around"}
_NOT_SWEPT = ("sweep", "output")  # one search has one folder


@dataclass(frozen=True)
class Dimension:
    """A searched key. `choices`: its values as they are spelled in overrides; None: numbers from low to high, both
    included, at a distance of `step` where that is not None. `around`: low and high are factors of a default."""

    key: str
    choices: tuple[str, ...] | None = None
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    integer: bool = False
    around: bool = False

    def near(self, default: object) -> Dimension:
        """The dimension with bounds around `default`. Raises UserError where that is no positive number."""
        if not self.around:
            return self
        if isinstance(default, bool) or not isinstance(default, int | float) or not default > 0:
            raise UserError(
                f"{self.key}: tag(around, ...) searches around the value that the config has, which is {default} and "
                f"no positive number. Name the bounds: {self.key}=tag(log,interval(1e-5,1e-3))."
            )
        return replace(self, low=_short(self.low * default), high=_short(self.high * default), around=False)

    def record(self) -> dict[str, Any]:
        """The dimension as JSON."""
        return {**asdict(self), "choices": list(self.choices) if self.choices is not None else None}


@dataclass(frozen=True)
class SearchSpace:
    """The overrides of a search: `fixed` as they were written, gridded keys with their values, searched dimensions."""

    fixed: tuple[str, ...]
    gridded: dict[str, tuple[str, ...]]
    searched: tuple[Dimension, ...]

    def combinations(self) -> Iterator[dict[str, str]]:
        """Each combination of the gridded keys, in the order in which they were given; {} where there are none."""
        for values in itertools.product(*self.gridded.values()):
            yield dict(zip(self.gridded, values, strict=True))


def search_space(overrides: Sequence[Override], per: str | Sequence[str]) -> SearchSpace:
    """Sort `overrides` into searched, gridded and fixed ones. `per`: the gridded keys, or `commas`: those with plain
    commas. Raises UserError where nothing is searched, or a key cannot be searched or gridded as it stands."""
    fixed: list[str] = []
    gridded: dict[str, tuple[str, ...]] = {}
    searched: dict[str, Dimension] = {}
    for override in overrides:
        key = override.get_key_element()
        name = key.lstrip("+~")
        swept = override.is_sweep_override()
        if swept and name in _NOT_SWEPT:
            raise UserError(f"{override.input_line}: a search has one folder. Give {name} one value.")
        if swept and name.startswith("hydra"):
            raise UserError(f"{override.input_line}: Hydra's own keys cannot be searched. Give it one value.")
        grid = swept and _plain_commas(override) if per == COMMAS else name in per
        if grid and override.is_interval_sweep():
            raise UserError(
                f"{override.input_line}: hydra.sweeper.per names {name}, so there is one search for each of its "
                f"values, but an interval has no list of them. Give values with commas, or leave it out of per."
            )
        if grid:
            gridded[key] = _values(override) if swept else (override.get_value_element_as_str(),)
        elif swept:
            searched[key] = _dimension(key, override)
        else:
            fixed.append(_spelled(override))
    known = {key.lstrip("+~") for key in gridded}
    if per != COMMAS and (absent := [name for name in per if name not in known]):
        raise UserError(
            f"hydra.sweeper.per names {absent[0]}, but the command gives it no value. Add {absent[0]}=VALUE,VALUE or "
            f"take it out of hydra.sweeper.per."
        )
    if not searched:
        commas = f" {', '.join(gridded)} is gridded (hydra.sweeper.per)." if gridded else ""
        raise UserError(
            f"hydra/sweeper=optuna has nothing to search.{commas} Give a key several values, such as "
            f"'optim.lr=tag(log,interval(1e-5,1e-3))', 'training.batch_size=range(16,129,step=16)' or "
            f"'batching=choice(mono,cross)'."
        )
    return SearchSpace(tuple(fixed), gridded, tuple(searched.values()))


def _spelled(override: Override) -> str:
    """As Hydra spells it: its quotes are then no longer those of a shell."""
    if override.value_type is None:  # a deletion without a value
        return override.get_key_element()
    return f"{override.get_key_element()}={override.get_value_element_as_str()}"


def _plain_commas(override: Override) -> bool:
    value = override.value()
    return isinstance(value, ChoiceSweep) and value.simple_form


def _values(override: Override) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(one) for one in override.sweep_string_iterator()))


def _dimension(key: str, override: Override) -> Dimension:
    value: Any = override.value()
    line = override.input_line
    tags = set(getattr(value, "tags", ()))
    if unknown := tags - _TAGS:
        raise UserError(f"{line}: the tag {sorted(unknown)[0]!r} is not known. Known: log, around.")
    log, around = "log" in tags, "around" in tags
    if around and not isinstance(value, IntervalSweep):
        raise UserError(f"{line}: tag(around, ...) belongs to interval(FACTOR, FACTOR).")
    if isinstance(value, IntervalSweep):
        low, high = float(value.start or 0), float(value.end or 0)
        integer = all(type(bound) is int for bound in (value.start, value.end))
        dimension = Dimension(key, None, low, high, 1 if integer else None, log, integer, around)
    elif isinstance(value, RangeSweep) and not value.shuffle:
        numbers = sorted(float(one) for one in _values(override))
        integer = all(isinstance(one, int) for one in (value.start, value.stop, value.step))
        if len(numbers) < 2:
            raise UserError(f"{line}: a range of {len(numbers)} numbers leaves nothing to search.")
        dimension = Dimension(key, None, numbers[0], numbers[-1], abs(float(value.step)), log, integer)
    else:
        if log:
            raise UserError(f"{line}: tag(log, ...) belongs to interval(A,B) or range(A,B), not to a list of values.")
        choices = _values(override)
        if len(choices) < 2:
            raise UserError(f"{line}: {len(choices)} value leaves nothing to search. Give several.")
        return Dimension(key, choices)
    if not dimension.low < dimension.high:
        raise UserError(f"{line}: the first bound must be below the second.")
    if log and not dimension.low > 0:
        raise UserError(f"{line}: on a logarithmic scale bounds must be above 0.")
    if log and dimension.step is not None and not (dimension.integer and dimension.step == 1):
        raise UserError(f"{line}: tag(log, ...) takes interval(A,B), or a range of whole numbers with step 1.")
    return dimension


def _short(number: float) -> float:
    return float(f"{number:.4g}")
