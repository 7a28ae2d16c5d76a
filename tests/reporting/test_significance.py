"""The answer `significance`: which comparisons get a sentence, and what the sentences say."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.significance.comparisons import COMPARISON
from hybridret.analysis.significance.languages import win_tie_loss
from hybridret.reporting.answers.answer import Findings
from hybridret.reporting.answers.significance.find import ANSWER, _languages, without_seeds
from hybridret.reporting.answers.significance.questions import Question, questions
from hybridret.reporting.answers.significance.tables import languages_table
from hybridret.reporting.answers.significance.words import p_words, seeds_words, sentence, signed
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence
from hybridret.reporting.table import rank, score


@pytest.fixture(scope="module")
def evidence(questioned: Path) -> Evidence:
    return Evidence([collect(questioned)], permutations=300, resamples=200)


@pytest.fixture(scope="module")
def found(evidence: Evidence) -> Findings:
    findings = ANSWER.find(evidence)
    assert findings is not None
    return findings


def test_hybrid_is_asked_about_first(found: Findings) -> None:
    own = [one.text for one in found.sentences if "on cldr_combinations" in one.text]
    heads = ["hybrid α=0.5, small {} mono, small", "hybrid α=0.5, small {} cross, small"]
    for text, head in zip(own, [heads[0], heads[1], heads[1]], strict=False):
        assert all(part in text for part in head.split(" {} "))
    for text, scope in zip(own, ("within languages", "across languages", "in the pool of all"), strict=False):
        assert scope in text
    assert len(own) == 6  # two sizes
    for dataset in ("cldr_combinations", "xquad_r"):
        opening = [one for one in found.sentences if one.importance > 0 and f"on {dataset}" in one.text]
        assert len(opening) == 3
    assert all(one.text.endswith(".") for one in found.sentences)
    assert all(one.decided != one.text.startswith("Undecided") for one in found.sentences)


def test_frames_have_every_comparison(found: Findings) -> None:
    family = found.frames["significance_comparisons"]
    assert tuple(family.columns) == COMPARISON
    cldr = family[family["dataset"] == "cldr_combinations"]
    assert set(cldr.groupby(["setting", "metric"]).size()) == {8 * 7 // 2}
    assert {"BM25", "scratch, not trained"} <= set(cldr["a"]) | set(cldr["b"])
    languages = found.frames["significance_languages"]
    own = languages[(languages["dataset"] == "cldr_combinations") & (languages["setting"] == "cross-lingual")]
    assert len(own) == 28 * 56
    assert set(languages["metric"]) == {"map", "rank_distance"}
    power = found.frames["significance_power"]
    assert len(power) == len(family)
    assert (power["detectable"] >= 0).all()
    assert len(found.tables) == 6
    assert all(table.rows for table in found.tables)
    assert all(len(row) == len(table.columns) for table in found.tables for row in table.rows)


def test_signs_follow_the_one_that_is_asked_about(evidence: Evidence, found: Findings) -> None:
    values = evidence.values("cldr_combinations")[("monolingual", "map", 0)]
    macro = pd.Series(values.macro).groupby(list(values.configurations)).mean()
    first = found.sentences[0]
    assert first.effect == pytest.approx(macro["hybrid α=0.5, small"] - macro["mono, small"])
    assert first.low is not None
    assert first.high is not None
    assert first.low <= first.effect <= first.high
    assert first.runs == 4
    assert first.questions == 40


def test_single_seeds_are_remarked(evidence: Evidence, found: Findings) -> None:
    assert without_seeds(evidence) == ["BM25"]
    assert any(text.startswith("xquad_r: in 39 of 39") for text in found.remarks)
    assert all("one seed" in one.text for one in found.sentences if "xquad_r" in one.text)


def test_without_hybrid_the_best_stand_against_the_second(fabricate: ModuleType, tmp_path: Path) -> None:
    for strategy, seed in (("mono", 1), ("mono", 2), ("cross", 1), ("cross", 2)):
        fabricate.run(tmp_path / "two", strategy, seed)
    fabricate.run(tmp_path / "two", "none", 1, trained=False, backbone="bm25", level=fabricate.NONE, body=0)
    found = ANSWER.find(Evidence([collect(fabricate.questioned(tmp_path / "two", count=20))], 300, 200))
    assert found is not None
    assert len(found.sentences) == 3
    across = next(one for one in found.sentences if "across languages" in one.text)
    assert across.text.startswith("cross is better than mono across languages on cldr_combinations: Cr. mAP +.")
    assert across.decided
    assert "(2 seeds, 20 questions)" in across.text


def test_an_alpha_grid_compares_the_best_two(fabricate: ModuleType, tmp_path: Path) -> None:
    sweep = collect(fabricate.questioned(fabricate.alpha(tmp_path / "alpha"), count=12))
    evidence = Evidence([sweep], 200, 100)
    found = ANSWER.find(evidence)
    assert found is not None
    assert len(found.sentences) == 3
    family = found.frames["significance_comparisons"]
    for one in questions(evidence, "cldr_combinations", family):
        values = evidence.values("cldr_combinations")[(family.at[one.row, "setting"], "map", 0)]
        macro = pd.Series(values.macro).groupby(list(values.configurations)).mean()
        assert macro[one.a] == macro.max()
        assert macro[one.b] == macro.drop(one.a).max()


def test_hybrid_is_asked_about_where_all_else_is_equal(fabricate: ModuleType, tmp_path: Path) -> None:
    sweep = tmp_path / "rates"
    for strategy, rate in (("hybrid", 0.001), ("hybrid", 0.003), ("mono", 0.003), ("cross", 0.003)):
        seed = 1 if rate == 0.003 else 2
        alpha = 0.5 if strategy == "hybrid" else None
        fabricate.run(sweep, strategy, seed, alpha=alpha, config={"optim": {"lr": rate}})
    evidence = Evidence([collect(fabricate.questioned(sweep, count=8))], 100, 100)
    found = ANSWER.find(evidence)
    assert found is not None
    asked = questions(evidence, "cldr_combinations", found.frames["significance_comparisons"])
    assert [one.a for one in asked] == ["hybrid α=0.5, lr=0.003"] * 3
    assert {one.b for one in asked} == {"mono, lr=0.003", "cross, lr=0.003"}


def test_the_hybrid_that_is_asked_about_has_plain_batches(fabricate: ModuleType, tmp_path: Path) -> None:
    sweep = tmp_path / "pairs"
    for strategy in ("mono", "cross"):
        fabricate.run(sweep, strategy, 1)
    for alpha, pairs, seed in ((0.4, "all", 1), (0.4, "english", 2), (0.5, "english", 3)):
        batching = {"_target_": "hybridret.batching.hybrid.X", "alpha": alpha, "pairs": pairs}
        fabricate.run(sweep, "hybrid", seed, alpha=alpha, config={"batching": batching})
    evidence = Evidence([collect(fabricate.questioned(sweep, count=8))], 100, 100)
    found = ANSWER.find(evidence)
    assert found is not None
    asked = questions(evidence, "cldr_combinations", found.frames["significance_comparisons"])
    assert [one.a for one in asked] == ["hybrid α=0.4"] * 3


def test_nothing_to_compare(fabricate: ModuleType, questioned: Path, tmp_path: Path) -> None:
    fabricate.run(tmp_path / "one", "mono", 1)
    assert ANSWER.find(Evidence([collect(fabricate.questioned(tmp_path / "one"))])) is None
    bare = shutil.copytree(questioned, tmp_path / "bare", ignore=shutil.ignore_patterns("queries.parquet"))
    assert ANSWER.find(Evidence([collect(bare)])) is None


def row(**changes: object) -> dict[str, object]:
    usual = {
        "dataset": "cldr", "setting": "cross-lingual", "metric": "map", "cutoff": 0, "a": "mono", "b": "hybrid α=0.5",
        "difference": -0.734, "low": -0.75, "high": -0.72, "p_bh": 1e-5, "verdict": "b", "seeds_a": 3, "seeds_b": 3,
        "questions": 493, "seed_spread": "known", "better": 1,
    }  # fmt: skip
    return usual | changes


NEEDS = {"detectable": 0.02, "more_seeds": 0.0, "more_questions": 0.0, "seeds_dominate": False}
ASKED = Question(0, "hybrid α=0.5", "mono", True)


def test_a_decided_sentence_word_by_word() -> None:
    assert sentence(ASKED, row(), NEEDS, 0.9).text == (
        "hybrid α=0.5 is better than mono across languages on cldr: Cr. mAP +.734 [+.720, +.750], p < .001 "
        "(3 seeds, 493 questions)."
    )
    worse = row(
        metric="rank_distance", setting="multilingual", better=-1, verdict="a", seeds_a=1, seed_spread="unknown"
    )
    text = sentence(ASKED, worse | {"difference": -200.0, "low": -250.0, "high": -120.0}, NEEDS, 0.9).text
    assert text == (
        "hybrid α=0.5 is worse than mono in the pool of all languages on cldr: Mul. rank distance +200 [+120, +250], "
        "p < .001 (3 and 1 seeds, 493 questions); with one seed, what another seed would change is unknown."
    )


@pytest.mark.parametrize(
    ("changes", "needs", "words"),
    [
        ({}, {"more_seeds": 4.0}, "it needs about 4 more seeds of each (only a difference of .020 would be found in"),
        ({}, {"more_seeds": 1.0}, "it needs about 1 more seed of each ("),
        ({}, {"more_seeds": 4.0, "more_questions": 1234.0}, "(about 1,200 more questions would settle it)"),
        ({}, {"more_seeds": np.nan, "seeds_dominate": True}, "no number of questions would do, since seeds spread"),
        ({}, {"more_seeds": np.nan}, "more than 100 seeds would be needed; only a difference of .020"),
        ({}, {}, "it would be found alone, but not among so many comparisons"),
        ({"seed_spread": "unknown"}, {"more_questions": 90.0}, "is unknown; about 90 more questions would settle it"),
        ({"difference": 0.0}, {}, "the averages are equal"),
        ({}, {"detectable": np.nan}, "one question shows no spread"),
    ],
)
def test_why_something_is_undecided(changes: dict[str, object], needs: dict[str, object], words: str) -> None:
    open_row = row(verdict="undecided", difference=0.005, low=-0.01, high=0.02, p_bh=0.4) | changes
    one = sentence(ASKED, open_row, NEEDS | needs, 0.0)
    assert not one.decided
    assert one.text.startswith("Undecided, hybrid α=0.5 against mono across languages on cldr: Cr. mAP ")
    assert words in one.text


def test_numbers_in_words() -> None:
    texts = [signed(value, score) for value in (0.0341, -0.002, 0.0, 0.00004, float("nan"))]
    assert texts == ["+.034", "-.002", ".000", "+4e-05", "?"]
    assert signed(-12038.0, rank) == "-12,038"
    assert [p_words(p) for p in (0.0002, 0.034, 1.0)] == ["p < .001", "p = .034", "p = 1.000"]
    assert [seeds_words({"seeds_a": a, "seeds_b": b}) for a, b in ((1, 1), (3, 3), (3, 1))] == [
        "1 seed", "3 seeds", "3 and 1 seeds",
    ]  # fmt: skip


def test_with_many_configurations_only_the_sentences_are_compared_in_languages(
    evidence: Evidence, found: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hybridret.reporting.answers.significance.find.MOST", 3)
    values = list(evidence.values("cldr_combinations").values())
    family = found.frames["significance_comparisons"]
    asked = {"cldr_combinations": questions(evidence, "cldr_combinations", family)}
    assert [one.opens for one in asked["cldr_combinations"]] == [True] * 3 + [False] * 3  # the largest size
    few = _languages(evidence, values, asked)
    assert {frozenset(pair) for pair in zip(few["a"], few["b"], strict=True)} == {
        frozenset((one.a, one.b)) for one in asked["cldr_combinations"]
    }
    none = _languages(evidence, values, {})
    assert none.empty
    assert languages_table("cldr_combinations", win_tie_loss(none), family, []) is None


def test_runs_without_values_of_questions_are_remarked(fabricate: ModuleType, tmp_path: Path) -> None:
    for strategy in ("mono", "cross", "hybrid"):
        fabricate.run(tmp_path / "three", strategy, 1)
    sweep = fabricate.questioned(tmp_path / "three", count=8)
    missing = next(sweep.glob("batching-mono*/queries.parquet"))
    missing.unlink()
    found = ANSWER.find(Evidence([collect(sweep)], 100, 100))
    assert found is not None
    assert any(text.startswith(missing.parent.name) and str(missing) in text for text in found.remarks)
    assert len(found.sentences) == 2  # nothing to compare hybrid with in Mo.
