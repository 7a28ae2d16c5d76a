"""JSON-lines and parquet files of any size as memory-mapped tables.

A corpus is converted once to Arrow in the cache folder; from then on rows are read from disk on request. Errors in a
file are reported with their line.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import cache_folder, file_crc32, hash_json, set_aside, umask
from hybridret.data.parsing import Required, file_tables
from hybridret.data.texthash import TextHash

VERSION = 1  # version of the conversion: raise it when the same files would give another table
TABLE, ABOUT = "table.arrow", "about.json"
PROBES, PROBE = 16, 1 << 16  # number of probes of a file for its cache key, and bytes of each
BATCH = 1 << 14  # rows read at a time
WHAT = "the description of a prepared table"
_log = logging.getLogger(__name__)


def read_table(files: Sequence[Path], columns: Mapping[str, Required], what: str) -> Any:
    """A memory-mapped `datasets.Dataset` with exactly the string `columns`, rows in the order of `files`.

    files: JSON lines (.jsonl, .json, plain or .gz) or .parquet.
    columns: name -> whether a row must have the field, or the name of a field that replaces it, such as the title of a
    passage without text. In optional fields, absent and null become "".
    what: the content of the files, for messages, such as "the corpus of scifact".

    Whole numbers become text (counted by `numbers_read`), and texts of white space only become "". The table is kept in
    the cache folder under a hash of the names, sizes, times and probes of the files; an incomplete table is never used.

    Raises UserError naming file and line for broken JSON, a missing or wrong field, a truncated archive; for an empty
    file; and when the cache cannot be written.
    """
    files = [Path(file) for file in files]
    if not files:
        raise ValueError("no files")
    key = hash_json(
        [VERSION, [file_probe(file, what) for file in files], {name: bool(needed) for name, needed in columns.items()}],
        24,
    )
    folder = cache_folder() / "tables" / key
    if not _is_whole(folder):
        try:
            set_aside(folder)
            _convert(files, columns, what, folder)
        except OSError as error:
            raise UserError(
                f"Cannot write {folder}: {error.strerror or error}. Free some space, or set HYBRIDRET_CACHE to a "
                f"folder with room for {what}."
            ) from error
    return _opened(folder)


def table_fingerprint(dataset: Any) -> str:
    """A hash of all column names and texts of a table: it does not depend on the files, their packing or the machine.

    For tables of `read_table` the conversion has stored it; other tables are read once.
    """
    about = _about(dataset)
    if about is not None:
        return str(about["fingerprint"])
    table_hash = TextHash(dataset.column_names)
    arrow = dataset.with_format("arrow")
    for start in range(0, len(dataset), BATCH):
        table_hash.update(arrow[start : start + BATCH])
    return table_hash.hexdigest()


def numbers_read(dataset: Any) -> int:
    """How many values in a table of `read_table` were numbers in the files and became text."""
    about = _about(dataset)
    return int(about["numbers"]) if about is not None else 0


def _convert(files: Sequence[Path], columns: Mapping[str, Required], what: str, folder: Path) -> None:
    """Write the table under a temporary name and move it when complete; of several processes the first one wins."""
    import pyarrow as pa

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        schema = pa.schema([(name, pa.string()) for name in columns])
        rows = numbers = 0
        table_hash = TextHash(list(columns))
        with pa.OSFile(str(temporary / TABLE), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for file in files:
                before = rows
                for table, converted in file_tables(file, columns):
                    writer.write_table(table)
                    table_hash.update(table)
                    rows, numbers = rows + table.num_rows, numbers + converted
                if rows == before:
                    raise UserError(f"{file} is empty, so {what} is not whole. Fetch the file again.")
        write_sealed(
            temporary / ABOUT,
            {
                "what": what,
                "files": [str(file) for file in files],
                "columns": list(columns),
                "rows": rows,
                "numbers": numbers,
                "fingerprint": table_hash.hexdigest(),
                "crc32": file_crc32(temporary / TABLE),
            },
        )
        temporary.chmod(0o777 & ~umask())  # mkdtemp makes 0700: colleagues on a cluster must be able to read
        try:
            temporary.rename(folder)
        except OSError:
            if not (folder / ABOUT).is_file():  # if it exists, another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    """Whether there is an undamaged table. Every byte is read: 1 s for a few GB. Tables of earlier versions, which have
    no checksum, are not checked.
    """
    if not (folder / ABOUT).is_file():
        return False
    try:
        about = read_sealed(folder / ABOUT, WHAT)
        whole = "crc32" not in about or file_crc32(folder / TABLE) == about["crc32"]
    except (UserError, OSError):
        whole = False
    if not whole:
        _log.warning("%s is damaged and is made again.", folder)
    return whole


def _opened(folder: Path) -> Any:
    from datasets import Dataset
    from pyarrow import ArrowInvalid

    about = read_sealed(folder / ABOUT, WHAT)
    try:
        dataset = Dataset.from_file(str(folder / TABLE))
    except (OSError, ArrowInvalid) as error:
        raise UserError(f"{folder} is damaged ({error}). Delete it and run again.") from error
    if len(dataset) != about["rows"]:
        raise UserError(f"{folder} has {len(dataset)} of {about['rows']} rows. Delete it and run again.")
    return dataset


def _about(dataset: Any) -> dict[str, Any] | None:
    """The record that the conversion wrote about a table; None unless `dataset` is a whole table of `read_table`."""
    files = [Path(file["filename"]) for file in dataset.cache_files]
    if len(files) != 1 or dataset._indices is not None or not (files[0].parent / ABOUT).is_file():
        return None
    about = read_sealed(files[0].parent / ABOUT, WHAT)
    whole = files[0].name == TABLE and len(dataset) == about["rows"] and dataset.column_names == about["columns"]
    return about if whole else None


def file_probe(file: Path, what: str) -> list[Any]:
    """Name, size, time and a hash of spaced probes of a file: cheap for files of any size.

    Raises UserError for a file that is empty or cannot be read; `what` is its content, for the message.
    """
    try:
        state = file.stat()
        digest = hashlib.sha256()
        with open(file, "rb") as stream:
            for number in range(PROBES):
                stream.seek(max(0, state.st_size - PROBE) * number // (PROBES - 1))
                digest.update(stream.read(PROBE))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror or error}); it holds {what}.") from error
    if not state.st_size:
        raise UserError(f"{file} is empty, so {what} is not whole. Fetch the file again.")
    return [file.name, state.st_size, state.st_mtime_ns, digest.hexdigest()]
