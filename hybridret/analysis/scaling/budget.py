"""The best split of a budget between parameters and trained pairs, from a joint law.

A step costs 6 FLOPs for each parameter of the body and token: 2 forward, 4 backward (Kaplan et al. 2020); encoding
after training costs 2. So with t tokens in a pair (question and passage), N parameters and D pairs

    budget = 6 N D t + 2 N s

where s are the tokens that are encoded after training (the corpus and the queries to come), 0 where that is free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hybridret.analysis.scaling.bands import Band, interval
from hybridret.analysis.scaling.laws import JOINT, FloatArray

TRAINING = 6.0  # FLOPs for each parameter and token
ENCODING = 2.0
HALVINGS = 200


@dataclass(frozen=True)
class Split:
    """The best split of `budget` FLOPs. Intervals are (low, high), NaN where no noise is known.

    log_loss: log L there. beyond: whether the parameters or the pairs lie outside what was trained.
    """

    budget: float
    parameters: float
    parameters_interval: tuple[float, float]
    pairs: float
    pairs_interval: tuple[float, float]
    log_loss: float
    beyond: bool


def training_flops(parameters: FloatArray, pairs: FloatArray, tokens_per_pair: float) -> FloatArray:
    """6 N D t."""
    return TRAINING * parameters * pairs * tokens_per_pair


def best_parameters(law: FloatArray, budget: float, tokens_per_pair: float, encoded_tokens: float = 0.0) -> FloatArray:
    """The N [...] with the smallest L within `budget` for joint laws with the natural parameters (A, a, B, b, d)
    [..., 5]. Pairs follow from the budget.

    log N where the derivative of (A / N)^(a / b) + B / D is 0, by bisection: both terms are convex in log N. Without
    encoding it is [(a / b) A^(a / b) budget / (6 t B)]^(1 / (1 + a / b)).
    Raises ValueError unless budget and tokens_per_pair are above 0 and encoded_tokens is not below.
    """
    if not (budget > 0 and tokens_per_pair > 0 and encoded_tokens >= 0):
        raise ValueError("budget and tokens_per_pair must be above 0, encoded_tokens not below")
    scale, ratio, data = law[..., 0], law[..., 1] / law[..., 3], law[..., 2]
    # One parameter's share of the budget may go to encoding altogether: N stays below that.
    most = np.log(budget) - np.log(ENCODING * encoded_tokens) if encoded_tokens else 1e3
    low, high = np.full(ratio.shape, -1e3), np.full(ratio.shape, float(most))
    with np.errstate(all="ignore"):
        gain = np.log(ratio) + ratio * np.log(scale)  # log of -d/dlogN of the first term, plus ratio * log N
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            left = np.log(budget) + np.log1p(-np.exp(np.log(ENCODING * encoded_tokens) + middle - np.log(budget)))
            # -dD/dlogN / D = budget / (budget - 2 N s), so d(B / D)/dlogN = 6 t B N budget / (budget - 2 N s)^2.
            loss = np.log(TRAINING * tokens_per_pair * data) + middle + np.log(budget) - 2 * left
            more = gain - ratio * middle > loss
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        found: FloatArray = np.exp((low + high) / 2)
    return found


def best_split(
    found: Band, budget: float, tokens_per_pair: float, trained: FloatArray, encoded_tokens: float = 0.0
) -> Split:
    """The best split by a joint law; `trained` [k, 2] are the parameters and pairs that it was fitted to.

    Raises ValueError where `found` is no joint law.
    """
    if found.fit.law is not JOINT:
        raise ValueError(f"a budget is split by the joint law, not by {found.fit.law.name}")
    law = found.fit.law.natural(found.fit.inner, found.fit.middle)
    every = found.fit.law.natural(found.inner, found.fit.middle)
    size, sizes = (best_parameters(one, budget, tokens_per_pair, encoded_tokens) for one in (law, every))
    sizes = np.where(found.failed, np.nan, sizes)
    pairs, many = (
        (budget - ENCODING * encoded_tokens * one) / (TRAINING * tokens_per_pair * one) for one in (size, sizes)
    )
    best = np.array([float(size), float(pairs)])
    beyond = bool(np.any(best < trained.min(axis=0)) or np.any(best > trained.max(axis=0)))
    loss = float(found.fit.log_loss(best[None])[0])
    return Split(budget, float(size), interval(sizes), float(pairs), interval(many), loss, beyond)
