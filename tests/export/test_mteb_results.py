"""Results in mteb's layout, read by mteb's own classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybridret.base.errors import UserError
from hybridret.data.benchmarks.beir import SETS, SUBFORUMS
from hybridret.evaluation.tables import METRIC_COLUMNS
from hybridret.export.mteb_languages import mteb_language
from hybridret.export.mteb_results import model_meta, write_mteb_results

LANGUAGES = ("de", "en", "zh")
PAIRS = {
    "monolingual": [(one, one) for one in LANGUAGES],
    "cross-lingual": [(one, other) for one in LANGUAGES for other in LANGUAGES if one != other],
    "multilingual": [(one, "all") for one in LANGUAGES],
}
METRICS = [("map", None), ("ndcg", 10), ("mrr", 10), ("recall", 100), ("success", 5), ("rank_distance", None)]


def table_of(dataset: str, settings: dict[str, list[tuple[str, str]]]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for setting, pairs in settings.items():
        for metric, cutoff in METRICS:
            values = rng.random(len(pairs))
            for (asked, corpus), value in zip(pairs, values, strict=True):
                rows.append((dataset, setting, asked, corpus, metric, cutoff, value, 50))
            rows.append((dataset, setting, "macro", "macro", metric, cutoff, values.mean(), 50))
    return pd.DataFrame(rows, columns=list(METRIC_COLUMNS)).astype({"cutoff": "Int64"})


@pytest.fixture
def metrics() -> pd.DataFrame:
    return pd.concat(
        [
            table_of("xquad_r", PAIRS),
            table_of("miracl", {"monolingual": PAIRS["monolingual"]}),
            table_of("beir_scifact", {"monolingual": [("en", "en")]}),
        ],
        ignore_index=True,
    )


META = model_meta(
    "me/a run", "abc", languages=LANGUAGES, parameters=1 << 20, dimension=16, max_tokens=64, prefixes=True
)


def value(metrics: pd.DataFrame, dataset: str, setting: str, asked: str, corpus: str, metric: str) -> float:
    keys = {
        "dataset": dataset, "setting": setting, "query_language": asked, "corpus_language": corpus, "metric": metric,
    }  # fmt: skip
    chosen = metrics[np.logical_and.reduce([metrics[key] == wanted for key, wanted in keys.items()])]
    return float(chosen["value"].item())


def test_mteb_reads_the_files(mteb: Any, metrics: pd.DataFrame, tmp_path: Path) -> None:
    from mteb.results import TaskResult

    notes = {"miracl": {"split": "dev"}}
    paths = write_mteb_results(tmp_path, metrics, META, notes=notes, revisions={"miracl": "1a"}, seconds=1.5)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        f"results/me__a_run/abc/{task}.json"
        for task in (
            "xquad_r_monolingual", "xquad_r_cross-lingual", "xquad_r_multilingual", "MIRACLRetrieval", "SciFact",
        )
    ]  # fmt: skip
    mono, cross, multi, miracl, scifact = (TaskResult.from_disk(path, load_historic_data=False) for path in paths)
    for result, setting in ((mono, "monolingual"), (cross, "cross-lingual"), (multi, "multilingual")):
        macro = value(metrics, "xquad_r", setting, "macro", "macro", "ndcg")
        assert result.get_score() == pytest.approx(macro, abs=1e-12)
        assert result.eval_splits == ["test"]
    assert mono.get_score(languages=["deu"]) == value(metrics, "xquad_r", "monolingual", "de", "de", "ndcg")
    entry = next(one for one in cross.scores["test"] if one["hf_subset"] == "de-zh")
    assert entry["languages"] == ["deu-Latn", "zho-Hans"]
    assert entry["main_score"] == entry["ndcg_at_10"] == value(metrics, "xquad_r", "cross-lingual", "de", "zh", "ndcg")
    for name, metric in {
        "map": "map",
        "mrr_at_10": "mrr",
        "recall_at_100": "recall",
        "hit_rate_at_5": "success",
    }.items():
        assert entry[name] == value(metrics, "xquad_r", "cross-lingual", "de", "zh", metric)
    assert [one["hf_subset"] for one in multi.scores["test"]] == list(LANGUAGES)
    assert (miracl.dataset_revision, miracl.eval_splits, miracl.evaluation_time) == ("1a", ["dev"], 1.5)
    assert sorted(miracl.hf_subsets) == list(LANGUAGES)
    assert scifact.hf_subsets == ["default"]
    assert (miracl.task.metadata.name, scifact.task.metadata.name) == ("MIRACLRetrieval", "SciFact")


def test_mteb_finds_the_model(mteb: Any, metrics: pd.DataFrame, tmp_path: Path) -> None:
    write_mteb_results(tmp_path, metrics, META, notes={"miracl": {"split": "dev"}})
    cache = mteb.ResultCache(tmp_path)
    assert cache.get_models() == [("me__a_run", "abc")]
    meta = mteb.models.ModelMeta.model_validate_json_resolved(
        (tmp_path / "results/me__a_run/abc/model_meta.json").read_text()
    )
    assert (meta.name, meta.embed_dim, meta.n_parameters, meta.memory_usage_mb) == ("me/a run", 16, 1 << 20, 4.0)
    assert meta.languages == ["deu-Latn", "eng-Latn", "zho-Hans"]
    assert meta.to_dict().keys() >= META.keys()
    tasks = mteb.get_tasks(tasks=["MIRACLRetrieval", "SciFact"])
    found = cache.load_results(models=["me/a run"], tasks=tasks, include_remote=False).model_results[0].task_results
    assert {one.task_name for one in found} == {"MIRACLRetrieval", "SciFact"}
    # mteb reads them as results of its own tasks: splits and subsets have its names
    miracl = next(one for one in found if one.task_name == "MIRACLRetrieval")
    assert miracl.get_score() == pytest.approx(value(metrics, "miracl", "monolingual", "macro", "macro", "ndcg"))


def test_language_codes_are_those_of_mteb(mteb: Any) -> None:
    iso = json.loads((Path(mteb.__file__).parent / "languages" / "iso_639_1_to_3.json").read_text())
    assert {code: mteb_language(code).split("-")[0] for code in iso} == iso
    miracl = mteb.get_task("MIRACLRetrieval").metadata.eval_langs
    assert len(miracl) == 18
    assert {code: [mteb_language(code)] for code in miracl} == miracl


def test_tasks_and_subsets_are_those_of_mteb(mteb: Any, tmp_path: Path) -> None:
    codes = ("ar", "bn", "en", "fi", "id", "ja", "ko", "ru", "sw", "te", "th")
    (path,) = write_mteb_results(tmp_path, table_of("mr_tydi", {"monolingual": [(one, one) for one in codes]}), META)
    task = mteb.get_task(path.stem)
    entries = json.loads(path.read_text())["scores"]["test"]
    assert {one["hf_subset"]: one["languages"] for one in entries} == task.metadata.eval_langs
    beir = {f"beir_{name}": one for name, one in SETS.items() if one.repo}
    beir |= {f"beir_cqadupstack_{name}": one for name, one in SUBFORUMS.items()}
    for name, one in beir.items():
        (path,) = write_mteb_results(tmp_path, table_of(name, {"monolingual": [("en", "en")]}), META)
        task = mteb.get_task(path.stem)
        assert list(task.metadata.hf_subsets_to_langscripts) == ["default"]
        if name != "beir_cqadupstack_android":  # mteb's task reads another copy
            assert task.metadata.dataset == {"path": one.repo, "revision": one.revision}
        assert one.split in task.metadata.eval_splits


@pytest.mark.parametrize(
    "name",
    ["beir_scifact_train", "beir_scifact_other", "beir_cqadupstack_tex_other", "miracl_other", "cqadupstack_own"],
)
def test_what_is_another_set_takes_no_name_of_mteb(tmp_path: Path, name: str) -> None:
    (path,) = write_mteb_results(tmp_path, table_of(name, {"monolingual": [("en", "en")]}), META)
    assert path.stem == f"{name}_monolingual"


def test_what_has_no_code_or_main_score_is_an_error_and_writes_nothing(metrics: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nDCG@10"):
        write_mteb_results(tmp_path, metrics[metrics["metric"] != "ndcg"], META)
    with pytest.raises(UserError, match="nothing to write"):
        write_mteb_results(tmp_path, metrics[:0], META)
    with pytest.raises(UserError, match="'xx' is no language"):
        write_mteb_results(tmp_path, metrics.replace({"query_language": {"zh": "xx"}}), META)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "revision"),
    [("run", "1"), ("a/b/c", "1"), ("/run", "1"), ("me/", "1"), ("../x", "1"), ("me/x", ".."), ("me/x", "")],
)
def test_names_that_mteb_or_the_disk_does_not_take(name: str, revision: str) -> None:
    with pytest.raises(UserError, match=r"ORGANISATION/MODEL|revision"):
        model_meta(name, revision)


def test_three_letter_codes_and_scripts_pass() -> None:
    assert [mteb_language(code) for code in ("zh", "zh-hant", "ceb", "sr-latn")] == [
        "zho-Hans", "zho-Hant", "ceb-Latn", "srp-Latn",
    ]  # fmt: skip
