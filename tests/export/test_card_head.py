"""The head of a model card: the hub's own library reads back what was written, whoever chose the names."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard, metadata_load

from hybridret.export.card_head import TAGS, card_head
from hybridret.export.card_results import shown_results

COLUMNS = ["dataset", "setting", "query_language", "corpus_language", "metric", "cutoff", "value"]
SETTINGS = ("monolingual", "cross-lingual", "multilingual")
HOSTILE = (
    "a\n---\n# b",
    "a\r\nlicense: mit",
    "x: y # z",
    "- [a, {b: *c}]",
    "&a !!python/object:os.system",
    "'\"\\",
    "\x1b[2J\x00\x9b31m\u202e\u2028\u0085\ufeff",
    "{{ 1 }} {% x %} <b>",
    "no",
    "1e3",
    "~",
)


def rows(*datasets: str) -> pd.DataFrame:
    """Macro values of two metrics in three settings, all different."""
    found = []
    for i, (name, setting, (metric, cutoff)) in enumerate(
        (name, setting, metric) for name in datasets for setting in SETTINGS for metric in (("ndcg", 10), ("map", None))
    ):
        found.append((name, setting, "macro", "macro", metric, cutoff, 0.1 + i / 7))
        found.append((name, setting, "en", "en", metric, cutoff, 0.9))  # of one language: not shown
    return pd.DataFrame(found, columns=COLUMNS)


def body(head: str) -> str:
    """What stands between the first and the last line."""
    return head.split("\n", 1)[1].rsplit("\n", 1)[0]


def load(folder: Path, head: str) -> ModelCard:
    (folder / "README.md").write_text(f"{head}\n\n# mine\n\n---\n\ntext\n", encoding="utf-8")
    return ModelCard.load(folder / "README.md")


def results(card: ModelCard) -> list[EvalResult]:
    found = card.data.eval_results
    assert isinstance(found, list)
    return found


def test_the_hubs_library_reads_the_same_values(tmp_path: Path) -> None:
    metrics = rows("xquad_r", "mlqa_r")
    card = load(tmp_path, card_head("mine", ["en", "no"], shown_results(metrics)))
    assert card.text == "\n# mine\n\n---\n\ntext\n"
    assert card.data.language == ["en", "no"]
    assert card.data.library_name == "sentence-transformers"
    assert card.data.pipeline_tag == "sentence-similarity"
    assert card.data.tags == list(TAGS)
    assert card.data.model_name == "mine"
    read = {(one.dataset_type, one.dataset_config, one.metric_type): one.metric_value for one in results(card)}
    macro = metrics[metrics["query_language"] == "macro"].to_dict("records")
    names = {"map": "map", "ndcg": "ndcg@10"}
    assert read == {(row["dataset"], row["setting"], names[row["metric"]]): row["value"] for row in macro}
    assert {one.metric_type: one.metric_name for one in results(card)} == {"map": "mAP", "ndcg@10": "nDCG@10"}
    assert metadata_load(tmp_path / "README.md")["model-index"][0]["name"] == "mine"


def test_settings_of_one_dataset_stay_apart(tmp_path: Path) -> None:
    head = card_head("mine", ["en"], shown_results(rows("xquad_r")))
    (index,) = yaml.safe_load(body(head))["model-index"]
    assert [one["dataset"]["config"] for one in index["results"]] == list(SETTINGS)
    assert len({one["dataset"]["name"] for one in index["results"]}) == 3
    assert [[metric["type"] for metric in one["metrics"]] for one in index["results"]] == [["map", "ndcg@10"]] * 3


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_names_of_somebody_else_stay_names(tmp_path: Path, text: str) -> None:
    metrics = rows(text).replace("cross-lingual", text)
    head = card_head(text, [text, "de"], shown_results(metrics))
    assert all(letter.isprintable() or letter == "\n" for letter in head)
    card = load(tmp_path, head)
    assert card.text.startswith("\n# mine")  # the head ends where it should
    parsed = yaml.safe_load(body(head))
    assert list(parsed) == ["language", "library_name", "pipeline_tag", "tags", "model-index"]
    shown = "".join(" " if one.isspace() else one for one in text if one.isprintable() or one.isspace())
    assert parsed["language"] == [shown, "de"]
    assert parsed["model-index"][0]["name"] == shown
    assert {one.dataset_type for one in results(card)} == {shown}
    assert {one.dataset_config for one in results(card)} == {"monolingual", shown, "multilingual"}


def test_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    metrics = rows("xquad_r")
    metrics.loc[metrics["metric"] == "map", "value"] = math.nan
    card = load(tmp_path, card_head("mine", [], shown_results(metrics)))
    assert {one.metric_type for one in results(card)} == {"ndcg@10"}
    assert card.data.language is None


def test_without_results_there_is_no_index(tmp_path: Path) -> None:
    head = card_head("mine", ["en"], shown_results(None))
    assert yaml.safe_load(body(head)) == {
        "language": ["en"],
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": list(TAGS),
    }
    assert load(tmp_path, head).data.eval_results is None
