"""Which question, in which language, a query of a foreign run asks: from a file, from its id, or every query its own.

The unit of all tests is the question. Where nothing is known of translations each query is its own question; that is
right for a collection of one language, and too sure of itself for one whose queries are translations of each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from hybridret.base.errors import UserError
from hybridret.data.lines import decoded, numbered_lines

ALL = "all"  # the language of what stands in no language or in several
ASKED = ("query_id", "question", "query_language", "corpus_language")
Asked = Callable[[Sequence[str]], pd.DataFrame]  # query ids -> a row each, with the columns `ASKED`


def own_questions(query_ids: Sequence[str]) -> pd.DataFrame:
    """Every query is its own question, in the language `all`: a row each, with the columns `ASKED`."""
    return _frame([(one, one, ALL, "") for one in query_ids])


def questions_by_pattern(query_ids: Sequence[str], pattern: str) -> pd.DataFrame:
    """The question is the first group of the regular expression `pattern` in the id of a query, the second one, if
    there is one, the language of the query, the third one that of the passages. As `own_questions`.

    Raises UserError for an expression that is broken, has no group or more than three, or does not match an id.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(f"--question {pattern!r} is no regular expression: {error}.") from None
    if not 1 <= expression.groups <= 3:
        raise UserError(
            f"--question {pattern!r} has {expression.groups} groups in brackets; it needs one for the question, and "
            f"may have a second one for the language, as in '^(.*)-(..)$'."
        )
    rows = []
    for one in query_ids:
        found = expression.search(one)
        if found is None or not found[1]:
            raise UserError(f"--question {pattern!r} finds no question in the query id {one!r}. Make it fit every id.")
        question, language, passages = ([group or "" for group in found.groups()] + ["", ""])[:3]
        rows.append((one, question, language or ALL, passages))
    return _frame(rows)


def questions_of_file(path: Path) -> pd.DataFrame:
    """Lines `query_id TAB question [TAB language of the query [TAB language of the passages]]`, plain or .gz, without a
    header. As `own_questions`.

    Raises UserError naming file and line for a line of another shape, and a query that stands twice.
    """
    rows: dict[str, tuple[str, str, str, str]] = {}
    for line, raw in numbered_lines(path):
        text = decoded(raw, f"{path}, line {line}")
        cells = [cell.strip() for cell in text.split("\t")]
        if not 2 <= len(cells) <= 4 or not cells[0] or not cells[1]:
            raise UserError(
                f"{path}, line {line}: expected query_id TAB question, and perhaps TAB language, found {text[:60]!r}."
            )
        if cells[0] in rows:
            raise UserError(f"{path}, line {line}: the query {cells[0]!r} stands in an earlier line. Keep one of them.")
        query, question, language, passages = [*cells, "", ""][:4]
        rows[query] = query, question, language or ALL, passages
    if not rows:
        raise UserError(f"{path} holds no query. Write query_id TAB question in each line.")
    return _frame(list(rows.values()))


def asker(path: Path | None = None, pattern: str | None = None) -> Asked:
    """What says which question a query asks: the file `path`, or a regular expression, or, with neither, each query its
    own. Raises UserError for both, for a file or an expression that is broken, and later for an id that is not there.
    """
    if path is not None and pattern is not None:
        raise UserError("--map and --question both say which question a query asks. Give one of them.")
    if pattern is not None:
        return lambda query_ids: questions_by_pattern(query_ids, pattern)
    if path is None:
        return own_questions
    known = questions_of_file(path).set_index("query_id")

    def look_up(query_ids: Sequence[str]) -> pd.DataFrame:
        if missing := [one for one in query_ids if one not in known.index]:
            more = f" (nor {len(missing) - 1:,} others)" if len(missing) > 1 else ""
            raise UserError(f"{path} does not name the judged query {missing[0]!r}{more}. Add a line for each query.")
        return known.loc[list(query_ids)].reset_index()

    return look_up


def _frame(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(ASKED), dtype=str)
