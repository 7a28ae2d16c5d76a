"""The error for numbers that are not finite."""

from __future__ import annotations

from hybridret.base.errors import POINT_FAILED, UserError


class NonFiniteError(UserError):
    """The loss or the gradient became infinite or NaN; the weights were not touched by that step
    (docs/pitfalls.md#non-finite-numbers).

    The message suggests what to try, as in every UserError; but a point that diverges is no bad input.
    """

    exit_code = POINT_FAILED
