"""Which column of a table is the question, the passage, and so on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError, nearest

ROLES = ("question", "passage", "title", "language", "id", "passage_id", "negatives")
NONE: dict[str, Any] = dict.fromkeys(ROLES)
USUAL = {**NONE, "question": "question", "passage": "passage"}  # data.columns where nothing else is given


@dataclass(frozen=True)
class Columns:
    """The names of the columns: `names` by role, each one column, and the columns of hard negatives.

    title: a text that is put before the passage, with a space between.
    """

    names: Mapping[str, str]
    negatives: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Columns:
        """From `data.columns`: role -> column; numbers count from 1. Raises UserError for another role, a column that
        has no name, and where question or passage lacks.
        """
        names: dict[str, str] = {}
        negatives: tuple[str, ...] = ()
        for role, column in given.items():
            if role not in ROLES:
                raise UserError(f"data.columns: {role!r} is nothing that a column can be. {nearest(str(role), ROLES)}")
            if column is None:
                continue
            listed = [column] if isinstance(column, str | int) else list(column)
            if not listed or not all(str(one).strip() for one in listed) or (role != "negatives" and len(listed) > 1):
                raise UserError(f"data.columns.{role}={column!r}: give the name of one column.")
            if role == "negatives":
                negatives = tuple(map(str, listed))
            else:
                names[role] = str(listed[0])
        for role in ("question", "passage"):
            if role not in names:
                raise UserError(f"data.columns: no {role}. Name its column, data.columns.{role}=NAME.")
        return cls(names, negatives)

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold one text in each row, each once."""
        return tuple(dict.fromkeys(self.names.values()))

    def key(self) -> list[object]:
        """As JSON."""
        return [dict(self.names), list(self.negatives)]

    def check(self, available: Iterable[str], file: Path) -> None:
        """Raise UserError, with the nearest name, where a file lacks a column, or has it twice."""
        known = list(available)
        roles = [*self.names.items(), *(("negatives", name) for name in self.negatives)]
        for role, name in roles:
            if name not in known:
                hint = nearest(name, known) if known else "It has none."
                listed = f" Its columns: {', '.join(known[:20])}." if hint.startswith("Did") else ""
                raise UserError(f"{file} has no column {name!r} (data.columns.{role}). {hint}{listed}")
            if (times := known.count(name)) > 1:
                raise UserError(f"{file} has {times} columns {name!r} (data.columns.{role}). Rename all but one.")
