"""A data card as Markdown: for people beside the prepared copy, in the form that the hub knows, and in model cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybridret.base.languages import language_name
from hybridret.base.markup import escape_markdown, inline_code, markdown_table, printable

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
         (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))  # fmt: skip
LARGEST = "100M<n<1B"


def card_page(card: Mapping[str, Any], leaks: Sequence[Mapping[str, Any]] = ()) -> str:
    """The README of a prepared copy. `leaks`: records of the leak tables that were made of it."""
    name = str(card["name"])
    files = [f"- {inline_code(str(one['name']))}, {one['bytes']:,} bytes, probes `{one['probes']}`"
             for one in card["files"]]  # fmt: skip
    parts = [
        _head(card),
        f"# {escape_markdown(name)}",
        f"Parallel pairs of questions and passages, prepared by hybridret on {escape_markdown(str(card['prepared']))}: "
        f"content `{card['fingerprint']}`, copy `{card['copy']}`, layout {card['layout']}.",
        *card_sections(card),
        *leak_sections(leaks),
        "## Licence",
        escape_markdown(str(card["licence"])),
        *(["## Files that were read", "\n".join(files)] if files else []),
    ]
    return "\n\n".join(parts) + "\n"


def card_sections(card: Mapping[str, Any]) -> list[str]:
    """Languages, lengths, how parallel, shared passages, and what the reading dropped; headings of level 2."""
    parts = ["## Languages and lengths", _lengths(card), _explained(card)]
    for one in card["datasets"]:
        if one["part"] == "training" and len(one["languages"]) > 1:
            parts += [f"## Questions of {escape_markdown(one['name'])} that two languages share", _coverage(one)]
    if tests := card.get("test"):
        rows = [
            [*map(escape_markdown, [one["name"], " ".join(one["languages"])]),
             *(f"{one[key]:,}" for key in ("questions", "queries", "passages"))]
            for one in tests
        ]  # fmt: skip
        parts += [
            "## Held out for tests",
            markdown_table(["name", "languages", "questions", "queries", "passages"], rows),
        ]
    if shared := card.get("shared"):
        rows = [[*map(escape_markdown, [*one["datasets"], one["language"]]), f"{one['passages']:,}",
                 f"{one['one_in']:,}"] for one in shared]  # fmt: skip
        head = ["dataset", "dataset", "language", "equal passages", "among one passage in"]
        parts += ["## Passages that datasets share", markdown_table(head, rows)]
    if summary := card.get("summary"):
        rows = [[escape_markdown(words(key)), escape_markdown(in_words(value))] for key, value in summary.items()]
        parts += ["## What was read and dropped", markdown_table(["what", "counts"], rows)]
    return parts


def is_complete(dataset: Mapping[str, Any]) -> bool:
    """Whether all questions of one of the `datasets` of a card exist in all languages: its matrix states nothing."""
    return bool(dataset["in_all_languages"] == dataset["questions"])


def leak_sections(leaks: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the tables of leak checks found, and in which test sets they found nothing; [] where there are none."""
    if not leaks:
        return []
    rows = []
    for record in leaks:
        found = record["rows"]
        for one in found:
            counts = [f"{one[key]:,}" for key in ("exact", "near", "through_ids")]
            rows.append([escape_markdown(str(one[key])) for key in ("dataset", "benchmark", "side", "language")]
                        + [f"{one['texts']:,}", *counts])  # fmt: skip
        for benchmark, sides in record["compared"].items():
            for side, texts in sides.items():
                if not any((one["benchmark"], one["side"]) == (benchmark, side) for one in found):
                    rows.append(
                        [
                            "all",
                            escape_markdown(str(benchmark)),
                            escape_markdown(side),
                            "all",
                            f"{texts:,}",
                            "0",
                            "0",
                            "0",
                        ]
                    )
    head = ["training data", "test set", "texts", "language", "of", "equal", "almost equal", "through ids"]
    return ["## Texts of test sets in the training data", markdown_table(head, rows)]


def in_words(value: Any) -> str:
    """`{"read": 9000, "test": {"en": 5}}` as `read 9,000, test (en 5)`."""
    if isinstance(value, Mapping):
        parts = [
            f"{words(k)} ({in_words(v)})" if isinstance(v, Mapping) else f"{words(k)} {in_words(v)}"
            for k, v in value.items()
        ]
        return ", ".join(parts) or "none"
    if isinstance(value, list):
        return ", ".join(in_words(one) for one in value) or "none"
    if value is None:
        return "none"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def words(key: str) -> str:
    """A key as words."""
    return str(key).replace("_", " ")


def _head(card: Mapping[str, Any]) -> str:
    """What the hub reads of a card, between two lines of `---`."""
    from huggingface_hub import DatasetCardData

    training = [one for one in card["datasets"] if one["part"] == "training"]
    languages = list(dict.fromkeys(language for one in training for language in one["languages"]))
    pairs = sum(texts["questions"] for one in training for texts in one["texts"].values())
    data = DatasetCardData(
        language=languages,
        license="other",
        license_name="see-card",
        pretty_name=printable(str(card["name"])),
        multilinguality="multilingual" if len(languages) > 1 else "monolingual",
        size_categories=next((size for limit, size in SIZES if pairs < limit), LARGEST),
        task_categories=["text-retrieval"],
    )
    return f"---\n{data.to_yaml()}\n---"


def _lengths(card: Mapping[str, Any]) -> str:
    tokens = card.get("tokens") or {}
    head = ["dataset", "part", "language", "questions", "passages", "characters of a question", "of a passage"]
    rows = []
    for one in card["datasets"]:
        for language, texts in one["texts"].items():
            found = [_four(texts["question_characters"]), _four(texts["passage_characters"])]
            named = map(escape_markdown, [one["name"], one["part"], f"{language} ({language_name(language)})"])
            rows.append([*named, f"{texts['questions']:,}", f"{texts['passages']:,}", *found])
    table = markdown_table(head, rows)
    if not tokens:
        return table
    rows = [[escape_markdown(language), *(_four(sides.get(side)) for side in ("question", "passage"))]
            for language, sides in tokens["languages"].items()]  # fmt: skip
    return f"{table}\n\n{markdown_table(['language', 'tokens of a question', 'of a passage'], rows)}"


def _explained(card: Mapping[str, Any]) -> str:
    text = "Lengths: mean / median / 95% are not longer / longest; each text counts once."
    for one in card["datasets"]:
        if one["one_in"] > 1:
            text += (
                f" Of {escape_markdown(one['name'])} ({one['part']}) passages and lengths are counted in one passage "
                f"group of {one['one_in']}."
            )
    if tokens := card.get("tokens"):
        text += (
            f" Tokens are those of the model, of up to {tokens['sample']:,} evenly spaced training texts a language."
        )
    return text


def _four(lengths: Mapping[str, Any] | None) -> str:
    if not lengths:
        return ""
    return f"{lengths['mean']:,.1f} / " + " / ".join(f"{lengths[key]:,}" for key in ("median", "p95", "max"))


def _coverage(one: Mapping[str, Any]) -> str:
    everywhere = f"{one['in_all_languages']:,} of {one['questions']:,} questions exist in all languages."
    if is_complete(one):
        return everywhere
    rows = [[escape_markdown(language), *(f"{count:,}" for count in counts)]
            for language, counts in zip(one["languages"], one["coverage"], strict=True)]  # fmt: skip
    return f"{markdown_table(['', *map(escape_markdown, one['languages'])], rows)}\n\n{everywhere}"
