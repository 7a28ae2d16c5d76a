"""Result files of mteb, of its versions and of our own export, as frames; other shapes are one paragraph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybridret.analysis.foreign.mteb_folder import language_rows, macro_values, model_name, read_mteb
from hybridret.analysis.foreign.mteb_results import read_mteb_result
from hybridret.analysis.foreign.mteb_runs import BY_LANGUAGE, PARTLY, mteb_runs
from hybridret.analysis.foreign.questions import asker
from hybridret.analysis.question_values import question_values
from hybridret.base.errors import UserError
from hybridret.export.mteb_results import model_meta, write_mteb_results


def entry(subset: str, languages: list[str], value: float, **more: Any) -> dict[str, Any]:
    return {
        "hf_subset": subset,
        "languages": languages,
        "ndcg_at_10": value,
        "hit_rate_at_1": value / 2,
        "nauc_ndcg_at_10_max": float("nan"),
        "main_score": value,
        "evaluation_time": 3.0,
        **more,
    }


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def new(task: str, *entries: dict[str, Any], split: str = "test") -> dict[str, Any]:
    head = {"dataset_revision": "1", "task_name": task, "mteb_version": "2.26.24", "evaluation_time": 1.0}
    return {**head, "scores": {split: list(entries)}}


def values(frame: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    keys = ["split", "setting", "query_language", "corpus_language", "metric", "cutoff"]
    return frame.set_index(keys)["value"].to_dict()


def test_the_present_format(tmp_path: Path) -> None:
    languages = [entry("de", ["deu-Latn"], 0.5), entry("en-de", ["eng-Latn", "deu-Latn"], 0.25, num_queries=7)]
    result = read_mteb_result(write(tmp_path / "T.json", new("T", *languages)))
    assert result.task == "T"
    found = values(result.averages)
    assert found["test", "monolingual", "de", "de", "ndcg", 10] == 0.5
    assert found["test", "monolingual", "de", "de", "success", 1] == 0.25
    assert found["test", "cross-lingual", "en", "de", "main_score", 0] == 0.25
    assert len(found) == 6  # neither confidence nor duration
    assert result.averages["num_queries"].max() == 7
    assert not len(result.queries)


def test_context_languages_come_first_in_mlqa(tmp_path: Path) -> None:
    pair = entry("ara-deu", ["ara-Arab", "deu-Latn"], 0.5)
    found = values(read_mteb_result(write(tmp_path / "T.json", new("MLQARetrieval", pair))).averages)
    assert found["test", "cross-lingual", "de", "ar", "ndcg", 10] == 0.5


@pytest.mark.parametrize("subsets", [True, False])
def test_the_format_before_1_11(tmp_path: Path, subsets: bool) -> None:
    scores = {"ndcg_at_10": 0.5, "map_at_100": 0.25}
    split = {"de": scores, "en": scores} if subsets else scores
    old = {"dataset_revision": "1", "mteb_dataset_name": "Old", "mteb_version": "1.2.3"}
    result = read_mteb_result(write(tmp_path / "Old.json", {**old, "dev": {**split, "evaluation_time": 9.5}}))
    found = values(result.averages)
    language = "de" if subsets else "all"
    assert found["dev", "monolingual", language, language, "map", 100] == 0.25
    assert len(found) == (4 if subsets else 2)


@pytest.mark.slow
def test_it_is_read_as_mteb_reads_it(tmp_path: Path) -> None:
    mteb = pytest.importorskip("mteb")
    path = write(tmp_path / "T.json", new("XQuADRetrieval", entry("de", ["deu-Latn"], 0.5)))
    theirs = mteb.results.TaskResult.from_disk(path)
    assert theirs.scores["test"][0]["main_score"] == 0.5
    assert theirs.get_score() == macro_values([read_mteb_result(path)]).query("metric == 'main_score'")["value"].item()


def test_subsets_that_share_languages_keep_their_names(tmp_path: Path) -> None:
    own = new("T", entry("news", ["eng-Latn"], 0.5), entry("law", ["eng-Latn"], 0.75))
    found = read_mteb_result(write(tmp_path / "T.json", own)).averages
    assert set(found["query_language"]) == {"news", "law"}


def test_what_we_export_reads_back(tmp_path: Path) -> None:
    cells = [("monolingual", "de", "de"), ("monolingual", "en", "en"), ("cross-lingual", "de", "en")]
    cells += [("cross-lingual", "en", "de"), ("multilingual", "de", "all"), ("multilingual", "en", "all")]
    rows = [
        ("xquad_r", *cell, metric, cutoff, 0.01 * number, 7)
        for number, cell in enumerate(cells)
        for metric, cutoff in (("ndcg", 10), ("success", 1))
    ]
    names = ["dataset", "setting", "query_language", "corpus_language", "metric", "cutoff", "value", "num_queries"]
    ours = pd.DataFrame(rows, columns=names)
    write_mteb_results(tmp_path, ours, model_meta("me/mine", "r1"))
    theirs = pd.concat([one.averages for one in read_mteb(tmp_path)])
    theirs = theirs[theirs["metric"] != "main_score"][names]
    pd.testing.assert_frame_equal(
        theirs.sort_values(names).reset_index(drop=True), ours.sort_values(names).reset_index(drop=True)
    )
    assert model_name(tmp_path) == "me/mine"


def test_without_queries_the_units_are_languages(tmp_path: Path) -> None:
    for name, more in (("a", 0.0), ("b", 0.125)):
        made = [entry("de", ["deu-Latn"], 0.5 + more), entry("en", ["eng-Latn"], 0.25 + more)]
        write(tmp_path / name / "T.json", new("T", *made))
        write(tmp_path / name / "model_meta.json", {"name": f"org/{name}"})
    runs = mteb_runs([tmp_path / "a", tmp_path / "b"])
    assert [one.run for one in runs] == ["org/a", "org/b"]
    assert {one.remarks for one in runs} == {(BY_LANGUAGE,)}
    frame = pd.DataFrame([{"run": one.run, "configuration": one.run, "seed": "0"} for one in runs])
    (found,) = [one for one in question_values(frame, ((one.run, one.values) for one in runs)) if one.metric == "ndcg"]
    assert found.questions == ("de", "en")
    assert found.cells == (("all", "all"),)
    assert found.macro.tolist() == [0.375, 0.5]


def test_pairs_of_languages_are_units_by_both_names(tmp_path: Path) -> None:
    pair = new("T", entry("en-de", ["eng-Latn", "deu-Latn"], 0.25), entry("de-en", ["deu-Latn", "eng-Latn"], 0.5))
    rows = language_rows(read_mteb_result(write(tmp_path / "T.json", pair)).averages)
    assert set(rows["question"]) == {"en-de", "de-en"}


def test_values_of_single_queries_are_taken(tmp_path: Path) -> None:
    queries = {"q1": 0.0, "q2": 1.0, "q3": 0.5}
    both = [{"hf_subset": code, "languages": [code], "ndcg_at_10": queries} for code in ("deu-Latn", "eng-Latn")]
    a, b = (write(tmp_path / name / "T.json", new("T", *both)) for name in ("a", "b"))
    run, _ = mteb_runs([a.parent, b.parent])
    assert run.remarks == ()
    assert run.averages.query("query_language == 'de'")["value"].item() == 0.5
    assert run.averages.query("query_language == 'de'")["num_queries"].item() == 3
    assert sorted(set(run.values["question"]))[:2] == ["deu-Latn/q1", "deu-Latn/q2"]
    run, _ = mteb_runs([a.parent, b.parent], asker(pattern="q(.)"))
    assert set(run.values["question"]) == {"1", "2", "3"}
    write(tmp_path / "c" / "T.json", new("T", entry("deu-Latn", ["deu-Latn"], 0.5)))
    assert mteb_runs([a.parent, tmp_path / "c"])[0].remarks == (BY_LANGUAGE, PARTLY)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], r"T\.json: This is no result file of mteb: .* found a list"),
        ({"scores": {}}, r"T\.json: This is no result file of mteb: .* found scores"),
        ({"task_name": "T"}, r'T\.json: "scores" must be an object'),
        ({"task_name": "T", "scores": {"test": {"de": 1}}}, r'"scores" must be an object from splits to lists'),
        ({"task_name": "T", "scores": {"test": [3]}}, r'test: each subset is an object with "hf_subset"'),
        ({"task_name": "T", "scores": {"test": []}}, "no subset has a metric"),
        (new("T", entry("de", ["deu-Latn"], float("nan"))), r"test, subset de, ndcg_at_10: 'nan' is no finite number"),
        (new("T", entry("de", ["deu-Latn"], True)), "'True' is no finite number"),
        (new("T", entry("de", [], 0.5), entry("de", [], 0.5)), "the subset 'de' stands twice"),
        (new("T", {"hf_subset": "de", "ndcg_at_10": {}}), "expected values of queries, found none"),
        (new("T", {"hf_subset": "de", "ndcg_at_10": {"q": "x"}}), "ndcg_at_10, query q: 'x' is no finite number"),
        (new("T", entry("de", ["deu-Latn"], 0.5, num_queries="many")), "num_queries: 'many' is no whole number"),
    ],
)
def test_another_shape_is_one_paragraph(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        read_mteb_result(write(tmp_path / "T.json", content))
    assert "\n" not in str(raised.value)


def test_bad_files_and_folders(tmp_path: Path) -> None:
    broken = tmp_path / "x" / "T.json"
    write(broken, new("T", entry("de", ["deu-Latn"], 0.5)))
    broken.write_text(broken.read_text()[:-20])
    with pytest.raises(UserError, match=r"T\.json, line 1: not valid JSON"):
        read_mteb_result(broken)
    with pytest.raises(UserError, match="holds no result file of mteb"):
        read_mteb(write(tmp_path / "y" / "model_meta.json", {}).parent)
    for name in ("r1", "r2"):
        write(tmp_path / "z" / name / "T.json", new("T", entry("de", ["deu-Latn"], 0.5)))
    with pytest.raises(UserError, match=r"several models or revisions \(r1, r2\)"):
        read_mteb(tmp_path / "z")
    write(tmp_path / "w" / "A.json", new("T", entry("de", ["deu-Latn"], 0.5)))
    write(tmp_path / "w" / "B.json", new("T", entry("de", ["deu-Latn"], 0.5)))
    with pytest.raises(UserError, match="the task T stands in"):
        read_mteb(tmp_path / "w")
    assert np.isfinite(read_mteb(tmp_path / "z" / "r1")[0].averages["value"]).all()
