"""Tables on the terminal of what prepared data holds, and of what the test sets share with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from hybridret.base.markup import printable
from hybridret.data.prepared.card_page import is_complete

_COUNTED = ("questions", "pairs", "passages", "in all languages")


def show_card(card: Mapping[str, Any]) -> None:
    """Print a row for each dataset, the lengths of its texts, and how many questions two languages share."""
    console = Console()
    table = _table("Prepared data", "part", "dataset", "languages", *_COUNTED, left=3)
    for one in card["datasets"]:
        pairs = sum(texts["questions"] for texts in one["texts"].values())
        counts = [f"{count:,}" for count in (one["questions"], pairs, one["groups"], one["in_all_languages"])]
        table.add_row(one["part"], printable(one["name"]), " ".join(one["languages"]), *counts)
    for one in card["test"]:
        counts = [f"{one[key]:,}" for key in ("questions", "queries", "passages")]
        table.add_row("test", printable(one["name"]), " ".join(one["languages"]), *counts, "")
    console.print(table)
    for one in card["datasets"]:
        if one["part"] == "training":
            console.print(_lengths(one))
            console.print(_coverage(one, console.width))


def show_leaks(record: Mapping[str, Any]) -> None:
    """Print a row for each dataset, benchmark, side and language with a leak, and one for what has none."""
    table = _table("Test texts in the training data", "training data", "test set", "texts", "language", "of", "equal",
                   "almost equal", "through ids", "for example", left=4)  # fmt: skip
    table.columns[-1].justify = "left"
    found = record["rows"]
    for one in found:
        names = [printable(str(one[key])) for key in ("dataset", "benchmark", "side", "language")]
        counts = [f"{one[key]:,}" for key in ("texts", "exact", "near", "through_ids")]
        table.add_row(*names, *counts, printable(one["examples"][0]["benchmark"].strip())[:60])
    for benchmark, sides in record["compared"].items():
        for side, texts in sides.items():
            if not any((one["benchmark"], one["side"]) == (benchmark, side) for one in found):
                table.add_row("all", printable(benchmark), side, "all", f"{texts:,}", "0", "0", "0", "")
    Console().print(table)


def _lengths(one: Mapping[str, Any]) -> Table:
    title = f"Characters in {printable(one['name'])}: median / 95% are not longer / longest"
    table = _table(title, "language", "questions", "passages", "of a question", "of a passage", left=1)
    for language, texts in one["texts"].items():
        lengths = [_three(texts[f"{side}_characters"]) for side in ("question", "passage")]
        table.add_row(language, *(f"{texts[side]:,}" for side in ("questions", "passages")), *lengths)
    return table


def _three(lengths: Mapping[str, Any] | None) -> str:
    return "" if not lengths else " / ".join(f"{lengths[key]:,}" for key in ("median", "p95", "max"))


def _coverage(one: Mapping[str, Any], width: int) -> Table | str:
    """How many questions two languages share; in a line where a table does not fit or states nothing."""
    languages, matrix = one["languages"], one["coverage"]
    shared = [(count, f"{languages[i]} {languages[j]}") for i, row in enumerate(matrix)
              for j, count in enumerate(row[:i])]  # fmt: skip
    if not shared or is_complete(one):
        return f"All {one['questions']:,} questions exist in all languages." if shared else "One language."
    cells = [[f"{count:,}" for count in row] for row in matrix]
    widest = max(len(text) for row in [languages, *cells] for text in row)
    if (len(languages) + 1) * (widest + 3) + 1 > width:
        (fewest, least), (most, best) = min(shared), max(shared)
        return (
            f"Two languages share from {fewest:,} ({least}) to {most:,} questions ({best}); all pairs are in the card."
        )
    table = _table(f"Questions of {printable(one['name'])} in both languages", "", *languages, left=1)
    for language, row in zip(languages, cells, strict=True):
        table.add_row(language, *row)
    return table


def _table(title: str, *names: str, left: int) -> Table:
    """The first `left` columns are written from the left."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < left else "right")
    return table
