"""Laws of scale (arXiv 2403.18684) as functions of logarithms: log L from log N, log D or log C.

    constant        L = d
    power           L = (A / N)^a
    offset          L = (A / N)^a + d                               size law; data law with D, FLOPs law with C for N
    joint           L = [(A / N)^(a / b) + B / D]^b + d

Inside a fit, parameters are other ones ("inner"), which any real number may be and which hardly depend on each other:
logarithms of what must be positive, and the value of each term in the middle of the data instead of A and B. The
exponent of `power` alone may be negative, so that a loss that does not fall can be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

EXPONENTS = (1e-3, 10.0)  # outside, a law cannot be told from a constant or a step
DEEP = 12.0  # an offset of e^-12 times the smallest loss is none
FAR = 60.0  # of a term from 1, as a logarithm


@dataclass(frozen=True)
class Law:
    """One form of L.

    name; formula: as users read it, with {x} for the variable.
    parameters: names of the natural ones, as in the paper; exponent: the position of a among them, None without.
    variables: how many it has: 1, of joint 2.
    log_loss: (inner [..., p], logs minus their mean [k, v]) -> log L [..., k].
    natural: (inner [..., p], means of the logs [v]) -> natural parameters [..., p].
    starts: (centred logs [k, v], log L [k]) -> inner parameters to begin a fit with [s, p].
    bounds: log L [k] -> the lowest and the highest inner parameters ([p], [p]).
    """

    name: str
    formula: str
    parameters: tuple[str, ...]
    exponent: int | None
    variables: int
    log_loss: Callable[[FloatArray, FloatArray], FloatArray]
    natural: Callable[[FloatArray, FloatArray], FloatArray]
    starts: Callable[[FloatArray, FloatArray], FloatArray]
    bounds: Callable[[FloatArray], tuple[FloatArray, FloatArray]]


def _logs(exponents: tuple[float, float] = EXPONENTS) -> tuple[float, float]:
    return float(np.log(exponents[0])), float(np.log(exponents[1]))


def _offsets(values: FloatArray) -> tuple[float, float]:
    """Of the logarithm of an offset."""
    return float(values.min()) - DEEP, float(values.max())


def _below(values: FloatArray, share: float) -> tuple[float, FloatArray]:
    """The logarithm of an offset that is this share of the smallest loss, and of what is above it."""
    offset = float(values.min()) + np.log(share)
    return offset, values + np.log1p(-np.exp(offset - values))


def _constant_loss(inner: FloatArray, logs: FloatArray) -> FloatArray:
    return inner[..., [0]] + np.zeros(len(logs))


def _constant_starts(logs: FloatArray, values: FloatArray) -> FloatArray:
    return np.array([[values.mean()]])


def _constant_bounds(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.array([-np.inf]), np.array([np.inf])


CONSTANT = Law(
    name="constant",
    formula="L = d",
    parameters=("d",),
    exponent=None,
    variables=1,
    log_loss=_constant_loss,
    natural=lambda inner, middle: np.exp(inner),
    starts=_constant_starts,
    bounds=_constant_bounds,
)


def _power_loss(inner: FloatArray, logs: FloatArray) -> FloatArray:
    return inner[..., [0]] - inner[..., [1]] * logs[:, 0]


def _power_natural(inner: FloatArray, middle: FloatArray) -> FloatArray:
    level, exponent = inner[..., 0], inner[..., 1]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scale = np.exp(middle[0] + level / exponent)
    return np.stack([scale, exponent], axis=-1)


def _power_starts(logs: FloatArray, values: FloatArray) -> FloatArray:
    return np.array([[values.mean(), 0.0]])


def _power_bounds(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.array([-np.inf, -EXPONENTS[1]]), np.array([np.inf, EXPONENTS[1]])


POWER = Law(
    name="power",
    formula="L = (A/{x})^a",
    parameters=("A", "a"),
    exponent=1,
    variables=1,
    log_loss=_power_loss,
    natural=_power_natural,
    starts=_power_starts,
    bounds=_power_bounds,
)


def _offset_loss(inner: FloatArray, logs: FloatArray) -> FloatArray:
    falling = inner[..., [0]] - np.exp(inner[..., [1]]) * logs[:, 0]
    loss: FloatArray = np.logaddexp(falling, inner[..., [2]])
    return loss


def _offset_natural(inner: FloatArray, middle: FloatArray) -> FloatArray:
    exponent = np.exp(inner[..., 1])
    with np.errstate(over="ignore"):
        scale = np.exp(middle[0] + inner[..., 0] / exponent)
    return np.stack([scale, exponent, np.exp(inner[..., 2])], axis=-1)


def _offset_starts(logs: FloatArray, values: FloatArray) -> FloatArray:
    found = []
    for share, exponent in product((1e-3, 0.5, 0.9), (0.1, 0.4, 1.2)):
        offset, above = _below(values, share)
        found.append([float(np.mean(above + exponent * logs[:, 0])), np.log(exponent), offset])
    return np.array(found)


def _offset_bounds(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    (low, high), (none, most) = _logs(), _offsets(values)
    return np.array([-FAR, low, none]), np.array([FAR, high, most])


OFFSET = Law(
    name="offset",
    formula="L = (A/{x})^a + d",
    parameters=("A", "a", "d"),
    exponent=1,
    variables=1,
    log_loss=_offset_loss,
    natural=_offset_natural,
    starts=_offset_starts,
    bounds=_offset_bounds,
)


def _joint_loss(inner: FloatArray, logs: FloatArray) -> FloatArray:
    size = inner[..., [0]] - np.exp(inner[..., [1]]) * logs[:, 0]
    data = inner[..., [2]] - logs[:, 1]
    loss: FloatArray = np.logaddexp(np.exp(inner[..., [3]]) * np.logaddexp(size, data), inner[..., [4]])
    return loss


def _joint_natural(inner: FloatArray, middle: FloatArray) -> FloatArray:
    ratio, b = np.exp(inner[..., 1]), np.exp(inner[..., 3])
    with np.errstate(over="ignore"):
        size = np.exp(middle[0] + inner[..., 0] / ratio)
        data = np.exp(middle[1] + inner[..., 2])
    return np.stack([size, ratio * b, data, b, np.exp(inner[..., 4])], axis=-1)


def _joint_starts(logs: FloatArray, values: FloatArray) -> FloatArray:
    found = []
    for share, b, ratio in product((1e-3, 0.7), (0.15, 0.6), (0.5, 1.0, 2.0)):
        offset, above = _below(values, share)
        half = float(np.mean(above)) / b - np.log(2.0)  # both terms add half in the middle of the data
        found.append([half, np.log(ratio), half, np.log(b), offset])
    return np.array(found)


def _joint_bounds(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    (low, high), (none, most) = _logs(), _offsets(values)
    return np.array([-FAR, low, -FAR, low, none]), np.array([FAR, high, FAR, high, most])


JOINT = Law(
    name="joint",
    formula="L = [(A/N)^(a/b) + B/D]^b + d",
    parameters=("A", "a", "B", "b", "d"),
    exponent=1,
    variables=2,
    log_loss=_joint_loss,
    natural=_joint_natural,
    starts=_joint_starts,
    bounds=_joint_bounds,
)

ONE_VARIABLE = (CONSTANT, POWER, OFFSET)  # simplest first
