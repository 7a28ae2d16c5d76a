"""A case of the check, the ways in which it may be run, and which one the seconds that are left allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
KINDS = ("flash", "packed")  # kinds of attention beside sdpa's own choice


@dataclass(frozen=True)
class Way:
    """One way to run a case: `options` for its kind, and what is expected.

    `seconds`: until its result is written. `expected`: values that stand beside what was measured.
    """

    options: Mapping[str, Any]
    seconds: float
    expected: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """`ways`, the best one first: the first that the seconds left allow is taken. `missing`: why there is none.

    `kind` names a module of `gpu.kinds`. `worth`: how much is known afterwards; only its ratio to that of the others
    counts. `first`: before all others. `after`: names of cases that must have been tried before. `alone`: its process
    ends with it.
    """

    name: str
    kind: str
    worth: float
    ways: tuple[Way, ...]
    missing: str | None = None
    first: bool = False
    after: tuple[str, ...] = ()
    alone: bool = False
