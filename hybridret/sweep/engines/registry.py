"""The engines that there are: each module of this package that holds an `ENGINE`, found by its name."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

from hybridret.base.discovery import discovered
from hybridret.base.errors import UserError, nearest
from hybridret.sweep import engines
from hybridret.sweep.engines.engine import Engine


@runtime_checkable
class Found(Protocol):
    """What an `ENGINE` is known by: the calls of `Engine`. Made at import, it must not import or ask its client yet."""

    name: str

    def submit(self, *arguments: object) -> object:
        """As `Engine.submit`."""

    def look(self, *arguments: object) -> object:
        """As `Engine.look`."""

    def cancel(self, *arguments: object) -> object:
        """As `Engine.cancel`."""


def engine(name: str) -> Engine:
    """The engine called `name`, as a `job.json` names it. Raises UserError where there is none."""
    found = {one.name: one for one in discovered(engines, "ENGINE", Found)}  # type: ignore[type-abstract]
    if name not in found:
        known = nearest(name, found) if found else "No engine is installed."
        raise UserError(f"There is no engine called {name!r}, which job.json of a run names. {known}")
    return cast(Engine, found[name])
