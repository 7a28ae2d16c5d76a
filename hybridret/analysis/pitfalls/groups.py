"""Groups of questions that may be lost more often than others: what a language, a text or a topic has.

A group of texts compares questions of one language with each other (its thirds are those of the language), so that no
language passes for a property of its texts. Groups of languages compare pairs.

Shape legend: Q questions, P pairs, both of `LostQuestions`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hybridret.analysis.pitfalls.families import UNKNOWN, family_of
from hybridret.analysis.pitfalls.names import names_in, tells_names
from hybridret.base.languages import script_of

Marks = NDArray[np.bool_]
Pair = tuple[str, str]
COLUMNS = ("question", "language", "text")
LATIN, NO_SCRIPT = "Latn", "Zzzz"


@dataclass(frozen=True)
class Group:
    """feature: what it is about. title: its members, to stand in a sentence. member, defined: bool [Q, P]; where a
    group is not defined (no capitals in the script), a question counts neither inside nor outside.
    unit: what the property belongs to: a question, or a language."""

    feature: str
    title: str
    member: Marks
    defined: Marks
    unit: Literal["question", "language"]


def language_groups(questions: int, pairs: Sequence[Pair]) -> list[Group]:
    """Groups that need no texts: another script, another family, not in Latin script. Unknown ones are not defined."""
    scripts = [tuple(map(script_of, pair)) for pair in pairs]
    families = [tuple(map(family_of, pair)) for pair in pairs]
    known = np.array([NO_SCRIPT not in pair for pair in scripts], dtype=bool)
    related = np.array([UNKNOWN not in pair for pair in families], dtype=bool)
    found = [
        ("script", "pairs of two scripts", [one != two for one, two in scripts], known),
        ("family", "pairs of two language families", [one != two for one, two in families], related),
        ("question script", "pairs with the question not in Latin script", [one != LATIN for one, _ in scripts], known),
        ("passage script", "pairs with the passage not in Latin script", [two != LATIN for _, two in scripts], known),
    ]
    shape = (questions, len(pairs))
    return [
        Group(
            feature,
            title,
            np.broadcast_to(np.array(member, dtype=bool) & defined, shape),
            np.broadcast_to(defined, shape),
            "language",
        )
        for feature, title, member, defined in found
    ]


def text_groups(
    questions: Sequence[str], pairs: Sequence[Pair], asked: pd.DataFrame, passages: pd.DataFrame | None = None
) -> list[Group]:
    """Groups by the texts of the questions, one for each property that the frames allow.

    asked: rows with question, language, text and, where known, topic (""), tokens (their number) and unknown (how many
        of them the tokenizer does not know). passages: rows with question, language and text of the relevant passages.
    Raises ValueError for a missing column.
    """
    for frame in (asked, passages):
        if frame is not None and (missing := [name for name in COLUMNS if name not in frame.columns]):
            raise ValueError(f"the texts have no column {missing[0]!r}")
    languages = sorted({query for query, _ in pairs})
    at = [languages.index(query) for query, _ in pairs]
    table = asked.drop_duplicates(["question", "language"]).set_index(["question", "language"])
    cells = pd.MultiIndex.from_product([list(questions), languages])
    table = table.reindex(cells)
    shape = (len(questions), len(languages))
    texts = table["text"].to_numpy(dtype=object).reshape(shape)
    there = np.array([[isinstance(text, str) for text in row] for row in texts], dtype=bool).reshape(shape)

    def numbers(of: Callable[[str], float]) -> NDArray[np.float64]:
        return np.array(
            [[of(text) if isinstance(text, str) else np.nan for text in row] for row in texts], dtype=np.float64
        ).reshape(shape)

    def group(feature: str, title: str, member: Marks, defined: Marks) -> Group:
        return Group(feature, title, (member & defined)[:, at], defined[:, at], "question")

    letters = numbers(lambda text: len("".join(text.split())))
    naming = there & np.array([tells_names(language) for language in languages], dtype=bool)
    named = numbers(lambda text: len(names_in(text))) > 0
    found = [
        group("length", "the longest third of the questions", top_third(letters), there),
        group("length", "the shortest third of the questions", top_third(-letters), there),
        group("digits", "questions with digits", numbers(lambda text: any(map(str.isdecimal, text))) > 0, there),
        group("names", "questions with names", named, naming),
    ]
    if passages is not None:
        everywhere = (named | ~naming).all(axis=1, keepdims=True) & naming.any(axis=1, keepdims=True)
        found.append(_unshared_names(questions, pairs, texts, (naming & everywhere)[:, at], at, passages))
    if "tokens" in table.columns:
        tokens = table["tokens"].to_numpy(dtype=np.float64).reshape(shape)
        counted = there & ~np.isnan(tokens)
        fertility = np.divide(tokens, letters, out=np.full(shape, np.nan), where=counted & (letters > 0))
        found.append(
            group("fertility", "questions in the third with most tokens a letter", top_third(fertility), counted)
        )
    if "unknown" in table.columns:
        unknown = table["unknown"].to_numpy(dtype=np.float64).reshape(shape)
        found.append(group("unknown", "questions with an unknown token", unknown > 0, there & ~np.isnan(unknown)))
    if "topic" in table.columns:
        found += _topics(table["topic"].to_numpy(dtype=object).reshape(shape), there, at)
    return found


def top_third(values: NDArray[np.float64]) -> Marks:
    """Values above the upper third of their column: bool [n, columns]; NaN is no member. Equal values stay together,
    so it may be fewer than a third."""
    marks = np.zeros(values.shape, dtype=bool)
    for j in range(values.shape[1]):
        known = values[~np.isnan(values[:, j]), j]
        if len(known):
            marks[:, j] = values[:, j] > np.quantile(known, 2 / 3)
    return marks


def _unshared_names(
    questions: Sequence[str],
    pairs: Sequence[Pair],
    texts: NDArray[np.object_],
    named: Marks,
    at: Sequence[int],
    passages: pd.DataFrame,
) -> Group:
    """Among questions that have names in all their languages that tell them: none of the names stands in a relevant
    passage (as a string, case folded). A question without its passage in some pair is left out: the test exchanges
    questions, so they must be alike in what is known of them."""
    grouped = passages.groupby(["question", "language"], sort=False)["text"]
    bodies = {key: "\n".join(map(str, one)).casefold() for key, one in grouped}
    member, defined = np.zeros(named.shape, dtype=bool), np.zeros(named.shape, dtype=bool)
    folded = {(i, at[j]): [name.casefold() for name in names_in(str(texts[i, at[j]]))] for i, j in np.argwhere(named)}
    for i, j in np.argwhere(named):
        body = bodies.get((questions[i], pairs[j][1]))
        if body is not None:
            defined[i, j] = True
            member[i, j] = not any(name in body for name in folded[i, at[j]])
    whole = (defined == named).all(axis=1, keepdims=True)
    member, defined = member & whole, defined & whole
    return Group("name overlap", "questions whose names are not in the passage", member, defined, "question")


def _topics(topics: NDArray[np.object_], there: Marks, at: Sequence[int]) -> list[Group]:
    """One group for each topic; a question has the first one that any of its translations has."""
    first = ["" for _ in topics]
    for i, row in enumerate(topics):
        first[i] = next((one for one in row if isinstance(one, str) and one), "")
    known = np.array([bool(one) for one in first], dtype=bool)
    defined = (there & known[:, None])[:, at]
    chosen = np.array(first, dtype=object)
    return [
        Group(
            "topic",
            f"questions about {topic.replace('_', ' ')}",
            (chosen == topic)[:, None] & defined,
            defined,
            "question",
        )
        for topic in sorted({one for one in first if one})
    ]
