"""Rows of judgments in text files: the columns are identified by the names in a header, else by their shape."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.data.lines import decoded, numbered_lines

Judgment = tuple[str, str, str, str]  # file and line, query id, passage id, grade
HEADER = ("query-id", "corpus-id", "score")
NAMES = {  # names of columns used by publishers, without case, dashes and underscores
    "query-id": ("queryid", "qid", "query", "topic", "topicid"),
    "corpus-id": ("corpusid", "docid", "docno", "did", "pid", "passageid", "documentid", "doc", "passage"),
    "score": ("score", "grade", "relevance", "rel", "label"),
}
IGNORED = ("q0", "iter", "iteration")  # TREC's second column
BEIR, BARE, TREC = "BEIR's header", "three columns without a header", "TREC's four columns"
EXPECTED = "the header query-id TAB corpus-id TAB score, three such columns without it, or TREC's 'qid Q0 docid grade'"


def text_rows(path: Path) -> tuple[str, Generator[Judgment]]:
    """The layout of `path`, plain or .gz, found in its first line, and its rows.

    A header names the columns in any order. Without a header, three columns are query, passage and grade, and four are
    TREC's. Columns are separated by tabs, or by any white space if no id can contain a space.

    Raises UserError naming file and line: at once if the first line has none of these shapes, while iterating over the
    rows for any other line.
    """
    for line, raw in numbered_lines(path):
        where = f"{path}, line {line}"
        text = decoded(raw, where)
        tabbed, words = _tabbed(text), text.split()
        for cells in (tabbed, words):
            if columns := columns_of(cells):
                layout = BEIR if tuple(cells) == HEADER else f"columns by their names ({', '.join(cells)})"
                return layout, _rows(path, [columns[role] for role in HEADER], len(cells), cells is tabbed, line)
        if len(tabbed) == 3 and _is_number(tabbed[2]) and not _is_trec(words):
            return BARE, _rows(path, [0, 1, 2], 3, True)
        if len(tabbed) == 4 and _is_number(tabbed[3]) and len(words) > 4:  # ids with spaces
            return TREC, _rows(path, [0, 2, 3], 4, True)
        if len(words) == 4 and _is_number(words[3]):
            return TREC, _rows(path, [0, 2, 3], 4, False)
        if len(words) == 3 and _is_number(words[2]):
            return BARE, _rows(path, [0, 1, 2], 3, False)
        raise UserError(f"{where}: expected {EXPECTED}; found {text[:60]!r}.")
    return BEIR, _rows(path, [0, 1, 2], 3, True)  # none


def columns_of(names: Sequence[str]) -> Mapping[str, int] | None:
    """The columns of query id, passage id and grade among the `names` of a header; None if they are no such names.

    >>> columns_of(["score", "corpus_id", "query-id"])
    {'score': 0, 'corpus-id': 1, 'query-id': 2}
    """
    found: dict[str, int] = {}
    for column, name in enumerate(names):
        plain = name.lower().replace("-", "").replace("_", "").strip()
        role = next((role for role, known in NAMES.items() if plain in known), None)
        if role in found or (role is None and plain not in IGNORED):
            return None
        if role is not None:
            found[role] = column
    return found if len(found) == len(HEADER) else None


def _rows(path: Path, columns: Sequence[int], count: int, tabs: bool, header: int = 0) -> Generator[Judgment]:
    """The rows below line `header`."""
    for line, raw in numbered_lines(path):
        if line <= header:
            continue
        where = f"{path}, line {line}"
        text = decoded(raw, where)
        cells = text.split("\t") if tabs else text.split()  # spaces between tabs are part of an id, as in other files
        if len(cells) != count or not all(cells[column].strip() for column in columns):
            shape = "query id TAB passage id TAB grade" if count == 3 else f"{count} columns, as in the first line"
            raise UserError(f"{where}: expected {shape}, found {text[:60]!r}.")
        query, passage, grade = (cells[column] for column in columns)
        yield where, query, passage, grade


def _tabbed(text: str) -> list[str]:
    return [cell.strip() for cell in text.split("\t")]


def _is_trec(words: Sequence[str]) -> bool:
    """Whether `words` are a row in TREC's layout, also with tabs and spaces mixed, as in `q1 Q0 TAB d1 TAB 1`."""
    return len(words) == 4 and words[1].upper() == "Q0"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
