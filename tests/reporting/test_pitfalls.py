"""The answer on lost questions: sentences against counts from the files, with and without texts."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.pitfalls.lost import LostQuestions, lost_questions
from hybridret.analysis.pitfalls.texts import QuestionTexts
from hybridret.base.errors import UserError
from hybridret.reporting.answers.answer import Findings
from hybridret.reporting.answers.pitfalls import find as pitfalls
from hybridret.reporting.answers.pitfalls.sentences import group_sentences, transfer_sentence
from hybridret.reporting.collect import collect
from hybridret.reporting.evidence import Evidence

QUESTIONS = 120
DATASET = "cldr_combinations"
NUMBERS = np.arange(QUESTIONS) % 3 == 0  # these questions have digits


@pytest.fixture(scope="module")
def lossy(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small sweep with MRR of 120 questions. mono loses half across languages, with digits far more often; hybrid
    and cross lose a tenth. Untrained rows are left without values."""
    folder = shutil.copytree(small, tmp_path_factory.mktemp("lossy") / "lossy")
    for run in sorted(folder.glob("batching-*seed-[123]")):
        random = np.random.default_rng([*run.name.encode()])
        lost = 0.25 + 0.5 * NUMBERS if "batching-mono" in run.name else np.full(QUESTIONS, 0.1)
        languages = ("ar", "de", "en", "hi", "ja", "ru", "sw", "zh")
        rows = []
        for query, passage in product(languages, languages):
            home = query == passage
            found = random.random(QUESTIONS) < (0.95 if home else 1 - lost)
            rows += [
                (
                    DATASET,
                    "monolingual" if home else "cross-lingual",
                    query,
                    passage,
                    "mrr",
                    10,
                    f"{query}:{i}",
                    str(i),
                    v,
                )
                for i, v in enumerate(np.where(found, 0.25, 0.0).tolist())
            ]
        names = [
            "dataset", "setting", "query_language", "corpus_language", "metric", "cutoff", "query_id", "question",
            "value",
        ]  # fmt: skip
        pd.DataFrame(rows, columns=names).to_parquet(run / "queries.parquet", index=False)
    return folder


def texts(dataset: str) -> QuestionTexts:
    assert dataset == DATASET
    rows = [
        (str(i), language, "What of <b>1999</b>?" if NUMBERS[i] else "What of <b>it</b> then?", "", 4, 0)
        for i in range(QUESTIONS)
        for language in ("ar", "de", "en", "hi", "ja", "ru", "sw", "zh")
    ]
    asked = pd.DataFrame(rows, columns=["question", "language", "text", "topic", "tokens", "unknown"])
    return QuestionTexts(asked, asked[["question", "language"]].assign(text="<i>That</i>."))


def found(folder: Path, **options: object) -> Findings:
    evidence = Evidence([collect(folder)], permutations=500, resamples=300, **options)  # type: ignore[arg-type]
    answer = pitfalls.find(evidence)
    assert answer is not None
    return answer


@pytest.fixture(scope="module")
def whole(lossy: Path) -> Findings:
    return found(lossy, texts=texts)


def test_the_first_sentence_has_the_share_of_the_files(lossy: Path, whole: Findings) -> None:
    tables = [pd.read_parquet(run / "queries.parquet") for run in sorted(lossy.glob("batching-mono*seed-[123]"))]
    at_home, gone = 0, 0
    keys = ["question", "query_language", "corpus_language"]
    marks = [table.set_index(keys)["value"].gt(0).to_dict() for table in tables]
    for question, query, passage in marks[0]:
        if query != passage:
            home = [one[question, query, query] for one in marks]
            away = [one[question, query, passage] for one in marks]
            at_home += sum(home) >= 2
            gone += sum(x and not y for x, y in zip(home, away, strict=True)) >= 2
    first = whole.sentences[0]
    assert f"mono {100 * gone / at_home:.1f} % [" in first.text
    assert first.decided
    assert first.importance > 0
    assert all(one.importance == 0 for one in whole.sentences[1:])
    assert first.effect is not None
    assert first.low is not None
    assert 0.2 < first.low < first.effect
    pairs = whole.frames["pitfalls_pairs"]
    own = pairs[pairs["configuration"] == "mono"]
    assert (own["lost"].sum(), own["found"].sum()) == (gone, at_home)
    worst = own.sort_values("share", ascending=False).iloc[0]
    assert f"from {worst['query_language']} to {worst['corpus_language']}" in first.text


def test_digits_are_found_with_texts_and_not_asked_without(lossy: Path, whole: Findings) -> None:
    sentences = [one.text for one in whole.sentences]
    assert any("in questions with digits as elsewhere" in one and "mono" in one for one in sentences)
    groups = whole.frames["pitfalls_groups"]
    row = groups[(groups["group"] == "questions with digits") & (groups["configuration"] == "mono")].iloc[0]
    assert row["low"] > 3
    assert row["questions"] == NUMBERS.sum()
    bare = found(lossy)
    assert set(bare.frames["pitfalls_groups"]["feature"]) == {"script", "family", "question script", "passage script"}
    assert "--texts" in bare.remarks[0]


def test_only_configurations_that_lose_more_are_counted_with_one_that_loses_more() -> None:
    lost = {name: made_lost(name) for name in "abc"}
    row = {
        "feature": "digits", "group": "questions with digits", "questions": 20, "share_inside": 0.4,
        "share_outside": 0.2, "p": 0.001, "p_corrected": 0.002, "reason": "",
    }  # fmt: skip
    odds = {"a": (2.6, 2.0, 3.3), "b": (0.5, 0.3, 0.8), "c": (1.9, 1.2, 2.9)}
    rows = [{"configuration": n, **row, "odds_ratio": r, "low": lo, "high": hi} for n, (r, lo, hi) in odds.items()]
    (one,) = group_sentences("d", pd.DataFrame(rows), lost)
    assert "2.60 times" in one.text
    assert "so in 2 of 3 configurations" in one.text


def made_lost(name: str) -> LostQuestions:
    one = np.ones((2, 1))
    return LostQuestions(name, ("q1", "q2"), (("de", "en"),), 1, one, one, 0 * one)


def test_examples_show_texts_where_they_are_known(lossy: Path, whole: Findings) -> None:
    examples = whole.frames["pitfalls_examples"]
    assert {"text", "passage", "position"} <= set(examples.columns)
    assert (examples["position"] == 4).all()
    lost = examples[(examples["configuration"] == "mono") & (examples["kind"] == "lost")]
    assert len(lost) == pitfalls.EXAMPLES
    assert lost["question"].is_unique
    assert (lost["seeds"] == 1).all()
    assert lost["others"].is_monotonic_decreasing
    table = next(one for one in whole.tables if "examples" in one.name)
    assert table.rows[0][0].value in ("What of <b>1999</b>?", "What of <b>it</b> then?")
    bare = next(one for one in found(lossy).tables if "examples" in one.name)
    assert str(bare.rows[0][0].value).isdecimal()


def test_transfer_and_all_tables_are_there(whole: Findings) -> None:
    moved = whole.frames["pitfalls_transfer"]
    assert len(moved) == 3 * 2
    assert moved["lift"].between(0.7, 1.4).all()
    assert {one.name.split("_")[1] for one in whole.tables} == {"pairs", "groups", "transfer", "examples"}
    assert all("Read: " in one.caption for one in whole.tables)
    assert any("what its own rate gives by chance" in one.text for one in whole.sentences)
    assert all(one.text.endswith(".") for one in whole.sentences)


def refused(dataset: str) -> QuestionTexts:
    raise UserError(f"{dataset} is gone. Fetch it again.")


def changed(dataset: str) -> QuestionTexts:
    known = texts(dataset)
    return QuestionTexts(known.questions[known.questions["question"] != "7"], known.passages)


@pytest.mark.parametrize(("loader", "remark"), [(refused, "is gone"), (changed, "they lack 1 of 120")])
def test_texts_that_are_not_there_are_a_remark(lossy: Path, loader: object, remark: str) -> None:
    answer = found(lossy, texts=loader)
    assert remark in answer.remarks[0]
    assert "text" not in answer.frames["pitfalls_examples"]


def test_same_evidence_same_answer(lossy: Path, whole: Findings) -> None:
    again = found(lossy, texts=texts)
    assert [one.text for one in again.sentences] == [one.text for one in whole.sentences]
    for name, frame in whole.frames.items():
        pd.testing.assert_frame_equal(frame, again.frames[name])


def changed_values(folder: Path, to: Path, values: Sequence[tuple[str, float]]) -> Path:
    copied = shutil.copytree(folder, to)
    for file in copied.glob("*/queries.parquet"):
        table = pd.read_parquet(file)
        for setting, value in values:
            table.loc[table["setting"] == setting, "value"] = value
        table.to_parquet(file, index=False)
    return copied


def test_sweeps_in_which_all_or_nothing_is_found(lossy: Path, tmp_path: Path) -> None:
    all_found = found(
        changed_values(lossy, tmp_path / "all", [("monolingual", 1.0), ("cross-lingual", 1.0)]), texts=texts
    )
    assert not all_found.sentences[0].decided  # all lose the same: nothing
    assert not any("times" in one.text for one in all_found.sentences)
    nothing = found(changed_values(lossy, tmp_path / "none", [("monolingual", 0.0), ("cross-lingual", 0.0)]))
    assert "none can be lost" in nothing.sentences[0].text
    gone = found(changed_values(lossy, tmp_path / "gone", [("monolingual", 1.0), ("cross-lingual", 0.0)]), texts=texts)
    assert "mono 100 %" in gone.sentences[0].text


def test_sweeps_without_values_of_questions_have_no_such_answer(small: Path) -> None:
    assert pitfalls.find(Evidence([collect(small)], 200, 200)) is None


def test_a_usual_sweep_has_an_answer(questioned: Path) -> None:
    answer = found(questioned)
    assert set(answer.frames["pitfalls_pairs"]["dataset"]) == {"cldr_combinations", "xquad_r"}
    assert sum(one.importance > 0 for one in answer.sentences) == 2


def test_a_group_whose_interval_holds_one_is_not_decided(lossy: Path, whole: Findings) -> None:
    lost = lost_questions(*pitfalls._measured(Evidence([collect(lossy)]), DATASET))  # type: ignore[misc]
    clear = whole.frames["pitfalls_groups"]
    clear = clear[clear["feature"] == "digits"].assign(p=0.01, p_corrected=0.04, odds_ratio=0.5, low=0.2)
    (open_one,) = group_sentences(DATASET, clear.assign(high=1.3), lost)
    assert not open_one.decided
    assert "none holds after correction (smallest p 0.04, beside an interval that holds 1)" in open_one.text
    assert all(one.decided for one in group_sentences(DATASET, clear.assign(high=0.9), lost))


@pytest.mark.parametrize(
    ("low", "p", "words"),
    [(1.6, 0.2, ", as p allows"), (0.9, 0.01, "as the interval allows"), (0.9, 0.2, "as the interval and p allow")],
)  # fmt: skip
def test_transfer_names_what_allows_chance(lossy: Path, whole: Findings, low: float, p: float, words: str) -> None:
    lost = lost_questions(*pitfalls._measured(Evidence([collect(lossy)]), DATASET))  # type: ignore[misc]
    moved = whole.frames["pitfalls_transfer"].assign(lift=2.0, low=low, high=2.9, p=p)
    first, last = moved[["lost_by", "lost_too_by"]].iloc[0]
    one = transfer_sentence(DATASET, moved, [first, last], lost)
    assert one is not None
    assert not one.decided
    assert words in one.text
