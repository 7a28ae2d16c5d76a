"""An evaluation in mteb's layout, so that its tools and leaderboards read our numbers beside those of other models:

    FOLDER/results/MODEL/REVISION/{TASK.json, model_meta.json}

A benchmark that mteb has too takes the name of mteb's task; other ones, and the cross-lingual and multilingual settings
that mteb does not have, are tasks of their own, DATASET_SETTING. A task holds one entry per query language, or per pair
of languages; mteb averages over them, which is our macro average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hybridret.base.errors import UserError
from hybridret.base.files import file_name, write_json
from hybridret.base.languages import language_name
from hybridret.export.mteb_languages import mteb_language

LAYOUT = "2.26.24"  # the version of mteb whose layout this is
NO_REVISION = "no_revision_available"  # mteb's own value
NAMES = {"success": "hit_rate"}  # metrics with another name in mteb
MONOLINGUAL, CROSS_LINGUAL, MACRO = "monolingual", "cross-lingual", "macro"
MAIN = ("ndcg", 10)

BEIR = {
    "arguana": "ArguAna",
    "climate-fever": "ClimateFEVER",
    "dbpedia-entity": "DBPedia",
    "fever": "FEVER",
    "fiqa": "FiQA2018",
    "hotpotqa": "HotpotQA",
    "msmarco": "MSMARCO",
    "nfcorpus": "NFCorpus",
    "nq": "NQ",
    "quora": "QuoraRetrieval",
    "scidocs": "SCIDOCS",
    "scifact": "SciFact",
    "trec-covid": "TRECCOVID",
    "webis-touche2020": "Touche2020",
}
MIRACL = {"miracl": "MIRACLRetrieval", "miracl_hard_negatives": "MIRACLRetrievalHardNegatives"}
MR_TYDI = {"mr_tydi": "MrTidyRetrieval"}
LANGUAGE_NAMES = {"bn": "bengali"}  # CLDR: Bangla


def model_meta(
    name: str,
    revision: str,
    *,
    languages: Sequence[str] | None = None,
    parameters: int | None = None,
    embedding_parameters: int | None = None,
    dimension: int | None = None,
    max_tokens: int | None = None,
    prefixes: bool | None = None,
) -> dict[str, Any]:
    """The fields of mteb's `ModelMeta`. `name` is ORGANISATION/MODEL; `languages` are our codes.

    `prefixes`: whether queries or passages are prefixed, which mteb counts as instructions. Raises UserError for a name
    or revision that cannot be the name of a folder.
    """
    organisation, slash, model = name.partition("/")
    if not (organisation and slash and model) or "/" in model or name.startswith("."):
        raise UserError(f"mteb wants models called ORGANISATION/MODEL, not {name!r}.")
    if not revision or "/" in revision or revision.startswith("."):
        raise UserError(f"The revision {revision!r} of {name} cannot be the name of a folder.")
    return {
        "loader": None,
        "name": name,
        "revision": revision,
        "release_date": None,
        "languages": None if languages is None else [mteb_language(code) for code in languages],
        "n_parameters": parameters,
        "n_embedding_parameters": embedding_parameters,
        "memory_usage_mb": None if parameters is None else round(parameters * 4 / 2**20, 1),
        "max_tokens": max_tokens,
        "embed_dim": dimension,
        "license": None,
        "open_weights": None,
        "public_training_code": None,
        "public_training_data": None,
        "framework": ["PyTorch"],
        "similarity_fn_name": "cosine",
        "use_instructions": prefixes,
        "training_datasets": None,
    }


def write_mteb_results(
    folder: Path,
    metrics: pd.DataFrame,
    meta: Mapping[str, Any],
    *,
    notes: Mapping[str, Mapping[str, str]] | None = None,
    revisions: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> list[Path]:
    """Write the rows of a `metrics.csv` (docs/architecture.md), one file per dataset and setting, in `folder`.

    meta: a result of `model_meta`.
    notes: the notes of each dataset, as in result.json; its split is read from them, `test` where none is named.
    revisions: of the data of each dataset.
    seconds: duration of the evaluation, all datasets together.

    Returns the result files. Raises UserError where nDCG@10, mteb's main score, was not measured, for a language
    without a code, and when a file cannot be written.
    """
    target = Path(folder) / "results" / _file_name(meta["name"]) / _file_name(meta["revision"])
    files: dict[Path, dict[str, Any]] = {}
    rows = metrics[metrics["query_language"] != MACRO]
    for (dataset, setting), table in rows.groupby(["dataset", "setting"], sort=False):
        task, naming = _task(str(dataset), str(setting))
        pairs = table.groupby(["query_language", "corpus_language"], sort=False)
        entries = [_entry(str(asked), str(corpus), naming, one) for (asked, corpus), one in pairs]
        split = (notes or {}).get(str(dataset), {}).get("split", "test")
        files[target / f"{_file_name(task)}.json"] = {
            "dataset_revision": (revisions or {}).get(str(dataset), NO_REVISION),
            "task_name": task,
            "mteb_version": LAYOUT,
            "scores": {split: entries},
            "evaluation_time": seconds,
            "kg_co2_emissions": None,
            "date": None,
        }
    if not files:
        raise UserError("There is nothing to write for mteb: the evaluation has no row of a language.")
    for path, content in files.items():  # all are made before the first is written
        write_json(path, content)
    write_json(target / "model_meta.json", dict(meta))
    return list(files)


def _task(dataset: str, setting: str) -> tuple[str, str]:
    """mteb's name of a task, and how it names subsets: default, code, or language (its English name)."""
    if setting == MONOLINGUAL:
        beir = dataset.removeprefix("beir_")
        if beir != dataset and beir in BEIR:
            return BEIR[beir], "default"
        subforum = dataset.removeprefix("beir_cqadupstack_")
        if subforum != dataset and "_" not in subforum:  # a further "_" marks another set
            return f"CQADupstack{subforum.capitalize()}Retrieval", "default"
        if dataset in MIRACL:
            return MIRACL[dataset], "code"
        if dataset in MR_TYDI:
            return MR_TYDI[dataset], "language"
    return f"{dataset}_{setting}", "code"


def _entry(asked: str, corpus: str, naming: str, table: pd.DataFrame) -> dict[str, Any]:
    """The scores of queries in one language against one corpus."""
    pair = corpus not in (asked, "all")
    codes = [asked, corpus] if pair else [asked]
    names = {"default": "default", "code": "-".join(codes)}
    names["language"] = LANGUAGE_NAMES.get(asked, language_name(asked).lower())
    scores: dict[str, float] = {}
    for metric, cutoff, value in zip(table["metric"], table["cutoff"], table["value"], strict=True):
        name = NAMES.get(metric, metric)
        scores[name if pd.isna(cutoff) else f"{name}_at_{int(cutoff)}"] = float(value)
    main = f"{MAIN[0]}_at_{MAIN[1]}"
    if main not in scores:
        raise UserError("mteb's main score is nDCG@10: evaluate with 10 among evaluation.cutoffs.")
    return {
        **scores,
        "main_score": scores[main],
        "hf_subset": names[naming],
        "languages": [mteb_language(code) for code in codes],
        "num_queries": int(table["num_queries"].max()),
        "mteb_version": LAYOUT,
    }


def _file_name(name: str) -> str:
    """The folder name that mteb makes of a name."""
    return file_name(name.replace("/", "__").replace(" ", "_"))
