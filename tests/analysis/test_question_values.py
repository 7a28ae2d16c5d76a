"""The dense arrays against a loop over rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.question_values import question_values

RUNS = pd.DataFrame({"run": ["a1", "a2", "b1"], "configuration": ["a", "a", "b"], "seed": [1, 2, 1]})


def rows(seed: int, drop: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    asked = [(f"q{number}", q, c) for number in range(5) for q in "xy" for c in "xy" if (number + (q == "y")) % 4]
    table = pd.DataFrame(asked[drop:], columns=["question", "query_language", "corpus_language"])
    common = {"dataset": "d", "setting": "cross-lingual", "metric": "mrr", "cutoff": 10}
    return table.assign(value=random.random(len(table)), **common)


def test_values_stand_where_their_question_and_cell_say() -> None:
    tables = {name: rows(i).sample(frac=1, random_state=i) for i, name in enumerate(RUNS["run"])}
    (found,) = question_values(RUNS, tables.items(), {"mrr": 1})
    assert found.names == ("a", "b")
    assert found.left_out == 0
    for i, name in enumerate(found.runs):
        for row in tables[name].to_dict("records"):
            cell = found.cells.index((row["query_language"], row["corpus_language"]))
            assert found.values[i, found.questions.index(row["question"]), cell] == row["value"]
    assert found.asked.sum() == len(rows(0))


def test_the_macro_average_is_the_mean_of_the_means_of_cells() -> None:
    tables = {name: rows(i) for i, name in enumerate(RUNS["run"])}
    (found,) = question_values(RUNS, tables.items())
    for value, name in zip(found.macro, found.runs, strict=True):
        cells = tables[name].groupby(["query_language", "corpus_language"])["value"].mean()
        assert value == pytest.approx(cells.mean(), rel=1e-12)
    assert found.weights.sum() == pytest.approx(1)


def test_only_common_questions_are_compared() -> None:
    (found,) = question_values(RUNS, [("a1", rows(0)), ("a2", rows(1, drop=3)), ("b1", rows(2))])
    assert found.left_out == 3
    assert found.asked.sum() == len(rows(0)) - 3
    assert not np.isnan(found.values[:, found.asked]).any()


def test_a_query_that_stands_twice_counts_with_its_mean() -> None:
    twice = pd.concat([rows(0), rows(0).head(1).assign(value=0.0)])
    (once,) = question_values(RUNS, [("a1", rows(0))])
    (found,) = question_values(RUNS, [("a1", twice)])
    assert np.nansum(once.values) - np.nansum(found.values) == pytest.approx(rows(0)["value"].iloc[0] / 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("run", ["a1", "b1"])
def test_what_is_no_number_was_not_asked(bad: float, run: str) -> None:
    tables = {name: rows(i) for i, name in enumerate(RUNS["run"])}
    tables[run].loc[4, "value"] = bad
    (found,) = question_values(RUNS, tables.items())
    assert found.left_out == 1
    for value, name in zip(found.macro, found.runs, strict=True):
        kept = tables[name].drop(index=4)
        assert value == pytest.approx(kept.groupby(["query_language", "corpus_language"])["value"].mean().mean())


def test_a_run_without_any_value_takes_no_questions_from_the_others() -> None:
    (found,) = question_values(RUNS, [("a1", rows(0)), ("a2", rows(1).assign(value=np.nan)), ("b1", rows(2))])
    assert found.runs == ("a1", "b1")
    assert found.left_out == 0


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="no column 'question'"):
        question_values(RUNS, [("a1", rows(0).drop(columns="question"))])
    with pytest.raises(ValueError, match="z is not among the runs"):
        question_values(RUNS, [("z", rows(0))])
