"""Which weights of an encoder are trained; plug-in `adapter`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hybridret.encoders.dual import Body


class Adapter(Protocol):
    """Changes a fresh body in place before training: freezes weights, adds small ones. `seed` decides what is drawn.

    `name` is what a recipe calls it. It works on the meta device too, where plans count. `check_precision` raises
    UserError where the adapter does not go with a `trainer.precision`.
    """

    name: str

    def apply(self, body: Body, seed: int) -> None: ...

    def check_precision(self, precision: str) -> None: ...
