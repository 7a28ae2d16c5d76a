"""One file of a source as a part: its texts by language, in their order, and hashes that say which belong together.

A part is what survives a kill. It is a folder, `hashes.arrow` of which is written last:

    LANGUAGE.{question,passage,id,passage_id,negatives}.arrow    texts of the rows that are used
    negatives.arrow                                              hashes of the negatives' texts
    hashes.arrow                                                 language, row, and four hashes of each row

Question ids and passage ids are hashed to 64 bits. Without ids a question is its text and language, and so is a
passage: two of 20 million differing ones have the same hash with a probability of 1 to 100,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridret.base.errors import UserError
from hybridret.base.languages import canonical_language, check_language
from hybridret.data.tables.columns import Columns
from hybridret.data.tables.formats import ROW

HASHES, NEGATIVES = "hashes.arrow", "negatives.arrow"
LISTED = 20  # languages that the counts name one by one
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd: a text in two languages has two hashes
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Languages:
    """Whose rows are used. `fixed`: the code of all rows, where no column has it. `chosen`: canonical codes; None: all.
    `rename`: a code of the files, in any usual form -> another one.
    """

    chosen: tuple[str, ...] | None = None
    rename: Mapping[str, str] | None = None
    fixed: str | None = None

    def code(self, written: str, where: str) -> str:
        """The canonical code of one in a file. Raises UserError for what is no language."""
        rename = self.rename or {}
        if (code := rename.get(written)) is None:
            own = canonical_language(written)
            alike = (new for old, new in rename.items() if own is not None and canonical_language(old) == own)
            code = next(alike, written)
        return check_language(code, where)


def write_part(
    folder: Path,
    tables: Iterable[Any],
    columns: Columns,
    languages: Languages,
    file: Path,
) -> dict[str, Any]:
    """Write the `tables` of `file` as the part `folder`, and return counts: `rows`, `empty` (one side has no text),
    `first_empty`, `other_languages` (rows), `languages` (code -> rows, in the order of their numbers in the hashes).

    Raises UserError naming file and row for an empty id and for what is no language.
    """
    import pyarrow as pa
    import pyarrow.compute as compute

    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, str] = {}  # as written -> canonical
    counts: dict[str, Any] = {"rows": 0, "empty": 0, "first_empty": None, "other_languages": 0, "languages": {}}
    numbers: dict[str, int] = counts["languages"]
    with ExitStack() as stack:
        sink = _Sink(folder, stack)
        for table in tables:
            counts["rows"] += len(table)
            table = _roles(table.combine_chunks(), columns)
            empty = compute.or_(_blank(table.column("question")), _blank(table.column("passage")))
            if (lacking := int(compute.sum(empty).as_py() or 0)) > 0:
                counts["empty"] += lacking
                if counts["first_empty"] is None:
                    counts["first_empty"] = int(table.column(ROW)[compute.index(empty, True).as_py()].as_py())
                table = table.filter(compute.invert(empty))
            for role in ("id", "passage_id"):
                if role in table.column_names and compute.any(blank := _blank(table.column(role))).as_py():
                    row = table.column(ROW)[compute.index(blank, True).as_py()].as_py()
                    raise UserError(
                        f"{file}, row {row}: {columns.names[role]!r} is empty (data.columns.{role}). Correct the row, "
                        f"or leave {role} out of data.columns."
                    )
            for code, rows in _by_language(table, languages, columns, found, file):
                if languages.chosen is not None and code not in languages.chosen:
                    counts["other_languages"] += len(rows)
                    continue
                start = numbers.get(code, 0)
                numbers[code] = start + len(rows)
                _write_rows(sink, code, list(numbers).index(code), start, rows)
        sink.close_with(pa.schema(_schema()))
    return counts


def _schema() -> list[tuple[str, Any]]:
    import pyarrow as pa

    hashes = [(name, pa.uint64()) for name in ("q", "p", "qt", "pt")]
    return [("language", pa.uint16()), ("at", pa.int64()), ("row", pa.int64()), *hashes]


class _Sink:
    """The open files of a part, by name; a file begins with its first batch."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._writers: dict[str, Any] = {}

    def write(self, name: str, batch: Any) -> None:
        import pyarrow as pa

        writer = self._writers.get(name)
        if writer is None:
            file = self._stack.enter_context(pa.OSFile(str(self._folder / name), "wb"))
            writer = self._writers[name] = self._stack.enter_context(pa.ipc.new_file(file, batch.schema))
        writer.write_batch(batch)

    def close_with(self, schema: Any) -> None:
        """The hashes exist even where no row is used."""
        import pyarrow as pa

        if HASHES not in self._writers:
            self.write(HASHES, pa.RecordBatch.from_arrays([pa.array([], one.type) for one in schema], schema=schema))


def _roles(table: Any, columns: Columns) -> Any:
    """`table` with its columns named by role; texts are trimmed, a title stands before its passage."""
    import pyarrow as pa
    import pyarrow.compute as compute

    arrays = {role: table.column(name).combine_chunks() for role, name in columns.names.items()}
    arrays = {role: compute.utf8_trim_whitespace(array) for role, array in arrays.items()}
    if "title" in arrays:
        title = arrays.pop("title")
        joined = compute.binary_join_element_wise(title, arrays["passage"], pa.scalar(" ", pa.large_string()))
        lacking = compute.or_(_blank(title), _blank(arrays["passage"]))  # a title alone is no passage
        arrays["passage"] = compute.if_else(lacking, arrays["passage"], joined)
    if columns.negatives:
        arrays["negatives"] = _negatives([table.column(name).combine_chunks() for name in columns.negatives])
    return pa.table({**arrays, ROW: table.column(ROW)})


def _negatives(columns: list[Any]) -> Any:
    """[n] lists of texts: of all columns, each a text or a list of texts, one after another; without empty texts."""
    import pyarrow as pa
    import pyarrow.compute as compute

    rows, texts = [], []
    for column in columns:
        if pa.types.is_large_string(column.type):
            rows.append(np.arange(len(column)))
            texts.append(column)
        else:
            rows.append(compute.list_parent_indices(column).to_numpy(zero_copy_only=False))
            texts.append(compute.list_flatten(column).cast(pa.large_string()))
    row = np.concatenate(rows)
    text = compute.utf8_trim_whitespace(pa.concat_arrays(texts).fill_null(""))
    order = np.argsort(row, kind="stable")
    order = order[compute.greater(compute.binary_length(text), 0).to_numpy(zero_copy_only=False)[order]]
    bounds = np.searchsorted(row[order], np.arange(len(columns[0]) + 1))
    return pa.LargeListArray.from_arrays(pa.array(bounds, pa.int64()), text.take(pa.array(order)))


def _by_language(
    table: Any, languages: Languages, columns: Columns, found: dict[str, str], file: Path
) -> Iterable[tuple[str, Any]]:
    """The rows of each language, in their order."""
    import pyarrow as pa
    import pyarrow.compute as compute

    if languages.fixed is not None:
        return [(languages.fixed, table)] if len(table) else []
    written = table.column("language").combine_chunks().dictionary_encode()
    for code in written.dictionary.to_pylist():
        if code not in found:
            row = table.column(ROW)[compute.index(table.column("language"), pa.scalar(code, pa.large_string())).as_py()]
            where = f"{file}, row {row.as_py()}, column {columns.names['language']!r}"
            found[code] = languages.code(code, where)
    codes = [found[code] for code in written.dictionary.to_pylist()]
    of_row = written.indices.to_numpy()
    rows = {code: [number for number, one in enumerate(codes) if one == code] for code in dict.fromkeys(codes)}
    if len(rows) == 1:
        return [(codes[0], table)]
    return [(code, table.take(pa.array(np.flatnonzero(np.isin(of_row, numbers))))) for code, numbers in rows.items()]


def _write_rows(sink: _Sink, code: str, number: int, start: int, rows: Any) -> None:
    import pyarrow as pa

    language = text_hashes(pa.array([code], pa.large_string()))[0]
    arrays = {name: rows.column(name).combine_chunks() for name in rows.column_names}
    qt, pt = (text_hashes(arrays[name]) * _FACTOR + language for name in ("question", "passage"))
    q, p = (text_hashes(arrays[name]) if name in arrays else own for name, own in (("id", qt), ("passage_id", pt)))
    count = len(rows)
    for name in ("question", "passage", "id", "passage_id", "negatives"):
        if name in arrays:
            sink.write(f"{code}.{name}.arrow", pa.record_batch([arrays[name]], names=["text"]))
    columns = [np.full(count, number, np.uint16), np.arange(start, start + count), arrays[ROW], q, p, qt, pt]
    named = zip(columns, _schema(), strict=True)
    sink.write(HASHES, pa.record_batch([pa.array(c, k) for c, (_, k) in named], pa.schema(_schema())))
    if "negatives" in arrays:
        lists = arrays["negatives"]
        bounds = lists.offsets.to_numpy()
        texts = lists.flatten()
        of_row = np.repeat(np.arange(start, start + count), np.diff(bounds))
        data = [np.full(len(texts), number, np.uint16), of_row, text_hashes(texts) * _FACTOR + language]
        sink.write(NEGATIVES, pa.record_batch([pa.array(one) for one in data], names=["language", "at", "pt"]))


def text_hashes(texts: Any) -> Hashes:
    """[n]: 64-bit hashes of the bytes of an Arrow array of texts."""
    import pyarrow as pa
    from xxhash import xxh3_64_intdigest

    raw = texts.cast(pa.large_binary()).to_pylist()
    return np.fromiter(map(xxh3_64_intdigest, raw), np.uint64, len(raw))


def _blank(texts: Any) -> Any:
    import pyarrow.compute as compute

    return compute.equal(compute.binary_length(texts), 0)
