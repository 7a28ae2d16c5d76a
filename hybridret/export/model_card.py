"""The model card of an exported encoder: what it is, how it was made, how well it does, how to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hybridret.base.markup import code_block, escape_markdown, inline_code
from hybridret.data.prepared.card_page import card_sections, leak_sections
from hybridret.encoders.dual import DualEncoder
from hybridret.export.card_head import card_head
from hybridret.export.card_results import MACRO, shown_results


def model_card(encoder: DualEncoder, card: Mapping[str, Any]) -> str:
    """Markdown with a YAML head. Every key of `card` may be absent.

    `name`; `result`: the content of result.json; `config`: the resolved config; `metrics`: a table with the columns of
    metrics.csv, of which macro rows are shown; `commands`: shell commands that made the model, in their order.
    """
    result, config = card.get("result") or {}, card.get("config") or {}
    metrics = card.get("metrics")
    languages = sorted(_languages(metrics, result))
    name = str(card.get("name") or "encoder")
    parts = [
        card_head(name, languages, shown_results(metrics)),
        f"# {escape_markdown(name)}",
        f"A multilingual dense retriever: one encoder turns queries and passages into unit vectors of "
        f"{encoder.dimension} dimensions; the score of a passage is the cosine. {_made(result)}"
        + (f" Languages: {escape_markdown(', '.join(languages))}." if languages else ""),
        "## Use",
        _use(encoder),
        "## Results",
        _results(metrics, result),
        "## Training",
        _recipe(encoder, result, config),
        *_data(result),
        "## Licence of the training data",
        escape_markdown(str((result.get("data") or {}).get("licence") or "Not recorded.")),
    ]
    if commands := card.get("commands"):
        parts += ["## Made by", code_block("sh", commands)]
    return "\n\n".join(parts) + "\n"


def _made(result: Mapping[str, Any]) -> str:
    """How the weights came to be, in a sentence or two."""
    if not (merge := result.get("merge")):
        return "Trained with hybridret."
    ratio = float(merge["ratio"])
    mono, cross = (inline_code(str(merge[end]["run"])) for end in ("mono", "cross"))
    return (
        f"Merged with hybridret, without training of its own: the weights are {ratio:g} × those of {mono} plus "
        f"{1 - ratio:g} × those of {cross}."
    )


def _use(encoder: DualEncoder) -> str:
    text = encoder.tokenization.text
    code = "\n".join(
        [
            "from sentence_transformers import SentenceTransformer",
            "",
            'model = SentenceTransformer("FOLDER")',
            'queries = model.encode_query(["Where is the square of Kraków?"])',
            'passages = model.encode_document(["Rynek Główny lies in the old town of Kraków."])',
            "print(model.similarity(queries, passages))",
        ]
    )
    prompts = [
        f"- {kind}: {inline_code(prefix)}" if prefix else f"- {kind}: none"
        for kind, prefix in (("queries (`encode_query`)", text.query_prefix),
                             ("passages (`encode_document`)", text.passage_prefix))
    ]  # fmt: skip
    length = f"Texts are cut to {text.passage_length} tokens, special tokens and prompt included."
    if text.query_length != text.passage_length:
        length = (
            f"Training cut queries to {text.query_length} tokens and passages to {text.passage_length}, special tokens "
            f"and prompt included. sentence-transformers from version 6 does the same in `encode_query` and "
            f"`encode_document`; `encode` cuts every text to {text.passage_length}. Older versions know one length: "
            "remove `query_length` and `document_length` from `sentence_bert_config.json`, and only queries longer "
            "than the first get other vectors."
        )
    return "\n\n".join([f"```python\n{code}\n```", "Prompts, put before a text:", "\n".join(prompts), length])


def _results(metrics: pd.DataFrame | None, result: Mapping[str, Any]) -> str:
    if metrics is None or not len(metrics):
        return "Not evaluated."
    keyed = shown_results(metrics)
    columns = keyed.sort_values("order")["measure"].unique().tolist()
    lines = ["| dataset | setting | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 2)]
    for (dataset, setting), rows in keyed.groupby(["dataset", "setting"], sort=False):
        found = dict(zip(rows["measure"], rows["value"], strict=True))
        shown = [_number(column, found.get(column)) for column in columns]
        lines.append(
            f"| {escape_markdown(str(dataset))} | {escape_markdown(str(setting))} | " + " | ".join(shown) + " |"
        )
    notes = [
        f"- {escape_markdown(f'{dataset}: {key}: {value}')}"
        for dataset, found in (result.get("notes") or {}).items()
        for key, value in found.items()
    ]
    explained = "Macro averages: the mean over queries, then over languages or pairs of languages."
    return "\n\n".join(["\n".join(lines), explained, *(["\n".join(notes)] if notes else [])])


def _number(measure: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if measure.startswith("rank_distance") else f"{value:.4f}"


def _recipe(encoder: DualEncoder, result: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    trained, training = result.get("training") or {}, config.get("training") or {}
    counted = encoder.parameters_counted()
    merge = result.get("merge") or {}
    runs = {f"run {end}": f"{merge[end]['run']}, {merge[end].get('steps')} steps" for end in ("mono", "cross") if merge}
    if merge:
        training = {key: value for key, value in training.items() if key != "steps"}  # those of a run, not its own
    facts = {
        "strategy of batches": result.get("strategy"),
        "ratio": merge.get("ratio"),
        **runs,
        "alpha": result.get("alpha"),
        "backbone": " ".join(str(result[key]) for key in ("backbone", "size") if result.get(key)),
        "parameters": f"{counted['total']:,} ({counted['body']:,} without input embeddings), counted",
        "pooling": encoder.pooling,
        "steps": trained.get("steps", training.get("steps")),
        "step of these weights": trained.get("best_step"),
        "batch size": training.get("batch_size"),
        "learning rate": (config.get("optim") or {}).get("lr"),
        "learning rate of embeddings": (config.get("schedule") or {}).get("embedding_lr"),
        "temperature": (config.get("loss") or {}).get("temperature"),
        "training data": (result.get("data") or {}).get("name"),
        "seed": result.get("seed"),
        "config hash": result.get("config_hash"),
    }
    rows = [f"| {name} | {escape_markdown(str(value))} |" for name, value in facts.items() if value not in (None, "")]
    return "\n".join(["| | |", "|---|---|", *rows])


def _data(result: Mapping[str, Any]) -> list[str]:
    """The data card of the training, its headings below one of this card; [] for a run that recorded none."""
    data = result.get("data") or {}
    if not (card := data.get("card")):
        return []
    origin = "Counted from the prepared training data"
    if fingerprint := data.get("fingerprint"):
        origin += f" with the content hash {inline_code(str(fingerprint))}"
    leaks = [result["leaks"]] if result.get("leaks") else []
    parts = [*card_sections({**card, "summary": data.get("summary")}), *leak_sections(leaks)]
    below = [part.replace("## ", "### ", 1) if part.startswith("## ") else part for part in parts]
    return ["## Training data", f"{origin}.", *below]


def _languages(metrics: pd.DataFrame | None, result: Mapping[str, Any]) -> set[str]:
    """The languages of the training; those of the test sets where these are not recorded."""
    if trained := set(result.get("tokens") or {}):
        return trained
    return set() if metrics is None else set(metrics["query_language"]) - {MACRO}
