"""Which weights of an encoder are trained; plug-in `adapter`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hybridret.encoders.dual import Body


class Adapter(Protocol):
    """Changes a new body in place before training: freezes weights, adds small ones, which are drawn with `seed`.

    `name` is its name in a recipe. It also works on the meta device, as plans need it. `check_precision` raises
    UserError if the adapter does not work with a `trainer.precision`.
    """

    name: str

    def apply(self, body: Body, seed: int) -> None: ...

    def check_precision(self, precision: str) -> None: ...
