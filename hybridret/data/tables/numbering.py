"""Numbers of questions, passages and passage groups from the hashes of rows, sorted and joined on disk.

DuckDB does it in `MEMORY` and a file, whatever the number of rows; what does not fit it keeps in that file. A row
is its number `n`: part, language and position in one integer, so the order of `n` is that of the files.

- A question is what has one `q`. A pair is a question where it has one passage in each language, and a question with
  one passage where it has several. The languages of a pair are parallel.
- A passage group is a connected part of the graph of questions and passages, where passages of one text are one.
- A pair has a number; its query and its passage have rows of text files that all languages share, so two pairs have one
  row only where they have the same text in the same languages.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.data.lines import Advance, no_progress
from hybridret.data.tables.parts import HASHES, NEGATIVES

MEMORY = "256MB"  # DuckDB asks for at least 125 MB a thread
FLUSH = "1MB"  # memory that was freed goes back to the system in such portions, by default 128 MB and more
READ = 1 << 16  # rows that are fetched at a time
WRITTEN = 1 << 18  # rows that are inserted before the database is opened again
PART, LANGUAGE = 48, 40  # bits below the numbers of part and language in `n`
MOST_PARTS, MOST_LANGUAGES = 1 << 15, (1 << 8) - 1
TABLES = 11  # that `build` makes
TITLES = {"q": ("question id", "id"), "p": ("passage id", "passage_id")}


def hashes_size(folder: Path) -> int:
    """Bytes of the hashes of a part, which `Numbering.add` reads."""
    return sum((folder / name).stat().st_size for name in (HASHES, NEGATIVES) if (folder / name).is_file())


class Numbering:
    """The database of one preparation, in the new file `path`. A context manager; the file is deleted at its end.

    OSError where the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._streams = 0  # that are read now
        self._made: Advance = no_progress  # after each of the `TABLES`

    def __enter__(self) -> Numbering:
        self._delete()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._open()
        self._run("CREATE TABLE rows (n BIGINT, line BIGINT, l UTINYINT, q UBIGINT, p UBIGINT, qt UBIGINT, pt UBIGINT)")
        self._run("CREATE TABLE negatives (n BIGINT, k BIGINT, pt UBIGINT)")
        return self

    def _open(self) -> None:
        import duckdb

        try:
            self._connection = duckdb.connect(str(self._path))
        except duckdb.IOException as error:
            raise OSError(str(error).splitlines()[0]) from error
        self._run(f"SET memory_limit='{MEMORY}'; SET threads=1; SET enable_progress_bar=false")
        self._run(f"SET allocator_flush_threshold='{FLUSH}'; SET allocator_bulk_deallocation_flush_threshold='{FLUSH}'")
        self._run(f"SET temp_directory='{str(self._path).replace(chr(39), chr(39) * 2)}.tmp'")

    def _reopen(self) -> None:
        """Close the database and open it again: what DuckDB holds beside its limit (parts of what was freed, and what
        it knows of its tables) grows with the rows, and goes back to the system only then.
        """
        self._connection.close()
        self._open()

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._delete()

    def _delete(self) -> None:
        shutil.rmtree(f"{self._path}.tmp", ignore_errors=True)
        for path in (self._path, self._path.with_name(f"{self._path.name}.wal")):
            path.unlink(missing_ok=True)

    def add(self, part: int, folder: Path, numbers: list[int], advance: Advance = no_progress) -> None:
        """The rows of a part. `numbers` [l]: of each language of the part, that in the whole source. `advance`
        gets how many more of the bytes of `hashes_size` are in the database.
        """
        import pyarrow as pa

        known = np.array(numbers or [0], dtype=np.int64)
        for name in (HASHES, NEGATIVES):
            if not (folder / name).is_file():
                continue
            with pa.OSFile(str(folder / name)) as file, pa.ipc.open_file(file) as reader:
                self._run("BEGIN")
                k = written = passed = 0
                size = (folder / name).stat().st_size
                for number in range(reader.num_record_batches):
                    batch = reader.get_batch(number)
                    language = known[batch.column("language").to_numpy()]
                    n = np.int64(part) << PART | language << LANGUAGE | batch.column("at").to_numpy()
                    if name == HASHES:
                        columns = {"n": n, "line": batch.column("row"), "l": language.astype(np.uint8)}
                        columns |= {one: batch.column(one) for one in ("q", "p", "qt", "pt")}
                    else:
                        columns = {"n": n, "k": np.arange(k, k + len(n)), "pt": batch.column("pt")}
                        k += len(n)
                    self._insert("rows" if name == HASHES else "negatives", pa.table(columns))
                    written += len(n)
                    reached = size * (number + 1) // reader.num_record_batches
                    advance(reached - passed)
                    passed = reached
                    if written >= WRITTEN:
                        self._run("COMMIT")
                        self._reopen()
                        self._run("BEGIN")
                        written = 0
                self._run("COMMIT")
            self._reopen()

    def conflict(self, side: str) -> tuple[int, int, int, int] | None:
        """Two rows, each part and line, in which one id ("q" or "p") of a language has two texts; None if all agree."""
        self._reopen()
        found = self._fetch(
            f"SELECT l, {side} FROM rows GROUP BY l, {side} HAVING min({side}t) <> max({side}t) ORDER BY min(n) LIMIT 1"
        )
        if not found:
            return None
        rows = self._fetch(
            f"SELECT {side}t, min(n), arg_min(line, n) FROM rows WHERE l = {found[0][0]} AND {side} = {found[0][1]} "
            f"GROUP BY {side}t ORDER BY min(n) LIMIT 2"
        )
        (_, first, line), (_, second, other) = rows
        return first >> PART, line, second >> PART, other

    def build(self, held_out: int, passage_ids: bool, advance: Advance = no_progress) -> None:
        """Make the tables that the other methods read. `passage_ids`: whether passages of one text may differ in `p`.
        `advance` gets 1 for each of `TABLES`, which take about equally long.

        Raises UserError where nothing is left to train on.
        """
        self._reopen()
        self._made = advance
        self._make("CREATE TABLE cells AS SELECT l, q, p, min(n) AS n, min(pt) AS pt FROM rows GROUP BY l, q, p")
        self._make(
            "CREATE TABLE several AS SELECT DISTINCT q FROM (SELECT q FROM cells GROUP BY l, q HAVING count(*) > 1)"
        )
        self._make(
            "CREATE TABLE keyed AS SELECT c.l, c.q, c.p, c.n, CASE WHEN s.q IS NULL THEN 0 ELSE c.p END AS k "
            "FROM cells c LEFT JOIN several s ON c.q = s.q"
        )
        self._groups(["p", "pt"] if passage_ids else ["p"])
        self._make(  # hash(0) is 0, and without the outer hash of two equal ids would cancel out
            "CREATE TABLE raw AS SELECT q, k, min(n) AS n, count(*) AS languages, "
            "hash(q, bit_xor(hash(l + 1))) AS asked, bit_xor(hash(hash(l + 1, p))) AS answered FROM keyed GROUP BY q, k"
        )
        for side in ("asked", "answered"):
            self._make(
                f"CREATE TABLE {side}_rows AS SELECT {side}, row_number() OVER (ORDER BY min(n)) - 1 AS r FROM raw "
                f"GROUP BY {side}"
            )
        self._make(
            "CREATE TABLE roots AS SELECT g, row_number() OVER (ORDER BY min(n)) - 1 AS number, count(*) AS pairs FROM "
            "(SELECT coalesce(e.v, raw.q) AS g, raw.n FROM raw LEFT JOIN stars e ON e.u = raw.q) GROUP BY g"
        )
        self._hold_out(held_out)
        self._make(
            "CREATE TABLE pairs AS SELECT raw.q, raw.k, raw.n, raw.languages, a.r AS query, b.r AS passage, "
            "g.number AS number, h.g IS NOT NULL AS held, row_number() OVER (PARTITION BY h.g IS NOT NULL ORDER BY n) "
            "- 1 AS u FROM raw JOIN asked_rows a USING (asked) JOIN answered_rows b USING (answered) "
            "LEFT JOIN stars e ON e.u = raw.q JOIN roots g ON g.g = coalesce(e.v, raw.q) LEFT JOIN held h ON h.g = g.g"
        )
        self._make(
            "CREATE TABLE targets AS SELECT c.l, c.n, p.query, p.passage, p.held, p.u, p.number FROM keyed c "
            "JOIN pairs p ON c.q = p.q AND c.k = p.k"
        )
        self._make(  # of those that are negatives
            "CREATE TABLE passage_texts AS SELECT c.pt, min(t.number) AS number, bool_or(t.held) AS held FROM "
            "targets t JOIN cells c ON c.n = t.n WHERE c.pt IN (SELECT pt FROM negatives) GROUP BY c.pt"
        )

    def counts(self) -> dict[str, int]:
        """Of rows, pairs, questions, passages, groups."""
        names = {
            "rows": "SELECT count(*) FROM rows",
            "repeated_rows": "SELECT (SELECT count(*) FROM rows) - (SELECT count(*) FROM cells)",
            "pairs": "SELECT count(*) FROM pairs",
            "queries": "SELECT count(*) FROM asked_rows",
            "passages": "SELECT count(*) FROM answered_rows",
            "groups": "SELECT count(*) FROM roots",
            "largest_group": "SELECT max(pairs) FROM roots",
            "validation_pairs": "SELECT count(*) FROM pairs WHERE held",
            "questions_with_several_passages": "SELECT count(*) FROM several",
            "negatives_of_repeated_rows": "SELECT count(*) FROM negatives x ANTI JOIN targets t ON t.n = x.n",
            "dropped_negatives": (
                "SELECT count(*) FROM negatives x JOIN targets t ON t.n = x.n JOIN passage_texts h ON h.pt = x.pt "
                "WHERE NOT t.held AND h.held"
            ),
        }
        return {name: int(self._fetch(sql)[0][0]) for name, sql in names.items()}

    def pairs_of(self, languages: int) -> tuple[list[int], int]:
        """[L]: the pairs that exist in each language, and those that exist in all."""
        found = dict(self._fetch("SELECT l, count(*) FROM targets GROUP BY l"))
        (whole,) = self._fetch(f"SELECT count(*) FROM pairs WHERE languages = {languages}")[0]
        return [int(found.get(number, 0)) for number in range(languages)], int(whole)

    def texts(self, side: str, language: int) -> Iterator[Any]:
        """Batches of `n`, ascending, and `r`: which text of a language belongs to which row of `side`, query or
        passage.
        """
        return self._stream(
            f"SELECT min(n) AS n, {side} AS r FROM targets WHERE l = {language} GROUP BY {side} ORDER BY 1"
        )

    def pair_arrays(self, held: bool) -> Iterator[Any]:
        """Batches of `query`, `passage`, `number` (of the group), `n` and `several`, in the order of the pairs."""
        return self._stream(
            f"SELECT query, passage, number, n, k <> 0 AS several FROM pairs WHERE held = {held} ORDER BY u"
        )

    def negatives_of(self, language: int, held: bool) -> Iterator[Any]:
        """Batches of `n`, ascending, and `r`: whose negatives belong to which pair."""
        return self._stream(f"SELECT n, u AS r FROM targets WHERE l = {language} AND held = {held} ORDER BY n")

    def negative_groups(self, part: int, language: int) -> Iterator[Any]:
        """Batches of `g` and `held`: the passage group of each negative of a part and a language in their order, -1 for
        a text that is no passage, and whether it is the passage of a pair that is held out.
        """
        first = part << PART | language << LANGUAGE
        return self._stream(
            "SELECT coalesce(t.number, -1) AS g, coalesce(t.held, false) AS held FROM negatives x "
            "LEFT JOIN passage_texts t ON t.pt = x.pt "
            f"WHERE x.n >= {first} AND x.n < {first + (1 << LANGUAGE)} ORDER BY x.n, x.k"
        )

    def _groups(self, shared: list[str]) -> None:
        """The table `stars` (u, v): v is the smallest question of the group of u, where it is another one.

        shared: the columns of `cells` whose equal values link questions.

        Alternating large and small stars (Kiveris et al. 2014, https://doi.org/10.1145/2670979.2670997): every round
        is a few sorted joins on disk, and a chain of n needs about log n rounds. Where no question has passages of two
        groups, the first table is the answer.
        """
        links = (
            f"SELECT c.q AS u, m.v AS v FROM cells c JOIN (SELECT {one}, min(q) AS v FROM cells GROUP BY {one}) m "
            f"ON m.{one} = c.{one} WHERE c.q <> m.v"
            for one in shared
        )
        self._make(f"CREATE TABLE stars AS SELECT DISTINCT u, v FROM ({' UNION ALL '.join(links)})")
        while self._fetch(
            "SELECT 1 WHERE EXISTS (SELECT u FROM stars GROUP BY u HAVING count(*) > 1) OR EXISTS "
            "(SELECT 1 FROM stars a JOIN stars b ON a.v = b.u)"
        ):
            self._change("CREATE TABLE both_ways AS SELECT u, v FROM stars UNION ALL SELECT v, u FROM stars")
            self._change(
                "CREATE OR REPLACE TABLE stars AS SELECT DISTINCT b.v AS u, m.v AS v FROM both_ways b JOIN (SELECT u, "
                "least(u, min(v)) AS v FROM both_ways GROUP BY u) m ON m.u = b.u WHERE b.v > b.u AND b.v <> m.v"
            )
            self._run("DROP TABLE both_ways")
            self._change("CREATE TABLE least_of AS SELECT u, min(v) AS v FROM stars GROUP BY u")
            self._change(
                "CREATE OR REPLACE TABLE stars AS SELECT u, v FROM least_of UNION SELECT s.v, m.v FROM stars s "
                "JOIN least_of m ON m.u = s.u WHERE s.v <> m.v"
            )
            self._run("DROP TABLE least_of")

    def _hold_out(self, wanted: int) -> None:
        """The table `held`: the first groups that hold `wanted` pairs, ordered by a hash of their smallest question;
        groups that are larger come last.
        """
        import pyarrow as pa

        chosen: list[int] = []
        pairs = 0
        for group, count in self._fetch(
            f"SELECT g, pairs FROM roots ORDER BY pairs > {wanted}, sha256(g::VARCHAR), g LIMIT {wanted}"
        ):
            chosen.append(group)
            pairs += count
            if pairs >= wanted:
                break
        (total,) = self._fetch("SELECT count(*) FROM raw")[0]
        if pairs >= total:
            raise UserError(
                f"data.validation_questions={wanted}: there are only {total} pairs, in {len(chosen)} groups that share "
                f"a question or a passage, and nothing would be left to train on. Lower it."
            )
        self._run("CREATE TABLE held (g UBIGINT)")
        self._insert("held", pa.table({"g": pa.array(chosen, pa.uint64())}))

    def _make(self, sql: str) -> None:
        """Run a statement that makes one of the `TABLES`."""
        self._change(sql)
        self._made(1)

    def _change(self, sql: str) -> None:
        """Run a statement that makes a table, or makes it anew."""
        self._run(sql)
        self._reopen()

    def _run(self, sql: str) -> None:
        import duckdb

        try:
            self._connection.execute(sql)
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:  # the second: no room left for its files
            raise OSError(str(error).splitlines()[0]) from error

    def _insert(self, name: str, table: Any) -> None:
        self._connection.register("batch", table)
        try:
            self._run(f"INSERT INTO {name} SELECT * FROM batch")
        finally:
            self._connection.unregister("batch")

    def _fetch(self, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        try:
            return self._connection.execute(sql).fetchall()
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise OSError(str(error).splitlines()[0]) from error

    def _stream(self, sql: str) -> Iterator[Any]:
        import duckdb

        if not self._streams:
            self._reopen()
        self._streams += 1
        try:
            with self._connection.cursor() as cursor:
                yield from cursor.sql(sql).to_arrow_reader(READ)
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise OSError(str(error).splitlines()[0]) from error
        finally:
            self._streams -= 1
