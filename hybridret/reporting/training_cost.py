"""What a run was trained on, from its records: pairs up to the evaluated step, and an approximation of the FLOPs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FLOPS = 6.0  # for each parameter and token of a training step: 2 forward, 4 backward (Kaplan et al. 2020)
NOT_KNOWN = float("nan")


def training_cost(result: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, float]:
    """`pairs` and `flops` of a run with this `result.json` and these flat settings, NaN where they are not known.

    pairs: question-passage pairs of all batches up to `best_step`, since the weights of that step are evaluated; up to
    `steps` without a `best_step`. The size of a batch is the mean of those that were drawn, else `training.batch_size`.
    flops: 6 x parameters of the body x tokens of these pairs. Runs count no FLOPs while they train; the approximation
    leaves out attention over long texts, padding, and what is computed again. Tokens: `tokens_of_pair`.
    """
    training = result.get("training") or {}
    mix = training.get("mix") or {}
    rows, batches = _number(mix.get("rows")), _number(mix.get("batches"))
    batch = rows / batches if batches > 0 else _number(settings.get("training.batch_size"))
    steps = training.get("best_step")
    pairs = batch * _number(training.get("steps") if steps is None else steps)
    body = _number((result.get("parameters") or {}).get("body"))
    return {"pairs": pairs, "flops": FLOPS * body * pairs * tokens_of_pair(result, settings)}


def tokens_of_pair(result: Mapping[str, Any], settings: Mapping[str, Any]) -> float:
    """Tokens of a question, its passage and its hard negatives, NaN where the lengths were not recorded.

    Means over the training languages of the bare texts, cut at the longest text of the run; without prefixes. Hard
    negatives count where `training.hard_negatives` is a number and negatives were mined.
    """
    data = result.get("data") or {}
    languages = (((data.get("card") or {}).get("tokens") or {}).get("languages") or {}).values()
    longest = result.get("text") or {}
    question, passage = (
        min(_mean(languages, side), _number(longest.get(key), float("inf")))
        for side, key in (("question", "query_length"), ("passage", "passage_length"))
    )
    negatives = _number(settings.get("training.hard_negatives"), 0.0) if data.get("mined") else 0.0
    return question + (1.0 + negatives) * passage


def _mean(languages: Iterable[Mapping[str, Any]], side: str) -> float:
    found = [_number(one[side].get("mean")) for one in languages if one.get(side)]
    return sum(found) / len(found) if found else NOT_KNOWN


def _number(value: Any, otherwise: float = NOT_KNOWN) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise
