"""Data cards of the runs: how many texts of which length the training data has, and how parallel it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hybridret.base.languages import language_name
from hybridret.data.prepared.card_page import is_complete
from hybridret.reporting.collect import Sweep
from hybridret.reporting.table import Cell, Column, Table

_SHOWN = ("mean", "median", "p95", "max")
_HELP = {"p95": "95% of the texts are not longer"}


def card_tables(sweep: Sweep) -> list[Table]:
    """For each distinct card a table of languages and lengths, and for each of its training datasets in several
    languages one of the questions that two languages share."""
    grouped: dict[str, list[str]] = {}
    for run in sweep.runs["run"]:
        if (card := sweep.cards.get(run)) and card.get("datasets"):
            # Where and when a copy was prepared is no other data, and token lengths belong to a model.
            shown = {key: card.get(key) for key in ("datasets", "tokens")}
            grouped.setdefault(json.dumps(shown, sort_keys=True), []).append(str(run))
    tables = []
    for i, (text, runs) in enumerate(grouped.items(), 1):
        card = json.loads(text)
        end = "" if len(grouped) == 1 else f"_{i}"
        times = f"({len(runs)} run{'s' if len(runs) > 1 else ''})"
        tables.append(_lengths(f"data_lengths{end}", f"Languages and lengths of the training data {times}", card))
        parallel = [one for one in _parallel(card) if not is_complete(one)]
        tables += [_coverage(f"data_coverage{end}_{number}", one, times) for number, one in enumerate(parallel, 1)]
    return tables


def _parallel(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in card["datasets"] if one["part"] == "training" and len(one["languages"]) > 1]


def _lengths(name: str, caption: str, card: Mapping[str, Any]) -> Table:
    tokens = card.get("tokens") or {}
    of_language = tokens.get("languages") or {}
    columns = [Column("dataset"), Column("part"), Column("language"), Column("questions"), Column("passages")]
    groups = [f"{unit} of a {side}" for unit in ("characters", "tokens")[: 2 if of_language else 1]
              for side in ("question", "passage")]  # fmt: skip
    columns += [Column("95%" if key == "p95" else key, group=group, help=_HELP.get(key, ""))
                for group in groups for key in _SHOWN]  # fmt: skip
    rows = []
    for one in card["datasets"]:
        for language in one["languages"]:
            texts = one["texts"][language]
            lengths = [texts[f"{side}_characters"] for side in ("question", "passage")]
            if of_language:  # of all training datasets together
                own = of_language.get(language) or {} if one["part"] == "training" else {}
                lengths += [own.get(side) for side in ("question", "passage")]
            named = [one["name"], one["part"], f"{language} ({language_name(language)})"]
            counts = [texts["questions"], texts["passages"]]
            measured = [(found or {}).get(key) for found in lengths for key in _SHOWN]
            rows.append([Cell(value) for value in (*named, *counts, *measured)])
    note = "Each text counts once."
    for one in card["datasets"]:
        if one["one_in"] > 1:
            note += f" Of {one['name']} ({one['part']}) one passage group in {one['one_in']} was counted."
    for one in _parallel(card):
        if is_complete(one):
            note += f" All {one['questions']:,} questions of {one['name']} exist in all languages."
    if of_language:
        note += (
            f" Tokens: of up to {tokens.get('sample', 0):,} evenly spaced training texts of a language, of all "
            f"datasets together, without prefix and special tokens."
        )
    return Table(name, caption, columns, rows, note=note)


def _coverage(name: str, one: Mapping[str, Any], times: str) -> Table:
    languages, most = one["languages"], max(one["questions"], 1)
    rows = [
        [Cell(language), *(Cell(count, heat=count / most) for count in counts)]
        for language, counts in zip(languages, one["coverage"], strict=True)
    ]
    note = f"{one['in_all_languages']:,} of {one['questions']:,} questions exist in all languages."
    caption = f"Questions of {one['name']} that exist in both languages {times}"
    return Table(name, caption, [Column("language"), *map(Column, languages)], rows, note=note)
