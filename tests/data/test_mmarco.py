"""mMARCO from a folder with the layout of the published files, small and made by hand."""

from __future__ import annotations

import errno
import fnmatch
import gzip
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base import files
from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.batching.cross import Cross
from hybridret.data import lines, mmarco
from hybridret.data.id_lines import chosen_texts
from hybridret.data.judged_pairs import judged_pairs, read_id_pairs
from hybridret.data.mmarco import NAMES, TRIPLES, Mmarco
from hybridret.data.prepared.folder import ABOUT
from hybridret.data.prepared.shards import JOURNAL
from hybridret.data.prepared.source import PreparedSource

LANGUAGES = ("en", "de", "zh")
QUERIES = 40


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


def write_folder(folder: Path, languages: tuple[str, ...] = LANGUAGES) -> Path:
    """40 training queries with ids 1000, 1003, ...; 200 passages, whose ids are their line numbers; query 0 has two
    relevant passages, and passage 7 answers queries 3 and 4. Triples repeat a pair for each of its negatives.
    """
    for language in languages:
        collection = folder / "data/google/collections" / f"{NAMES[language]}_collection.tsv"
        queries = folder / "data/google/queries/train" / f"{NAMES[language]}_queries.train.tsv"
        collection.parent.mkdir(parents=True, exist_ok=True)
        queries.parent.mkdir(parents=True, exist_ok=True)
        passages = [f'{number}\t"{language} passage {number}\u2028 with \x85 and "quotes"\n' for number in range(200)]
        collection.write_bytes("".join(passages).encode())
        rows_of = [f"{1000 + 3 * number}\t{language} query {number}?\n" for number in range(QUERIES + 5)]
        queries.write_bytes("".join(reversed(rows_of)).encode())  # in no order
    (folder / TRIPLES).write_bytes("".join(f"{q}\t{p}\t{n}\n" for q, p in pairs() for n in (180, 190)).encode())
    return folder


def pairs() -> list[tuple[int, int]]:
    found = [(1000 + 3 * number, 2 * number + 1) for number in range(QUERIES)]
    return [*found, (1000, 150), (1012, 7)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "mmarco")


def prepared(folder: Path, **options: Any) -> PreparedSource:
    return PreparedSource(Mmarco(str(folder), list(LANGUAGES), **{"validation_questions": 6, **options}))


def rows(source: PreparedSource) -> set[tuple[str, str, str, str]]:
    """Part, language, query and passage of every pair."""
    found = set()
    for part, data in [("training", source.training()[0]), ("validation", source.validation())]:
        for language in data.languages:
            found |= {
                (part, language, str(q), str(p))
                for q, p in zip(data.queries[language], data.passages[language], strict=True)
            }
    return found


def test_every_pair_has_its_texts_in_all_languages(folder: Path) -> None:
    found = rows(prepared(folder))
    expected = {
        (
            language,
            f"{language} query {(q - 1000) // 3}?",
            f'"{language} passage {p}\u2028 with \x85 and "quotes"',
        )
        for q, p in pairs()
        for language in LANGUAGES
    }
    assert {one[1:] for one in found} == expected
    assert {one[0] for one in found} == {"training", "validation"}
    assert len(found) == len(expected)  # no pair in both parts


def test_what_shares_a_query_or_a_passage_is_one_group(folder: Path) -> None:
    source = prepared(folder)
    for data in (*source.training(), source.validation()):
        group = dict(zip(data.question_ids, data.passage_groups.tolist(), strict=True))
        of_query: dict[str, set[int]] = {}
        of_passage: dict[str, set[int]] = {}
        for name, number in group.items():
            query, passage = str(name).split("-")
            of_query.setdefault(query, set()).add(number)
            of_passage.setdefault(passage, set()).add(number)
        assert all(len(one) == 1 for one in (*of_query.values(), *of_passage.values()))
    held = {str(name).split("-")[0] for name in source.validation().question_ids}
    kept = {str(name).split("-")[0] for name in source.training()[0].question_ids}
    assert not held & kept


def test_cross_batches_pair_translations(folder: Path) -> None:
    data = prepared(folder).training()
    batch = Cross().schedule(data, 8)(1, 0)
    for question, asked, answered in zip(batch.questions, batch.query_languages, batch.passage_languages, strict=True):
        query = data[0].queries[data[0].languages[asked]][int(question)]
        passage = data[0].passages[data[0].languages[answered]][int(question)]
        number = int(str(query).split()[2].rstrip("?"))
        assert (1000 + 3 * number, int(str(passage).split()[2].split("\u2028")[0])) in pairs()


def test_the_held_out_part_does_not_depend_on_languages_or_order(folder: Path, tmp_path: Path) -> None:
    fewer = PreparedSource(Mmarco(str(folder), ["de"], 6)).validation()
    assert list(fewer.question_ids) == list(prepared(folder).validation().question_ids)


def test_packed_files_give_the_same(folder: Path, tmp_path: Path) -> None:
    plain = rows(prepared(folder))
    fingerprint = prepared(folder).fingerprint()
    for file in [*folder.rglob("*_collection.tsv")]:
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert rows(prepared(folder)) == plain
    assert prepared(folder).fingerprint() == fingerprint


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("german_collection.tsv", lambda raw: raw.replace(b"\n7\t", b"\n7 "), r"german_collection.tsv, line 8: no tab"),
        ("german_collection.tsv", lambda raw: raw.replace(b"\n9\t", b"\n7\t"), r"line 10: id 7 stands there twice"),
        ("german_collection.tsv", lambda raw: raw.replace(b"\n9\tx", b"\nx\t").replace(b"\n9\t", b"\nnine\t"),
         r"line 10: the id 'nine' is no whole number"),
        ("english_queries.train.tsv", lambda raw: raw.replace(b"query 3?", b"\xff\xfe"), "not UTF-8"),
        ("english_queries.train.tsv", lambda raw: raw.replace(b"100", b"900"), r"queries that the pairs of .* missing"),
        ("chinese_collection.tsv", lambda raw: b"".join(raw.splitlines(keepends=True)[:20]), r"passages .* missing"),
        ("triples.train.ids.small.tsv", lambda raw: raw.replace(b"1003\t3\t180", b"1003\t3"), "3 whole numbers"),
        ("triples.train.ids.small.tsv", lambda raw: raw.replace(b"1003\t3\t180", b"1003\tx\t180"), "3 whole numbers"),
        ("triples.train.ids.small.tsv", lambda raw: b"", "empty"),
        ("triples.train.ids.small.tsv", lambda raw: raw.replace(b"1003\t3\t180", b"1003\t\t180"), "3 whole numbers"),
        ("triples.train.ids.small.tsv", lambda raw: raw.replace(b"1003\t3\t180", b"NA\t3\t180"), "3 whole numbers"),
        ("triples.train.ids.small.tsv", lambda raw: raw.replace(b"1003\t3\t180", b"1003\t-3\t180"), "-3 is negative"),
        ("triples.train.ids.small.tsv", lambda raw: raw.decode().encode("utf-16"), "3 whole numbers"),
        ("german_collection.tsv", lambda raw: raw.decode().encode("utf-16"), r"line 1: the id '.*' is no whole number"),
        ("german_collection.tsv", lambda raw: raw.replace(b"\n9\t", b"\n%s\t" % (b"9" * 5000)), r"line 10: the id '9"),
        ("german_collection.tsv", lambda raw: raw.replace(b"passage 3\xe2", b"\xe9 3\xe2"), r"line 4: not UTF-8"),
    ],
)  # fmt: skip
def test_malformed_files_are_errors_that_name_them(folder: Path, file: str, change: Any, message: str) -> None:
    (path,) = folder.rglob(file)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match=message):
        prepared(folder).training()


def test_an_archive_that_is_cut_short(folder: Path) -> None:
    (path,) = folder.rglob("english_collection.tsv")
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes())[:-20])
    path.unlink()
    with pytest.raises(UserError, match=r"english_collection\.tsv\.gz, after line .* truncated"):
        prepared(folder).training()


def test_triples_that_are_cut_short(folder: Path) -> None:
    path = folder / TRIPLES
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes())[:-9])
    path.unlink()
    with pytest.raises(UserError, match=r"triples\.train\.ids\.small\.tsv\.gz: expected .*Truncated"):
        prepared(folder).training()


def test_marks_and_line_ends_of_editors_change_nothing(folder: Path) -> None:
    """A byte order mark and CRLF; U+2028 and U+0085 stay inside the texts."""
    plain, fingerprint = rows(prepared(folder)), prepared(folder).fingerprint()
    for file in folder.rglob("*.tsv"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert rows(prepared(folder)) == plain
    assert prepared(folder).fingerprint() == fingerprint


Full = Callable[[pytest.MonkeyPatch], None]


def full_texts(patch: pytest.MonkeyPatch) -> None:
    real, calls = mmarco.write_texts, iter(range(9))

    def write(path: Path, texts: Any, advance: Any) -> int:
        if next(calls) == 2:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, texts, advance)

    patch.setattr(mmarco, "write_texts", write)


def full_at(name: str) -> Full:
    """The disk is full when the file `name` of JSON is written."""

    def change(patch: pytest.MonkeyPatch) -> None:
        real, written = files.write_text, iter(range(99))

        def write(path: Path, text: str) -> None:
            if path.name == name and (name != JOURNAL or next(written) == 3):
                with files.atomic_path(path):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(path, text)

        patch.setattr(files, "write_text", write)

    return change


@pytest.mark.parametrize(("full", "kept"), [(full_texts, 2), (full_at(JOURNAL), 3), (full_at(ABOUT), 6)])
def test_a_full_disk_keeps_what_is_written_whole(
    folder: Path, full: Full, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One paragraph that names the cache; with room the same command reads only the files that were not whole."""
    first = PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6))
    with monkeypatch.context() as patch:
        full(patch)
        with pytest.raises(UserError, match=r"^Cannot write the prepared copy of mmarco, .*HYBRIDRET_CACHE") as caught:
            first.training()
    assert "No space left on device" in str(caught.value)
    assert "output=FOLDER" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not first.is_prepared()
    again = Killed("nothing")
    source = PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6), again)
    assert rows(source) == rows(PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6)))
    assert len([one for one in again.read if one.endswith(".tsv")]) == 6 - kept
    assert not (source.path / JOURNAL).exists()


def test_what_a_kill_left_half_is_written_again(folder: Path) -> None:
    """A file that is shorter than the journal knows, a journal that is damaged, and a copy without its description."""
    whole = prepared(folder)
    expected = rows(whole)
    for spoil in ("shard", "journal", "copy"):
        shutil.rmtree(whole.path)
        with pytest.raises(KeyboardInterrupt):
            PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6), Killed("chinese_queries.train.tsv")).training()
        part = whole.path.with_suffix(".part")
        file = part / "training-0" / "queries.en.arrow"
        if spoil == "shard":
            file.write_bytes(file.read_bytes()[:-8])
        elif spoil == "journal":
            (part / JOURNAL).write_text("{")
        else:
            part.rename(whole.path)
        again = Killed("nothing")
        assert rows(PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6), again)) == expected
        read = [one for one in again.read if one.endswith(".tsv")]
        assert len(read) == {"shard": 3, "journal": 6, "copy": 6}[spoil]
        assert prepared(folder).fingerprint() == whole.fingerprint()


def test_files_that_change_while_they_are_read(folder: Path) -> None:
    """Half of the pairs would be those of the old file: nothing is kept, and the next preparation is of the new one."""
    (german,) = folder.rglob("german_collection.tsv")

    class Changing(Quiet):
        @contextmanager
        def task(self, description: str, total: int | None) -> Iterator[Any]:
            if description == "read chinese_queries.train.tsv":
                german.write_bytes(german.read_bytes().replace(b"de passage", b"de text"))
            with super().task(description, total) as advance:
                yield advance

    source = PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6), Changing())
    with pytest.raises(UserError, match="The files of mmarco changed while they were read"):
        source.training()
    assert not source.path.exists()
    assert not source.path.with_suffix(".part").exists()
    assert not any("de passage" in passage for *_, passage in rows(prepared(folder)))


def test_missing_files_name_the_command_that_fetches_them(folder: Path) -> None:
    (folder / TRIPLES).unlink()
    (text,) = Mmarco(str(folder), ["en"]).missing()
    assert "hf download unicamp-dl/mmarco --repo-type dataset --revision" in text
    assert TRIPLES in text


def test_the_command_fetches_every_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (text,) = Mmarco(str(tmp_path / "empty"), list(NAMES)).missing()
    patterns = re.findall(r"--include '?([^' ]+)", text)
    assert len(patterns) == 3
    for name in NAMES:
        for side in ("queries", "passages"):
            assert any(fnmatch.fnmatchcase(mmarco._file(name, side), pattern) for pattern in patterns)
    assert any(fnmatch.fnmatchcase(TRIPLES, pattern) for pattern in patterns)


def test_everything_held_out_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match=r"data\.validation_questions=1000.*42 pairs"):
        prepared(folder, validation_questions=1000).training()


class Killed(Quiet):
    """Ends the preparation when the file `name` is to be read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.read: list[str] = []

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Any]:
        if description == f"read {self.name}":
            raise KeyboardInterrupt
        self.read.append(description)
        with super().task(description, total) as advance:
            yield advance


def test_what_was_written_whole_survives_a_kill(folder: Path) -> None:
    whole = prepared(folder, validation_questions=5)
    expected, fingerprint = rows(whole), whole.fingerprint()
    first = Killed("chinese_queries.train.tsv")
    killed = PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6), first)
    with pytest.raises(KeyboardInterrupt):
        killed.training()
    assert (killed.path.with_suffix(".part") / JOURNAL).is_file()
    assert len([one for one in first.read if one.startswith("read")]) == 5  # pairs, and two files of two languages
    second = Killed("nothing")
    again = PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6), second)
    again.training()
    assert [one for one in second.read if one.endswith(".tsv")] == [
        "read chinese_queries.train.tsv",
        "read chinese_collection.tsv",
    ]
    assert {one[1:] for one in rows(again)} == {one[1:] for one in expected}
    assert fingerprint != again.fingerprint()  # another number is held out
    assert not again.path.with_suffix(".part").exists()


def test_the_data_card(folder: Path) -> None:
    """Texts that parts share on disk are counted in the part that uses them; the files are named."""
    source = prepared(folder)
    card = source.card()
    for one, part in zip(card["datasets"], (*source.training(), source.validation()), strict=True):
        passages, queries = ({str(name).split("-")[side] for name in part.question_ids} for side in (1, 0))
        assert one["questions"] == len(part)
        assert one["coverage"] == [[len(part)] * 3] * 3
        for texts in one["texts"].values():
            assert texts["passages"] == texts["passage_characters"]["texts"] == len(passages)
            assert texts["question_characters"]["texts"] == len(queries)
    assert {one["name"] for one in card["files"]} == {
        Path(name).name for name in (mmarco._file(one, side) for one in LANGUAGES for side in ("queries", "passages"))
    } | {Path(TRIPLES).name}


def test_a_pair_that_a_language_lacks_is_not_there(folder: Path) -> None:
    """Up to one percent of the texts may be missing: of such a pair neither half is used in that language."""
    for number in range(200, 400):  # enough that one is less than a percent
        for language in LANGUAGES:
            for file, text in (
                (mmarco._file(language, "passages"), "passage"),
                (mmarco._file(language, "queries"), "query"),
            ):
                with open(folder / file, "a", encoding="utf-8") as stream:
                    stream.write(f"{number + (3000 if text == 'query' else 0)}\t{language} {text} {number}\n")
        with open(folder / TRIPLES, "a", encoding="utf-8") as stream:
            stream.write(f"{number + 3000}\t{number}\t1\n")
    german = folder / mmarco._file("de", "passages")
    german.write_bytes(german.read_bytes().replace(b"\n250\tde passage 250\n", b"\n250\t \n"))
    source = prepared(folder)
    parts = (*source.training(), source.validation())
    (part,) = [one for one in parts if "3250-250" in list(one.question_ids)]
    row = list(part.question_ids).index("3250-250")
    assert part.present[row].tolist() == [True, False, True]
    assert part.present.sum() == 3 * len(part) - 1
    (dataset,) = [one for one in source.card()["datasets"] if one["in_all_languages"] < one["questions"]]
    assert dataset["texts"]["de"]["questions"] == dataset["questions"] - 1
    for step in range(30):
        batch = Cross().schedule(source.training(), 8)(1, step)
        for question, language in zip(batch.questions, batch.passage_languages, strict=True):
            assert source.training()[0].passages[LANGUAGES[language]][int(question)] is not None


class Bytes(Quiet):
    """What each task of reading announced and did."""

    def __init__(self) -> None:
        self.total: dict[str, int | None] = {}
        self.done: dict[str, int] = {}

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Any]:
        self.total[description], self.done[description] = total, 0

        def advance(count: int = 1, note: str = "") -> None:
            self.done[description] += count

        yield advance


@pytest.mark.parametrize("packed", [False, True])
def test_progress_knows_the_time_left(folder: Path, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes of the files on the disk are read, all of them, a few lines at a time."""
    monkeypatch.setattr(lines, "TOGETHER", 256)
    for file in [*folder.rglob("*.tsv")] if packed else []:
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    seen = Bytes()
    PreparedSource(Mmarco(str(folder), list(LANGUAGES), 6), seen).training()
    sizes = {f"read {file.name}": file.stat().st_size for file in folder.rglob("*.tsv*") if "triples" not in file.name}
    assert len(sizes) == 2 * len(LANGUAGES)
    assert {name: seen.total[name] for name in sizes} == sizes
    assert {name: seen.done[name] for name in sizes} == sizes
    (triples,) = folder.rglob("triples*")
    assert seen.total["read the pairs of mMARCO"] == triples.stat().st_size
    assert 0 < seen.done["read the pairs of mMARCO"] <= triples.stat().st_size


def test_texts_come_in_the_order_of_the_ids(tmp_path: Path) -> None:
    """From lines in any order, against a dictionary; the file has other ids, blank texts, and lacks some."""
    random = np.random.default_rng(4)
    ids = random.permutation(500)[:400]
    texts = {int(number): f"tëxt {number}\u2028" if number % 7 else "  " for number in ids}
    file = tmp_path / "a.tsv"
    file.write_bytes("".join(f"{number}\t{text}\n" for number, text in texts.items()).encode())
    wanted = np.flatnonzero(random.random(500) < 0.5)
    found, counts = chosen_texts(file, wanted, lambda count: None, tmp_path)
    expected = [texts.get(number, "").strip() or None for number in wanted.tolist()]
    assert found[:] == expected == list(found)
    assert (found[3:40:5], found[-1], len(found)) == (expected[3:40:5], expected[-1], len(expected))
    absent = sum(number not in texts for number in wanted.tolist())
    empty = sum(number in texts and not texts[number].strip() for number in wanted.tolist())
    assert counts == {"lines": 400, "empty": empty, "absent": absent}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.tsv"]


def test_groups_are_those_of_a_slow_search() -> None:
    random = np.random.default_rng(5)
    ids = np.stack([random.integers(0, 60, 80), random.integers(0, 70, 80)], axis=1)
    made = judged_pairs(ids, 5)
    found = {
        (int(made.queries[q]), int(made.passages[p])): int(g)
        for q, p, g in zip(made.query_rows, made.passage_rows, made.groups, strict=True)
    }
    assert set(found) == {tuple(one) for one in ids.tolist()}
    groups = [{one} for one in found]
    merged = True
    while merged:
        merged = False
        for one in list(groups):
            for other in groups:
                if one is not other and any(a[0] == b[0] or a[1] == b[1] for a in one for b in other):
                    groups.remove(one)
                    other |= one
                    merged = True
                    break
            if merged:
                break
    assert len({found[one] for one in found}) == len(groups)
    assert all(len({found[one] for one in group}) == 1 for group in groups)


def test_pairs_are_read_once_each(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("5\t7\t1\n5\t7\t2\n3\t9\t1\n", encoding="utf-8")
    assert read_id_pairs(tmp_path / "a.tsv", 3).tolist() == [[3, 9], [5, 7]]


def test_the_files_are_those_of_the_repository() -> None:
    assert mmarco._file("zh", "passages") == "data/google/collections/chinese_collection.tsv"
    assert mmarco._file("nl", "queries") == "data/google/queries/train/dutch_queries.train.tsv"
    assert len(NAMES) == 14
