"""Training pairs from any table of rows, streamed into a prepared copy (docs/sources.md#any-table-of-rows)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import check_language
from hybridret.base.progress import Progress
from hybridret.data.arrow_table import file_probe
from hybridret.data.passage_groups import warn_of_a_large_group
from hybridret.data.prepared.shards import Shards
from hybridret.data.prepared.stored_pairs import write_about
from hybridret.data.prepared.stored_texts import ROWS, write_batches
from hybridret.data.tables.arrange import arranged
from hybridret.data.tables.columns import Columns
from hybridret.data.tables.delimited import Dialect
from hybridret.data.tables.files import LanguageFile
from hybridret.data.tables.formats import table_stream
from hybridret.data.tables.numbering import (
    LANGUAGE,
    MOST_LANGUAGES,
    MOST_PARTS,
    PART,
    TABLES,
    TITLES,
    Numbering,
    hashes_size,
)
from hybridret.data.tables.parts import HASHES, Languages, write_part

VERSION = 2  # of the reading: raise it when the same files would give other pairs
LOST = 0.01  # the largest share of rows with an empty side, and of pairs that a parallel language may lack
PARTS = "parts"  # the folder of what is deleted when the copy is whole

ValidationQuestions = Annotated[int, Ge(2)]


class TableSource:
    """Training pairs of tables of rows, streamed into a prepared copy in flat memory.

    name: in tables and files. kind: the plug-in, a part of the key.
    files: lists every file with the language of its rows, None where a column has it; called when needed. Raises
        UserError where one is missing.
    columns, dialect: how a file is read.
    languages: those that are used, in this order; None: all that there are, sorted.
    rename: codes as they stand in the files, or in `data.files` -> codes.
    parallel: every pair exists in all languages; more than one percent that do not are refused.
    validation_questions: pairs that are held out for the validation loss, drawn by a hash of question ids, with all
        that share a question or a passage.
    licence: the text about the data's licence in the report.
    """

    templated = False

    def __init__(
        self,
        kind: str,
        name: str,
        files: Callable[[], list[LanguageFile]],
        columns: Mapping[str, Any],
        languages: Sequence[str] | None,
        rename: Mapping[str, str] | None,
        parallel: bool,
        validation_questions: int,
        licence: str,
        dialect: Dialect | None = None,
    ) -> None:
        if not str(name).strip():
            raise UserError("data.name is empty: give your data a name for tables and files, or leave it out.")
        chosen = None if languages is None else tuple(check_language(code, "data.languages") for code in languages)
        if chosen is not None and (not chosen or len(set(chosen)) < len(chosen)):
            raise UserError(f"data.languages={languages} must name at least one language, and none twice.")
        for written, code in (rename or {}).items():
            check_language(code, f"data.rename.{written}")
        self.name = name
        self._kind, self._all_files, self._licence = kind, files, licence
        self._columns, self._dialect = Columns.of(columns), dialect
        self._chosen, self._rename = chosen, {str(k): str(v) for k, v in (rename or {}).items()}
        self._parallel, self._held_out = parallel, validation_questions

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where one is missing."""
        probes = [[code, *file_probe(file, f"training pairs of {self.name}")] for code, file in self._files()]
        dialect = self._dialect and [self._dialect.delimiter, self._dialect.header, self._dialect.quoted]
        settings = [self._columns.key(), dialect, self._chosen, self._rename, self._parallel, self._held_out]
        return [self._kind, VERSION, self.name, self._licence, probes, settings]

    def missing(self) -> list[str]:
        """The error message about files that are missing; none is read."""
        return refusals(self._files)

    def licence(self) -> str:
        """Terms of the texts, as the config has them."""
        return self._licence

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Write the prepared copy into `folder`, which may hold files that an earlier process wrote whole.

        Raises UserError naming file and row for bad rows, for an id with two texts in a language, where more than one
        percent of the rows have an empty side, and where languages that are declared parallel are not.
        """
        parts = self._parts(folder / PARTS, progress)
        languages = self._languages(parts)
        rows = sum(one["rows"] for one in parts)
        self._refuse_empty(parts, rows)
        shards = Shards(folder)
        with Numbering(folder / PARTS / "numbers.db") as numbers:
            size = sum(hashes_size(folder / PARTS / _part(part)) for part in range(len(parts)))
            with progress.task(f"number the rows of {self.name}", size) as advance:
                for part, counts in enumerate(parts):
                    known = [languages.index(code) if code in languages else 0 for code in counts["languages"]]
                    numbers.add(part, folder / PARTS / _part(part), known, advance)
            with progress.task(f"join the pairs of {self.name}", len(TITLES) + TABLES) as advance:
                advance(0)
                self._refuse_conflicts(numbers, advance)
                numbers.build(self._held_out, "passage_id" in self._columns.names, advance)
            counted = numbers.counts()
            advice = "Look for a text that fills gaps in many rows, such as 'None', and leave these rows out."
            warn_of_a_large_group(self.name, counted["largest_group"], counted["pairs"], advice)
            in_languages, whole = numbers.pairs_of(len(languages))
            self._refuse_unaligned(languages, in_languages, counted["pairs"])
            reader = _Parts(folder / PARTS, languages, parts)
            with progress.task(f"write the texts of {self.name}", counted["rows"]) as advance:
                self._write_texts(shards, numbers, reader, counted, advance)
        for name, texts in (("training-0", ""), ("validation", "training-0")):
            negatives = languages if self._columns.negatives else ()
            write_about(folder / name, self.name, languages, list(negatives), texts=texts)
        fingerprint = shards.fingerprint()
        shutil.rmtree(folder / PARTS)
        return {
            "training": ["training-0"],
            "test": [],
            "fingerprint": fingerprint,
            "summary": {
                "name": self.name,
                "languages": list(languages),
                "rows_read": rows,
                "rows_with_an_empty_side": sum(one["empty"] for one in parts),
                "rows_of_other_languages": sum(one["other_languages"] for one in parts),
                **counted,
                "pairs_in_all_languages": whole,
                "pairs_by_language": dict(zip(languages, in_languages, strict=True)),
            },
        }

    def _files(self) -> list[LanguageFile]:
        """Every file that is read, with the canonical code of its language."""
        found: list[LanguageFile] = []
        for code, file in self._all_files():
            own = None if code is None else self._canonical(code)
            if own is not None and (column := self._columns.names.get("language")) is not None:
                raise UserError(
                    f"data.files and data.columns.language={column!r} both name the language of the rows of {file}. "
                    f"Leave one of them out."
                )
            if own is None and "language" not in self._columns.names:
                raise UserError(
                    f"{file}: no language is known for its rows. Name the column, data.columns.language=NAME, or the "
                    f"files of each language, data.files='{{en: [{file.name}]}}'."
                )
            if own is None or self._chosen is None or own in self._chosen:
                found.append((own, file))
        if not found:
            raise UserError(f"data.languages={list(self._chosen or ())}: data.files names no file of these languages.")
        if len(found) > MOST_PARTS:
            raise UserError(f"data.files: {len(found)} files; up to {MOST_PARTS} are read. Put some of them together.")
        return found

    def _canonical(self, code: str) -> str:
        return Languages(None, self._rename).code(code, "data.files")

    def _parts(self, folder: Path, progress: Progress) -> list[dict[str, Any]]:
        """Counts of each file, which is written as a part where an earlier process did not."""
        files, shards, found = self._files(), Shards(folder), []
        for number, (code, file) in enumerate(files):
            languages = Languages(self._chosen, self._rename, code)

            def write(path: Path, file: Path = file, languages: Languages = languages) -> dict[str, Any]:
                with progress.task(f"read {file.name}", file.stat().st_size) as advance:
                    tables = table_stream(file, self._columns, self._dialect, advance)
                    return write_part(path.parent, tables, self._columns, languages, file)

            found.append({**shards.file(f"{_part(number)}/{HASHES}", write), "file": str(file)})
        return found

    def _languages(self, parts: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        found = sorted({code for one in parts for code in one["languages"]})
        if not found:
            raise UserError(
                f"{parts[0]['file']}{' and the other files' if len(parts) > 1 else ''}: no row has a question and a "
                f"passage in the languages that are asked for. Look at data.columns and data.languages."
            )
        if self._chosen is not None and (absent := [code for code in self._chosen if code not in found]):
            raise UserError(f"data.languages: no row is in {', '.join(absent)}. There are: {', '.join(found)}.")
        if len(found) > MOST_LANGUAGES:
            raise UserError(f"{len(found)} languages; up to {MOST_LANGUAGES} are read. Choose some: data.languages.")
        return self._chosen or tuple(found)

    def _refuse_empty(self, parts: Sequence[Mapping[str, Any]], rows: int) -> None:
        empty = sum(one["empty"] for one in parts)
        if empty > LOST * rows:
            first = next(one for one in parts if one["empty"])
            raise UserError(
                f"{first['file']}, row {first['first_empty']}: the question or the passage is empty, and so it is in "
                f"{empty} of {rows} rows, more than {LOST:.0%}. Look at data.columns: is another column meant?"
            )

    def _refuse_conflicts(self, numbers: Numbering, advance: Callable[[int], object]) -> None:
        files = [file for _, file in self._files()]
        for side, (what, role) in TITLES.items():
            advance(1)
            if role in self._columns.names and (found := numbers.conflict(side)) is not None:
                first, line, second, other = found
                raise UserError(
                    f"{files[second]}, row {other}: its {what} has another text in the same language in {files[first]}"
                    f", row {line}. An id must name one text; if these are no ids, set data.columns.{role}=null."
                )

    def _refuse_unaligned(self, languages: Sequence[str], in_languages: Sequence[int], pairs: int) -> None:
        for code, count in zip(languages, in_languages, strict=True):
            if self._parallel and pairs - count > LOST * pairs:
                raise UserError(
                    f"data.parallel=true, but {pairs - count} of {pairs} pairs do not exist in {code!r}, more than "
                    f"{LOST:.0%}: its ids are not those of the other languages. Check data.columns.id and that all "
                    f"files are of one version, or set data.parallel=false."
                )

    def _write_texts(
        self,
        shards: Shards,
        numbers: Numbering,
        reader: _Parts,
        counted: Mapping[str, int],
        advance: Callable[[int], object],
    ) -> None:
        import pyarrow as pa

        lacking = pa.record_batch([pa.array([None], pa.large_string())], names=["text"])
        scratch = shards.folder / PARTS / "arrange"
        for number, code in enumerate(reader.languages):
            for side, role, sort, count in (
                ("queries", "question", "query", counted["queries"]),
                ("passages", "passage", "passage", counted["passages"]),
            ):
                batches = reader.texts(number, role)
                targets = numbers.texts(sort, number)
                shards.file(
                    f"training-0/{side}.{code}.arrow",
                    lambda path, batches=batches, targets=targets, count=count: {  # type: ignore[misc]
                        "rows": write_batches(path, arranged(batches, targets, count, scratch, lacking))
                    },
                )
            advance(reader.rows(number))
        held = counted["validation_pairs"]
        for name, count, is_held in (("training-0", counted["pairs"] - held, False), ("validation", held, True)):
            for array in ("query", "passage", "number"):
                file = {"query": "question_queries", "passage": "question_passages", "number": "passage_groups"}[array]
                shards.file(
                    f"{name}/{file}.npy",
                    lambda path, array=array, count=count, is_held=is_held: _write_array(  # type: ignore[misc]
                        path, count, (batch.column(array) for batch in numbers.pair_arrays(is_held))
                    ),
                )
            shards.file(
                f"{name}/question_ids.arrow",
                lambda path, is_held=is_held: {  # type: ignore[misc]
                    "rows": write_batches(path, _of_rows(self._ids(numbers, reader, is_held)))
                },
            )
            if self._columns.negatives:
                for number, code in enumerate(reader.languages):
                    shards.file(
                        f"{name}/negatives.{code}.arrow",
                        lambda path, number=number, count=count, is_held=is_held: _write_negatives(  # type: ignore[misc]
                            path,
                            arranged(
                                reader.negatives(number, numbers, is_held),
                                numbers.negatives_of(number, is_held),
                                count,
                                scratch,
                                _no_negatives(),
                            ),
                        ),
                    )

    def _ids(self, numbers: Numbering, reader: _Parts, held: bool) -> Iterator[Any]:
        """The id of each pair: that of its question, with that of its passage where the question has several; or, where
        there is none, its first language and row.
        """
        import pyarrow as pa
        import pyarrow.compute as compute

        roles = [role for role in ("id", "passage_id") if role in self._columns.names]
        cursors = {role: _Cursor(reader.all_texts(role)) for role in roles}
        names = pa.array(reader.languages, pa.large_string())
        for batch in numbers.pair_arrays(held):
            n = batch.column("n").to_numpy()
            part, at = (pa.array(one).cast(pa.large_string()) for one in (n >> PART, n & ((1 << LANGUAGE) - 1)))
            own = _joined(names.take(pa.array((n >> LANGUAGE) & MOST_LANGUAGES)), part, at)
            if "id" not in cursors:
                yield own
                continue
            ids = cursors["id"].take(n)
            suffix = cursors["passage_id"].take(n) if "passage_id" in cursors else own
            yield compute.if_else(batch.column("several"), _joined(ids, suffix), ids)


class _Parts:
    """Texts of parts, read in the order of their rows' numbers."""

    def __init__(self, folder: Path, languages: tuple[str, ...], parts: Sequence[Mapping[str, Any]]) -> None:
        self._folder, self.languages, self._parts = folder, languages, parts

    def rows(self, language: int) -> int:
        """The rows of a language."""
        return sum(int(one["languages"].get(self.languages[language], 0)) for one in self._parts)

    def texts(self, language: int, role: str) -> Iterator[tuple[int, Any]]:
        """The number of its first row, and a batch of `text`: of one language."""
        for part in range(len(self._parts)):
            yield from self._of_part(part, language, role)

    def all_texts(self, role: str) -> Iterator[tuple[int, Any]]:
        """As `texts`, of all languages."""
        for part in range(len(self._parts)):
            for language in range(len(self.languages)):
                yield from self._of_part(part, language, role)

    def negatives(self, language: int, numbers: Numbering, held: bool) -> Iterator[tuple[int, Any]]:
        """As `texts`, batches of `text` and `group`, lists of one length. `held`: with passages of held-out pairs."""
        import pyarrow as pa

        for part in range(len(self._parts)):
            groups = _Rows(numbers.negative_groups(part, language))
            for first, batch in self._of_part(part, language, "negatives"):
                lists = batch.column(0)
                bounds = lists.offsets.to_numpy() - lists.offsets[0].as_py()
                found = groups.take(int(bounds[-1]))
                used = np.ones(len(found), bool) if held else ~found.column("held").to_numpy()
                ends = pa.array(np.concatenate([[0], np.cumsum(used)])[bounds], pa.int64())
                columns = [one.filter(pa.array(used)) for one in (lists.flatten(), found.column("g").combine_chunks())]
                arrays = [pa.LargeListArray.from_arrays(ends, one) for one in columns]
                yield first, pa.record_batch(arrays, names=["text", "group"])

    def _of_part(self, part: int, language: int, role: str) -> Iterator[tuple[int, Any]]:
        import pyarrow as pa

        code = self.languages[language]
        if code not in self._parts[part]["languages"]:
            return
        n = part << PART | language << LANGUAGE
        with pa.OSFile(str(self._folder / _part(part) / f"{code}.{role}.arrow")) as file:
            with pa.ipc.open_file(file) as reader:
                for number in range(reader.num_record_batches):
                    batch = reader.get_batch(number)
                    yield n, batch
                    n += len(batch)


class _Cursor:
    """Texts by ascending numbers of rows."""

    def __init__(self, batches: Iterator[tuple[int, Any]]) -> None:
        self._batches = batches
        self._first, self._batch = next(batches)

    def take(self, wanted: np.ndarray[Any, Any]) -> Any:
        import pyarrow as pa

        found, start = [], 0
        while True:
            end = start + int(np.searchsorted(wanted[start:], self._first + len(self._batch)))
            found.append(self._batch.column(0).take(pa.array(wanted[start:end] - self._first)))
            start = end
            if start == len(wanted):
                return pa.concat_arrays(found)
            self._first, self._batch = next(self._batches)


class _Rows:
    """A stream of record batches, read a few rows at a time."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._left: list[Any] = []

    def take(self, count: int) -> Any:
        """A table of the next `count` rows."""
        import pyarrow as pa

        while not self._left or sum(map(len, self._left)) < count:
            self._left.append(next(self._batches))
        whole = pa.Table.from_batches(self._left)
        self._left = whole[count:].to_batches() or [self._left[-1][:0]]
        return whole[:count]


def _joined(*parts: Any) -> Any:
    """[n] texts: those of all parts, with hyphens between."""
    import pyarrow as pa
    import pyarrow.compute as compute

    return compute.binary_join_element_wise(*parts, pa.scalar("-", pa.large_string()))


def _part(number: int) -> str:
    return f"{number:05d}"


def _of_rows(arrays: Iterator[Any]) -> Iterator[Any]:
    """Record batches of `ROWS` rows, the last one shorter, of arrays of any length."""
    import pyarrow as pa

    kept: list[Any] = []
    for array in arrays:
        kept.append(array)
        if sum(map(len, kept)) >= ROWS:
            whole = pa.concat_arrays(kept)
            end = len(whole) - len(whole) % ROWS
            for start in range(0, end, ROWS):
                yield pa.record_batch([whole[start : start + ROWS]], names=["text"])
            kept = [whole[end:]]
    if kept and (whole := pa.concat_arrays(kept)):
        yield pa.record_batch([whole], names=["text"])


def _write_array(path: Path, count: int, columns: Iterator[Any]) -> dict[str, int]:
    """A .npy file of `count` int64 numbers that come in parts."""
    with open(path, "wb") as file:
        header = {"descr": "<i8", "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        for column in columns:
            file.write(column.to_numpy().astype("<i8").tobytes())
    return {"rows": count}


def _no_negatives() -> Any:
    import pyarrow as pa

    lists = [pa.array([[]], pa.large_list(kind)) for kind in (pa.large_string(), pa.int64())]
    return pa.record_batch(lists, names=["text", "group"])


def _write_negatives(path: Path, batches: Iterator[Any]) -> dict[str, int]:
    import pyarrow as pa

    count = 0
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, _no_negatives().schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += len(batch)
    return {"rows": count}
