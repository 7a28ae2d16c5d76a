"""What the laws of scale say of one measure: the law, exponents, their differences, gaps, held-out sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from hybridret.analysis.scaling.bands import Band, band
from hybridret.analysis.scaling.exponents import Exponent, Judged, difference, judged_exponent
from hybridret.analysis.scaling.gap import Gap, gap
from hybridret.analysis.scaling.laws import OFFSET, ONE_VARIABLE, POWER, Law
from hybridret.analysis.scaling.prediction import HeldOut, choose_law, held_out
from hybridret.reporting.answers.scaling.families import Family, Measure

RIVALS = ("mono", "cross")
FEWEST = 3  # sizes of a law


@dataclass(frozen=True)
class Compared:
    """The exponent of `first` minus that of `second`; each is a family and a setting."""

    first: tuple[str, str]
    second: tuple[str, str]
    judged: Judged


@dataclass(frozen=True)
class Scaled:
    """One measure of all families against body parameters.

    law: the one that exponents are of; chosen: that of `choose_law` (None: fewer than three sizes), and the held-out
    errors of all. bands: by (family, setting), then by law, of all laws that the series can be fitted to.
    exponents: by (family, setting). gaps: by (family, setting), of families that have both
    rivals; predictions: by (family, setting), of all laws that smaller sizes can fit.
    """

    measure: Measure
    families: Sequence[Family]
    law: Law
    chosen: Law | None
    errors: Mapping[str, float]
    bands: Mapping[tuple[str, str], Mapping[str, Band]]
    exponents: Mapping[tuple[str, str], Exponent]
    compared: Sequence[Compared]
    gaps: Mapping[tuple[str, str], Gap]
    predictions: Mapping[tuple[str, str], Sequence[HeldOut]]

    def compare(self, first: tuple[str, str], second: tuple[str, str]) -> Judged | None:
        """The difference of two exponents, None where it was not computed."""
        return next((one.judged for one in self.compared if (one.first, one.second) == (first, second)), None)


def scaled(measure: Measure, families: Sequence[Family]) -> Scaled:
    """Everything about `measure`. Exponents are those of the power law, unless the law with offset is chosen by
    held-out sizes and determines the exponents of all series."""
    several = [(one, setting) for one in families for setting in one.losses if len(one.sizes) >= FEWEST]
    chosen, errors = choose_law([one.losses[setting] for one, setting in several]) if several else (None, {})
    law = OFFSET if chosen is OFFSET else POWER
    fitted = {(one.label, setting): _bands(one, setting) for one in families for setting in one.losses}
    exponents = _exponents(law, families, fitted)
    if law is OFFSET and any(one.doubt for one in exponents.values()):
        law, exponents = POWER, _exponents(POWER, families, fitted)
    predictions = {
        (one.label, setting): [
            found
            for law in ONE_VARIABLE
            if (found := held_out(law, one.losses[setting], one.draws, one.loss_shifts[setting]))
        ]
        for one, setting in several
    }
    compared = _compared(families, exponents)
    return Scaled(
        measure, families, law, chosen, errors, fitted, exponents, compared, _gaps(measure, families), predictions
    )


def _bands(family: Family, setting: str) -> dict[str, Band]:
    own = family.losses[setting]
    laws = [law for law in ONE_VARIABLE if len(law.parameters) <= len(own.variables)]
    return {law.name: band(law, own, family.draws, family.loss_shifts[setting]) for law in laws}


def _exponents(
    law: Law, families: Sequence[Family], fitted: Mapping[tuple[str, str], Mapping[str, Band]]
) -> dict[tuple[str, str], Exponent]:
    """Of families with two sizes or more; of two sizes by the power law."""
    found = {}
    for one in families:
        for setting in one.losses if len(one.sizes) > 1 else ():
            own = fitted[one.label, setting]
            found[one.label, setting] = judged_exponent(own.get(law.name, own[POWER.name]), own[POWER.name], one.sizes)
    return found


def _compared(families: Sequence[Family], exponents: Mapping[tuple[str, str], Exponent]) -> list[Compared]:
    """Settings of one family, later minus earlier; one setting of families that may be compared, hybrids first."""
    pairs = [((one.label, b), (one.label, a)) for one in families for a, b in combinations(one.losses, 2)]
    ordered = sorted(families, key=lambda one: one.strategy in RIVALS)
    pairs += [
        ((first.label, setting), (second.label, setting))
        for first, second in combinations(ordered, 2)
        if first.keys == second.keys
        for setting in first.losses
        if setting in second.losses
    ]
    return [
        Compared(a, b, difference(exponents[a], exponents[b])) for a, b in pairs if a in exponents and b in exponents
    ]


def _gaps(measure: Measure, families: Sequence[Family]) -> dict[tuple[str, str], Gap]:
    found = {}
    for one in families:
        others = [other for other in families if other.strategy in RIVALS and other.keys == one.keys]
        if one.strategy in RIVALS or sorted(other.strategy for other in others) != sorted(RIVALS):
            continue
        common = set(one.sizes).intersection(*(set(other.sizes) for other in others))
        every = [one, *others]
        for setting in one.scores:
            if common and all(setting in other.scores for other in others):
                found[one.label, setting] = gap(
                    one.scores[setting],
                    [other.scores[setting] for other in others],
                    measure.better,
                    [other.draws for other in every],
                    [other.score_shifts[setting] for other in every],
                )
    return found
