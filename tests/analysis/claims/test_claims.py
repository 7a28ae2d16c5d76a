"""Claims on simulated runs whose truth is known, against loops, and with every kind of wrong file."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridret.analysis.claims.bounds import NotTestable, bounds
from hybridret.analysis.claims.choose import chosen
from hybridret.analysis.claims.contrast import Term, contrast, macro_weights
from hybridret.analysis.claims.read import PAPER, read_claims
from hybridret.analysis.claims.statements import Best, Changes, Choice, Claim, EqualGain, Flat, Keeps, Trend
from hybridret.analysis.claims.verdict import Bound, judge, rulings
from hybridret.analysis.question_values import QuestionValues
from hybridret.analysis.significance.difference import all_pairs, differences
from hybridret.analysis.significance.equivalence import equivalence
from hybridret.analysis.significance.system_values import system_values
from hybridret.base.errors import UserError

MEASURE = {"metric": "map", "setting": "multilingual"}
HYBRID = Choice(strategy="hybrid", alpha=0.5)
MONO, CROSS = Choice(strategy="mono"), Choice(strategy="cross")


def simulated(
    levels: dict[str, float | list[float]],
    seeds: int = 3,
    questions: int = 60,
    languages: tuple[str, ...] = ("de", "en", "el"),
    noise: float = 0.05,
    between: float = 0.004,
    better: int = 1,
    random: np.random.Generator | None = None,
) -> QuestionValues:
    """Runs of `levels` (one number, or one for each language) with shared hard questions and a spread over seeds."""
    random = random or np.random.default_rng(0)
    names = [(name, str(seed)) for name, seed in product(levels, range(1, seeds + 1))]
    hard = random.normal(0, 0.1, (questions, 1))
    values = [
        np.broadcast_to(np.asarray(levels[name]), (len(languages),))
        + hard + random.normal(0, between) + random.normal(0, noise, (questions, len(languages)))
        for name, _ in names
    ]  # fmt: skip
    return QuestionValues(
        "d", "multilingual", "map", 0, np.stack(values), tuple(f"{a}-{b}" for a, b in names),
        tuple(f"q{i}" for i in range(questions)), tuple((one, "all") for one in languages),
        tuple(a for a, _ in names), tuple(b for _, b in names), better,
    )  # fmt: skip


def configurations(names: dict[str, tuple[str, float]], size: float = 1e6) -> pd.DataFrame:
    rows = [{"configuration": name, "strategy": own[0], "alpha": own[1]} for name, own in names.items()]
    return pd.DataFrame(rows).assign(parameters_body=size)


THREE = configurations({"mono": ("mono", np.nan), "cross": ("cross", np.nan), "hybrid": ("hybrid", 0.5)})


def ruling(claim: Claim, values: QuestionValues, rows: pd.DataFrame = THREE) -> str:
    return rulings([judge(claim.name, {}, bounds(claim, values, rows))], list)[0][0]


def best() -> Best:
    return Best(name="b", says="s", of=HYBRID, among=[MONO, CROSS], **MEASURE)


def test_a_contrast_is_the_difference_of_macro_averages() -> None:
    values = simulated({"mono": 0.5, "cross": 0.4})
    holes = values.values.copy()
    holes[:, :7, 1] = np.nan
    values = QuestionValues(**{**values.__dict__, "values": holes})
    weights = macro_weights(values)
    found = contrast([Term(values, "mono", weights), Term(values, "cross", -weights)])
    expected = []
    for name in ("mono", "cross"):
        cells = []
        for cell in range(3):
            own = [float(v) for run in values.of(name) for v in run[:, cell] if not np.isnan(v)]
            cells.append(sum(own) / len(own))
        expected.append(sum(cells) / 3)
    assert found.effect == pytest.approx(expected[0] - expected[1], abs=1e-12)
    macro = dict(zip(values.runs, values.macro, strict=True))
    seeds = [np.mean([macro[f"{name}-{seed}"] for seed in (1, 2, 3)]) for name in ("mono", "cross")]
    assert found.effect == pytest.approx(seeds[0] - seeds[1], abs=1e-12)


def test_with_one_seed_and_cell_it_is_the_paired_t_test() -> None:
    values = simulated({"mono": 0.5, "cross": 0.45}, seeds=1, languages=("en",), noise=0.2)
    weights = macro_weights(values)
    found = contrast([Term(values, "mono", weights), Term(values, "cross", -weights)])
    a, b = values.values[:, :, 0]
    expected = stats.ttest_rel(a, b)
    assert 2 * min(found.above(0), found.below(0)) == pytest.approx(expected.pvalue, rel=1e-9)
    interval = expected.confidence_interval()
    assert found.interval() == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert found.seeds == 1


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
@pytest.mark.parametrize("holes", [False, True])
def test_claims_and_significance_agree_on_a_difference(seeds: int, holes: bool) -> None:
    values = simulated({"a": 0.5, "b": 0.48}, seeds, between=0.02, random=np.random.default_rng(seeds))
    if holes:
        some = values.values.copy()
        some[:, :7, 1] = np.nan
        some[:, 3, 2] = np.nan
        values = QuestionValues(**{**values.__dict__, "values": some})
    weights = macro_weights(values)
    found = contrast([Term(values, "a", weights), Term(values, "b", -weights)])
    other = differences(system_values(values), all_pairs(2))
    assert found.effect == pytest.approx(other.difference.item(), rel=1e-12)
    assert found.error**2 == pytest.approx(other.spread.total.item(), rel=1e-9)
    assert found.freedom == pytest.approx(other.spread.freedom.item(), rel=1e-9)
    assert found.interval() == pytest.approx((other.low.item(), other.high.item()), rel=1e-9)
    if seeds > 1:
        assert 2 * min(found.above(0), found.below(0)) == pytest.approx(other.p_seeds.item(), rel=1e-9)
    equal = equivalence(values, "a", "b", margin=0.1)
    assert found.interval(0.9) == pytest.approx((equal.low, equal.high), rel=1e-9)


def test_a_configuration_that_stands_twice_is_drawn_once() -> None:
    values = simulated({"a": 0.5, "b": 0.48})
    weights = macro_weights(values)
    once = contrast([Term(values, "a", weights), Term(values, "b", -weights)])
    twice = contrast([Term(values, "a", 0.5 * weights), Term(values, "b", -weights), Term(values, "a", 0.5 * weights)])
    assert (twice.effect, twice.error, twice.above(0)) == pytest.approx((once.effect, once.error, once.above(0)))
    nothing = contrast([Term(values, "a", weights), Term(values, "a", -weights)])
    assert nothing.error == 0


def test_small_p_are_as_rare_as_they_say() -> None:
    # Holm over a file of claims and all groups decides at p of .001, and two seeds that happen to agree say little.
    random, small, draws = np.random.default_rng(4), 0, 1500
    for _ in range(draws):
        values = simulated({"a": 0.5, "b": 0.5}, 2, 20, ("de",), between=0.1, random=random)
        weights = macro_weights(values)
        found = contrast([Term(values, "a", weights), Term(values, "b", -weights)])
        small += 2 * min(found.above(0), found.below(0)) <= 0.002
    assert small <= 8  # expected: 3


def test_the_spread_over_seeds_widens_the_interval() -> None:
    quiet, loud = (simulated({"a": 0.5, "b": 0.5}, between=spread) for spread in (0.0, 0.05))
    widths = []
    for values in (quiet, loud):
        weights = macro_weights(values)
        low, high = contrast([Term(values, "a", weights), Term(values, "b", -weights)]).interval()
        widths.append(high - low)
    assert widths[1] > 3 * widths[0]


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_cover_the_truth(seeds: int) -> None:
    inside, random = 0, np.random.default_rng(seeds)
    for _ in range(600):
        values = simulated({"a": 0.5, "b": 0.48}, seeds=seeds, questions=30, between=0.02, random=random)
        weights = macro_weights(values)
        low, high = contrast([Term(values, "a", weights), Term(values, "b", -weights)]).interval()
        inside += low <= 0.02 <= high
    assert 0.93 <= inside / 600 <= 0.99  # wide rather than narrow: noise within a seed is counted twice


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_constructed_cases_are_judged_right(seeds: int) -> None:
    wins = simulated({"mono": 0.40, "cross": 0.45, "hybrid": 0.60}, seeds)
    loses = simulated({"mono": 0.60, "cross": 0.45, "hybrid": 0.40}, seeds)
    close = simulated({"mono": 0.40, "cross": 0.50, "hybrid": 0.5005}, seeds, noise=0.2)
    assert [ruling(best(), one) for one in (wins, loses, close)] == ["supported", "refuted", "undecided"]
    keeps = Keeps(name="k", says="s", of=HYBRID, against=MONO, margin=0.05, **MEASURE)
    assert ruling(keeps, wins) == "supported"
    assert ruling(keeps, loses) == "refuted"
    edge = simulated({"mono": 0.55, "cross": 0.4, "hybrid": 0.501}, seeds, noise=0.2)
    assert ruling(keeps, edge) == "undecided"


def test_lower_is_better_where_it_is() -> None:
    distance = simulated({"mono": 0.60, "cross": 0.45, "hybrid": 0.40}, better=-1)
    assert ruling(best(), distance) == "supported"
    assert ruling(Keeps(name="k", says="s", of=MONO, against=HYBRID, margin=0.05, **MEASURE), distance) == "refuted"


def test_a_share_is_a_share_of_the_other_value() -> None:
    values = simulated({"mono": 0.50, "cross": 0.30, "hybrid": 0.38})
    for by, expected in ((0.2, "supported"), (0.3, "refuted")):
        claim = Changes(name="c", says="s", of=[CROSS, HYBRID], against=MONO, direction="lower", by=by, **MEASURE)
        found = bounds(claim, values, THREE)
        assert judge("c", {}, found).weakest is found[1]
        macro = values.mean_over_seeds().mean(axis=(1, 2))
        assert found[1].contrast.effect == pytest.approx(macro[2] / macro[0] - 1)
        assert ruling(claim, values) == expected
    higher = Changes(name="c", says="s", of=[MONO], against=CROSS, direction="higher", by=0.5, **MEASURE)
    assert ruling(higher, values) == "supported"


def test_flat_means_every_pair() -> None:
    rows = configurations({f"h{alpha}": ("hybrid", alpha) for alpha in (0.3, 0.4, 0.5, 0.6)})
    claim = Flat(name="f", says="s", of=Choice(strategy="hybrid", alpha=(0.4, 0.6)), margin=0.05, **MEASURE)
    level = simulated({"h0.3": 0.9, "h0.4": 0.50, "h0.5": 0.51, "h0.6": 0.5})
    assert len(bounds(claim, level, rows)) == 3
    assert ruling(claim, level, rows) == "supported"
    assert ruling(claim, simulated({"h0.3": 0.5, "h0.4": 0.50, "h0.5": 0.5, "h0.6": 0.6}), rows) == "refuted"
    assert ruling(claim, simulated({"h0.3": 0.5, "h0.4": 0.50, "h0.5": 0.5, "h0.6": 0.549}), rows) == "undecided"


def test_gains_are_compared_between_languages() -> None:
    claim = EqualGain(name="e", says="s", of=HYBRID, against=MONO, languages=["el"], margin=0.05, **MEASURE)
    same = simulated({"mono": 0.4, "cross": 0.4, "hybrid": [0.5, 0.5, 0.5]})
    less = simulated({"mono": 0.4, "cross": 0.4, "hybrid": [0.5, 0.5, 0.4]})
    assert ruling(claim, same) == "supported"
    assert ruling(claim, less) == "refuted"
    (bound,) = bounds(claim, less, THREE)
    means = less.mean_over_seeds().mean(axis=1)  # [configurations, languages]
    gain = means[2] - means[0]
    assert bound.contrast.effect == pytest.approx(gain[2] - gain[:2].mean())


def test_a_trend_is_the_slope_of_the_gaps() -> None:
    sizes = (1e6, 1e7, 1e8)
    for side in (1, -1):
        levels: dict[str, float | list[float]] = {}
        rows = []
        for i, size in enumerate(sizes):
            names = {f"mono{i}": ("mono", np.nan), f"cross{i}": ("cross", np.nan), f"hybrid{i}": ("hybrid", 0.5)}
            rows.append(configurations(names, size))
            levels |= {f"mono{i}": 0.3, f"cross{i}": 0.5, f"hybrid{i}": 0.5 + side * (0.3 - 0.1 * i)}
        values, table = simulated(levels), pd.concat(rows, ignore_index=True)
        for direction, expected in (("shrinks", "supported"), ("grows", "refuted"), ("level", "refuted")):
            claim = Trend(name="t", says="s", of=HYBRID, against=[MONO, CROSS], direction=direction, **MEASURE)
            (bound,) = bounds(claim, values, table)
            macro = dict(zip(values.names, values.mean_over_seeds().mean(axis=(1, 2)), strict=True))
            gaps = [macro[f"hybrid{i}"] - macro[f"cross{i}"] for i in range(3)]
            assert bound.contrast.effect == pytest.approx(np.polyfit(np.log10(sizes), gaps, 1)[0])
            assert ruling(claim, values, table) == expected
        with pytest.raises(NotTestable, match="needs three sizes, and there are 2"):
            bounds(claim, values, table[table["parameters_body"] < 1e8])


def test_the_better_rival_of_a_trend_is_the_lower_one_where_lower_is_better() -> None:
    sizes = (1e6, 1e7, 1e8)
    levels: dict[str, float | list[float]] = {}
    rows = []
    for i, size in enumerate(sizes):
        names = {f"mono{i}": ("mono", np.nan), f"cross{i}": ("cross", np.nan), f"hybrid{i}": ("hybrid", 0.5)}
        rows.append(configurations(names, size))
        levels |= {f"mono{i}": 0.9 - 0.3 * i, f"cross{i}": 0.5, f"hybrid{i}": 0.6}
    values = simulated(levels, better=-1)
    claim = Trend(name="t", says="s", of=HYBRID, against=[MONO, CROSS], direction="shrinks", **MEASURE)
    (bound,) = bounds(claim, values, pd.concat(rows, ignore_index=True))
    macro = dict(zip(values.names, values.mean_over_seeds().mean(axis=(1, 2)), strict=True))
    gaps = [macro[f"hybrid{i}"] - min(macro[f"mono{i}"], macro[f"cross{i}"]) for i in range(3)]
    assert bound.contrast.effect == pytest.approx(np.polyfit(np.log10(sizes), gaps, 1)[0])


def test_a_refutation_pays_for_the_number_of_bounds() -> None:
    values = simulated({"mono": 0.5, "cross": 0.5, "hybrid": 0.48}, noise=0.2)
    found = bounds(best(), values, THREE)
    judged = judge("b", {}, found)
    assert judged.refutation == pytest.approx(2 * min(one.outside for one in found))
    assert judged.support == max(one.inside for one in found)


def test_a_cell_that_nobody_was_asked_has_no_weight() -> None:
    values = simulated({"a": 0.5})
    holes = values.values.copy()
    holes[:, :, 1] = np.nan
    values = QuestionValues(**{**values.__dict__, "values": holes})
    np.testing.assert_allclose(macro_weights(values), values.weights.sum(axis=0))
    with pytest.raises(ValueError, match="no cell has a query language among en"):
        macro_weights(values, ["en"])


def test_hybrids_ends_are_mono_and_cross() -> None:
    grid = configurations({f"h{alpha}": ("hybrid", alpha) for alpha in (0.0, 0.5, 1.0)})
    assert chosen(grid, MONO) == ["h1.0"]
    assert chosen(grid, CROSS) == ["h0.0"]
    assert chosen(grid, HYBRID) == ["h0.5"]
    both = pd.concat([grid, THREE], ignore_index=True)
    assert chosen(both, MONO) == ["mono"]


def test_what_cannot_be_tested_is_named() -> None:
    values = simulated({"mono": 0.4, "cross": 0.4, "hybrid": 0.4, "other": 0.4})
    twice = pd.concat([THREE, configurations({"other": ("hybrid", 0.5)})], ignore_index=True)
    with pytest.raises(NotTestable, match="means 2 configurations here"):
        bounds(best(), values, twice)
    with pytest.raises(NotTestable, match="no run of cross"):
        bounds(best(), values, THREE[THREE["strategy"] != "cross"])
    with pytest.raises(ValueError, match="one question"):
        bounds(best(), simulated({"mono": 0.4, "cross": 0.4, "hybrid": 0.4}, questions=1), THREE)


@pytest.mark.slow
def test_a_true_null_is_rarely_rejected() -> None:
    random, wrong = np.random.default_rng(5), 0
    for _ in range(400):
        values = simulated({"mono": 0.4, "cross": 0.5, "hybrid": 0.5}, questions=30, between=0.02, random=random)
        wrong += ruling(best(), values) != "undecided"
    assert wrong / 400 <= 0.08  # five percent in each direction, and the intersection test is strict


def test_identical_systems_decide_nothing() -> None:
    values = simulated({"mono": 0.4, "cross": 0.4, "hybrid": 0.4}, between=0, noise=0)
    assert ruling(best(), values) == "undecided"
    assert ruling(Keeps(name="k", says="s", of=HYBRID, against=MONO, margin=0.01, **MEASURE), values) == "supported"


def test_p_of_bounds() -> None:
    values = simulated({"a": 0.5, "b": 0.45})
    weights = macro_weights(values)
    one = contrast([Term(values, "a", weights), Term(values, "b", -weights)])
    inside = Bound("w", one, -0.1, 0.1)
    assert inside.inside == max(one.above(-0.1), one.below(0.1))
    assert inside.outside == min(1, 2 * min(one.below(-0.1), one.above(0.1)))


def test_the_papers_claims_can_be_read() -> None:
    claims = read_claims(PAPER)
    assert [one.name for one in claims][:2] == ["hybrid_best_multilingual", "hybrid_keeps_monolingual"]
    assert {type(one) for one in claims} == {Best, Keeps, Changes, Flat, EqualGain, Trend}


HEAD = "claims:\n  - {name: a, says: b, metric: map, setting: monolingual, "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("claims: 3", "expected a list under `claims:`"),
        ("- 1", "expected a list under `claims:`"),
        ("", "expected a list under `claims:`"),
        ("a: [", "is no yaml"),
        ("? [a]\n: 3", "is no yaml"),
        ("claims:\n  - 3", "line 2: a claim is a mapping"),
        ("claims:\n\n  - {kind: bset}", "line 3: kind 'bset' is not known. Did you mean 'best'"),
        (HEAD + "kind: keeps, of: hybrid, against: mono, margin: -1}", "line 2: margin=-1 is refused"),
        (HEAD + "kind: keeps, of: hybrid, against: mono, margin: .inf}", "margin=inf is refused"),
        (HEAD + "kind: keeps, of: hybrid, against: mono}", "the key 'margin' is missing"),
        (HEAD + "kind: keeps, of: hybrid, against: mono, margn: 1}", "the key 'margn' is not known. Did you mean"),
        (HEAD + "kind: keeps, of: {strategi: x}, against: mono, margin: 1}", "of"),
        (HEAD + "kind: flat, of: {strategy: hybrid, alpha: [.4]}, margin: .1}", "of.alpha=[0.4] is refused"),
        (HEAD.replace("monolingual", "mono") + "kind: flat, of: hybrid, margin: .1}", "setting='mono' is refused"),
        (2 * (HEAD + "kind: flat, of: hybrid, margin: .1}\n")[8:], "expected a list"),
        ("claims:\n" + 2 * (HEAD[8:] + "kind: flat, of: hybrid, margin: .1}\n"), "two claims are called 'a'"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_paragraph(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "claims.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        read_claims(file)
    assert message in str(error.value)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml cannot be read"):
        read_claims(tmp_path / "none.yaml")
