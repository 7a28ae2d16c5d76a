"""The sentences of the trade-off: front, preference, best alpha, knee and hypervolume."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hybridret.analysis.trade_off.preference import LOSS, WEIGHT, Pick
from hybridret.reporting.answers.answer import Finding
from hybridret.reporting.answers.trade_off.alpha import BestAlphas
from hybridret.reporting.answers.trade_off.measure import GroupResult, Measure
from hybridret.reporting.table import score

SURE = 0.95
_NAMED = 0.5  # configurations that are on the front in this share of draws are named
ONE_SEED = "undecided: with one seed each the spread over seeds is unknown"
_LISTED = 3


def whole_percent(share: float) -> str:
    """`98 %`; what is not quite all or nothing is not rounded to it."""
    return "over 99 %" if 0.995 <= share < 1 else "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def decimal(value: float, sign: bool = False) -> str:
    """An alpha or a change of it: `.25`, `+.05`."""
    text = f"{value + 0.0:.2f}".replace("-0.00", "0.00")
    text = text.removeprefix("0") if text.startswith("0.") else text.replace("-0.", "-.")
    return f"+{text}" if sign and value > 0 else text


def interval(values: Iterable[float], sign: bool = True) -> str:
    """`+.012 [+.001, +.023]`."""
    value, low, high = ((("+" if sign and one > 0 else "") + score(float(one) + 0.0)) for one in values)
    return f"{value} [{low}, {high}]"


def front_sentence(measure: Measure, result: GroupResult) -> Finding:
    """Who is on the front of Mo. and Cr., and how probably."""
    names, shares = _names(result), result.on_front
    order = np.argsort(-shares, kind="stable")
    named = [i for i in order if shares[i] >= _NAMED] or [order[0]]
    first, *others = named
    text = f"{_head(measure, result)}: {names[first]} is on the front of monolingual and cross-lingual quality in "
    text += f"{whole_percent(float(shares[first]))} of resamples"
    text += "".join(f", {names[i]} in {whole_percent(float(shares[i]))}" for i in others)
    rest = [float(shares[i]) for i in order if i not in named]
    text += f"; each other one in at most {whole_percent(max(rest))}" if rest else ""
    open_ones = [names[i] for i in order if 1 - SURE < shares[i] < SURE]
    if measure.one_seed:
        text += f"; {ONE_SEED}"
    elif open_ones:
        text += f"; undecided for {_listed(open_ones)} (between {whole_percent(1 - SURE)} and {whole_percent(SURE)})"
    return _finding(measure, result, f"{text}.", not (open_ones or measure.one_seed), 0.6, float(shares[named[0]]))


def bias_sentence(measure: Measure, result: GroupResult) -> Finding | None:
    """Who is on the front only because language bias counts; None where it was not measured."""
    if result.with_bias is None:
        return None
    names = _names(result)
    new = [i for i in range(len(names)) if result.with_bias[i] >= _NAMED > result.on_front[i]]
    text = f"{_head(measure, result)}: with the rank distance as a third goal "
    shown = [f"{names[i]} ({whole_percent(float(result.with_bias[i]))})" for i in new]
    text += f"also on the front: {', '.join(shown)}" if new else "no further configuration is on the front"
    unsure = [i for i in range(len(names)) if 1 - SURE < result.with_bias[i] < SURE]
    text += f"; undecided for {_listed([names[i] for i in unsure])}" if unsure else ""
    text += f"; {ONE_SEED}" if measure.one_seed else ""
    return _finding(measure, result, f"{text}.", not (unsure or measure.one_seed))


def loss_sentence(measure: Measure, result: GroupResult, pick: Pick, loss: float = LOSS) -> Finding:
    """What to take where a little of the monolingual quality may be lost."""
    quality = measure.quality
    mono, cross = pick.change
    head = f"{_head(measure, result)}: if {score(loss)} Mo. {quality} may be lost, take {_name(pick.picked, result)} "
    text = f"{head}(picked in {whole_percent(_chance(pick, result))} of resamples)"
    if pick.picked == pick.best_first:
        text += ": it has the best Mo. value, and nothing within that loss has a better Cr. value"
    else:
        text += (
            f": against {_name(pick.best_first, result)}, the best in Mo., it changes Mo. {quality} by {interval(mono)}"
        )
        text += f" and Cr. {quality} by {interval(cross)}, and stays within that loss of the best in "
        text += f"{whole_percent(pick.kept)}"
    decided = _chance(pick, result) >= SURE
    text += _other_picks(measure, result, pick, decided)
    effect = None if pick.picked == pick.best_first else cross
    return _finding(measure, result, f"{text}.", decided and not measure.one_seed, 0.8, effect)


def weight_sentence(measure: Measure, result: GroupResult, pick: Pick, weight: float = WEIGHT) -> Finding:
    """What to take for a weight on both settings."""
    what = "equal weights of" if weight == 0.5 else f"weight {weight:g} on Mo. and {1 - weight:g} on Cr. of"
    text = f"{_head(measure, result)}: {what} Mo. and Cr. pick {_name(pick.picked, result)} in "
    text += f"{whole_percent(_chance(pick, result))} of resamples"
    decided = _chance(pick, result) >= SURE
    text += _other_picks(measure, result, pick, decided)
    return _finding(measure, result, f"{text}.", decided and not measure.one_seed, 0.0, _chance(pick, result))


def knee_sentence(measure: Measure, result: GroupResult) -> Finding:
    """Where the front bends."""
    names, shares = [*_names(result), "none"], result.knee
    top = int(shares.argmax())
    if top == len(names) - 1:
        text = f"the front has no knee in {whole_percent(float(shares[top]))} of resamples"
    else:
        text = f"the knee of the front is {names[top]} in {whole_percent(float(shares[top]))} of resamples"
        text += f" (no knee in {whole_percent(float(shares[-1]))})" if shares[-1] > 0 else ""
    decided = bool(shares[top] >= SURE) and not measure.one_seed
    text += "" if decided else f"; {ONE_SEED}" if measure.one_seed else f": undecided below {whole_percent(SURE)}"
    return _finding(measure, result, f"{_head(measure, result)}: {text}.", decided)


def volume_sentence(measure: Measure, result: GroupResult) -> Finding | None:
    """What the front is worth as one number; None where all are equal in a goal."""
    volume, names = result.volume, _names(result)
    if np.isnan(volume.whole).any():
        return None
    top = int(volume.parts[:, 0].argmax())
    reference = " and ".join(
        f"{name} {score(float(v))}" for name, v in zip(("Mo.", "Cr."), volume.reference, strict=True)
    )
    text = f"{_head(measure, result)}: the front covers {interval(volume.whole, sign=False)} of the box between "
    text += f"{reference} and the best values; without {names[top]} it loses {interval(volume.parts[top], sign=False)}"
    text += f"; {ONE_SEED}" if measure.one_seed else ""
    return _finding(measure, result, f"{text}.", not measure.one_seed, 0.0, volume.whole)


def alpha_sentence(measure: Measure, found: BestAlphas) -> Finding:
    """The best alpha of each size, and its slope."""
    slope, several = found.slope, len(found.lines) > 1
    title = f" ({found.title})" if found.title else ""
    each = [
        f"{decimal(value)} [{decimal(low)}, {decimal(high)}]"
        + (f" at {line.size or f'{line.parameters:,.0f} parameters'}" if several else "")
        for line, (value, low, high) in zip(found.lines, found.best, strict=True)
    ]
    text = f"{measure.quality} of {measure.dataset}{title}: the best alpha for equal weights is {', '.join(each)}"
    names = [name for line in found.lines for name in line.configurations]
    if np.isnan(slope.per_tenfold):
        text += f"; how it moves with size is undecided, since {slope.reason}"
        effect = None
    else:
        ends = [decimal(one, sign=True) for one in (slope.per_tenfold, slope.low, slope.high)]
        text += f"; it moves by {ends[0]} [{ends[1]}, {ends[2]}] per tenfold size"
        text += f": undecided, since {slope.reason}" if slope.reason else ""
        effect = np.array([slope.per_tenfold, slope.low, slope.high])
    text += f"; {ONE_SEED}" if measure.one_seed and slope.decided else ""
    decided = slope.decided and not measure.one_seed
    return _made(measure, names, f"{text}.", decided, 0.7 if several else 0.0, effect)


def _other_picks(measure: Measure, result: GroupResult, pick: Pick, decided: bool) -> str:
    if measure.one_seed:
        return f"; {ONE_SEED}"
    names, picked = _names(result), _name(pick.picked, result)
    order = [i for i in np.argsort(-pick.probability, kind="stable") if names[i] != picked]
    shown = [f"{names[i]} in {whole_percent(float(pick.probability[i]))}" for i in order if pick.probability[i] >= 0.05]
    if decided:
        return ""
    return f"; undecided against {_listed(shown)}" if shown else "; undecided, since others share the rest"


def _chance(pick: Pick, result: GroupResult) -> float:
    return float(pick.probability[result.draws.configurations.index(pick.picked)])


def _head(measure: Measure, result: GroupResult) -> str:
    return f"{measure.quality} of {measure.dataset}" + (f", {result.group.title}" if result.group.title else "")


def _name(configuration: str, result: GroupResult) -> str:
    """`hybrid α=0.5 (tiny)`, without the size where the group has one: commas are those of the sentence."""
    first, *rest = configuration.split(", ")
    rest = [one for one in rest if one not in result.group.title.split(" ")]
    return first + (f" ({', '.join(rest)})" if rest else "")


def _names(result: GroupResult) -> list[str]:
    return [_name(one, result) for one in result.draws.configurations]


def _listed(names: list[str]) -> str:
    if len(names) > _LISTED:
        names = [*names[:_LISTED], f"{len(names) - _LISTED} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _finding(
    measure: Measure,
    result: GroupResult,
    text: str,
    decided: bool,
    importance: float = 0.0,
    effect: float | NDArray[np.float64] | None = None,
) -> Finding:
    importance = importance if result.group.main else 0.0
    return _made(measure, list(result.group.configurations), text, decided, importance, effect)


def _made(
    measure: Measure,
    names: list[str],
    text: str,
    decided: bool,
    importance: float,
    effect: float | NDArray[np.float64] | None,
) -> Finding:
    seeds = dict(zip(measure.draws.configurations, measure.draws.seeds, strict=True))
    value, low, high = map(float, effect) if isinstance(effect, np.ndarray) else (effect, None, None)
    return Finding(
        text=text,
        decided=decided,
        importance=importance,
        effect=value,
        low=low,
        high=high,
        runs=sum(seeds[name] for name in dict.fromkeys(names)),
        questions=measure.draws.questions,
    )
