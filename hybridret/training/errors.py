"""What can go wrong with numbers."""

from __future__ import annotations

from hybridret.errors import UserError


class NonFiniteError(UserError):
    """The loss or the gradient became infinite or NaN; the weights were not touched by that step (traps 11)."""
