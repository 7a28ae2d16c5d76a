"""What a leak check found: plain records, and when it is too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from hybridret.base.errors import UserError
from hybridret.base.markup import printable
from hybridret.data.leaks.sides import Side

Kind = Literal["exact", "near", "through ids"]
EXAMPLES = 3  # of each row
LONGEST = 160  # letters of a text in an example


@dataclass(frozen=True)
class Example:
    """A text of a benchmark and what stands in the training data; "" and no similarity where only ids say so."""

    kind: Kind
    benchmark: str
    training: str
    training_language: str
    similarity: float | None


@dataclass(frozen=True)
class LeakRow:
    """Of the `texts` in `language` that `benchmark` has on a side: how many `dataset` holds, each counted once.

    `exact`: equal but for case, punctuation and white space. `near`: Jaccard index at or above the threshold.
    `through_ids`: neither, but a translation of such a text, or of the same published question id.
    """

    dataset: str
    benchmark: str
    side: Side
    language: str
    texts: int
    exact: int
    near: int
    through_ids: int
    examples: tuple[Example, ...] = ()

    @property
    def found(self) -> int:
        return self.exact + self.near + self.through_ids


@dataclass(frozen=True)
class Largest:
    """The largest share of the texts of a benchmark, a side and a language that stands in any training dataset."""

    benchmark: str
    side: Side
    language: str
    found: int
    texts: int

    @property
    def share(self) -> float:
        return self.found / self.texts


@dataclass(frozen=True)
class LeakTable:
    """`rows`: where something was found. `compared`: benchmark -> side -> texts. `trained`: side -> texts. `largest`:
    None where nothing was found; without hard negatives, which give no answer away. `near`: whether almost equal texts
    were looked for; `threshold` of them.
    """

    rows: tuple[LeakRow, ...]
    compared: Mapping[str, Mapping[str, int]]
    trained: Mapping[str, int]
    largest: Largest | None
    near: Mapping[str, bool]
    threshold: float

    def record(self) -> dict[str, Any]:
        """Plain JSON values for `result.json`."""
        largest = None if self.largest is None else {**asdict(self.largest), "share": self.largest.share}
        rows = [{**asdict(row), "examples": [asdict(one) for one in row.examples]} for row in self.rows]
        return {
            "rows": rows,
            "compared": {name: dict(sides) for name, sides in self.compared.items()},
            "trained": dict(self.trained),
            "largest": largest,
            "near": dict(self.near),
            "threshold": self.threshold,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> LeakTable:
        """The table of a `record`. Raises KeyError or TypeError for what is none."""
        rows = [
            LeakRow(**{**row, "examples": tuple(Example(**one) for one in row["examples"])}) for row in record["rows"]
        ]
        largest = record["largest"]
        if largest is not None:
            largest = Largest(**{key: value for key, value in largest.items() if key != "share"})
        return cls(
            tuple(rows), record["compared"], record["trained"], largest, record["near"], float(record["threshold"])
        )

    def warning(self) -> str | None:
        """One line, None where nothing was found."""
        if self.largest is None:
            known = sum(row.found for row in self.rows)  # all of them negatives
            if not known:
                return None
            return (
                f"Leaks: no question and no answer, but {known:,} relevant passages of the test sets are hard "
                f"negatives of the training data; the table is in result.json and in the report."
            )
        several = ". That is the largest share of several" if len(self.rows) > 1 else ""
        return f"Leaks: {self._words()}{several}; the table is in result.json and in the report."

    def check(self, allowed: float) -> None:
        """Raise UserError where a larger share than `allowed` of the texts of a benchmark, a side and a language stands
        in the training data."""
        if self.largest is None or self.largest.share <= allowed:
            return
        example = next(
            (one for row in self.rows if self._is_largest(row) for one in row.examples if one.training), None
        )
        quoted = f" For example: {printable(example.benchmark)!r}." if example else ""
        raise UserError(
            f"data.leaks.allowed={allowed}: {self._words()}.{quoted} Remove them from "
            f"it, leave the benchmark out of eval, or train all the same with data.leaks.allowed=1 (the table is then "
            f"in result.json and in the report)."
        )

    def _words(self) -> str:
        assert self.largest is not None
        one = self.largest
        name, language = printable(one.benchmark), printable(one.language)
        return (
            f"{one.found:,} of {one.texts:,} {one.side} of {name} in {language} ({one.share:.1%}), or translations of "
            f"them, also stand in the training data"
        )

    def _is_largest(self, row: LeakRow) -> bool:
        one = self.largest
        return one is not None and (row.benchmark, row.side, row.language) == (one.benchmark, one.side, one.language)
