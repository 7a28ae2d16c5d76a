"""MIRACL: the published counts, small sets in its layouts, hard negatives, the hub, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from hybridret.base.errors import UserError
from hybridret.base.records import Collection
from hybridret.data.benchmarks.miracl import LANGUAGES, TRAIN_LANGUAGES
from hybridret.data.benchmarks.miracl import Miracl as Published
from hybridret.data.benchmarks.miracl_layout import CORPUS, HARD_NEGATIVES, PUBLISHED_COUNTS, TOPICS
from hybridret.data.columns import Column
from hybridret.data.qrels import read_qrels, read_topics

Miracl = partial(Published, allow_other=True)  # the sets here are small

WriteLines = Callable[..., Path]
WriteMiracl = Callable[..., str]


@pytest.fixture
def write_miracl(write_lines: WriteLines) -> WriteMiracl:
    """`write_miracl(folder, languages, split="dev", flat=False, packed=True, files={})`, `files`: of a corpus."""

    def write(
        folder: Path,
        languages: dict[str, Any],
        split: str = "dev",
        flat: bool = False,
        packed: bool = True,
        **files: int,
    ) -> str:
        end = ".gz" if packed else ""
        for code, data in languages.items():
            own = folder if flat else folder / f"miracl-v1.0-{code}"
            write_lines(own / "topics" / f"topics.miracl-v1.0-{code}-{split}.tsv{end}", data.topic_lines())
            write_lines(own / "qrels" / f"qrels.miracl-v1.0-{code}-{split}.tsv{end}", data.trec_lines())
            rows = data.rows("docid", "title", "text")
            for number, part in enumerate(np.array_split(np.arange(len(rows)), files.get(code, 1))):
                file = folder / f"miracl-corpus-v1.0-{code}" / f"docs-{number}.jsonl{end}"
                write_lines(file, [rows[place] for place in part])
        return str(folder)

    return write


@pytest.fixture
def write_hard() -> WriteMiracl:
    """`write_hard(folder, languages, identifier="id", files=1)`: parquet as mteb writes it, `files` of a corpus."""

    def write(folder: Path, languages: dict[str, Any], identifier: str = "id", files: int = 1) -> str:
        for code, data in languages.items():
            ids, titles, texts = zip(*data.passages, strict=True)
            corpus = pa.table({identifier: ids, "title": titles, "text": texts})
            queries = pa.table(dict(zip((identifier, "text"), zip(*data.topics, strict=True), strict=True)))
            asked, judged, grades = zip(*data.judgments, strict=True)
            qrels = pa.table({"query-id": asked, "corpus-id": judged, "score": grades})
            for what, table, count in (("corpus", corpus, files), ("queries", queries, 1), ("qrels", qrels, 1)):
                (folder / f"{code}-{what}").mkdir(parents=True, exist_ok=True)
                size = -(-len(table) // count)
                for number in range(count):
                    file = folder / f"{code}-{what}" / f"dev-{number:05}-of-{count:05}.parquet"
                    parquet.write_table(table.slice(number * size, size), file)
        return str(folder)

    return write


def relevant_texts(collection: Collection, language: str) -> dict[str, set[str]]:
    """Query id as published -> the texts of its relevant passages; all of them must be in its language."""
    own = collection.languages.index(language)
    found: dict[str, set[str]] = {}
    for query, passage in zip(collection.relevant_queries, collection.relevant_passages, strict=True):
        if collection.query_languages[query] == own:
            assert collection.passage_languages[passage] == own
            name = collection.query_ids[query].split(":")[-1]
            found.setdefault(name, set()).add(collection.passages[int(passage)])
    return found


def test_the_table_adds_up_to_the_published_totals() -> None:
    assert len(LANGUAGES) == 18
    assert set(LANGUAGES) - set(TRAIN_LANGUAGES) == {"de", "yo"}
    totals = [sum(column) for column in zip(*PUBLISHED_COUNTS.values(), strict=True)]
    assert totals[:3] == [13_495, 40_203, 106_332_152]
    assert totals[4:] == [11_076, 2_449_382]
    assert all(counts.hard_queries == min(counts.dev, 1000) for counts in PUBLISHED_COUNTS.values())
    assert all(counts.hard_passages <= counts.passages for counts in PUBLISHED_COUNTS.values())


def test_published_topics_and_qrels(real_data: Path) -> None:
    """Real files of all 18 languages: counts as published, and every query has a relevant passage."""
    folder = real_data / "eval" / "miracl"
    read: dict[str, list[int]] = {language: [] for language in LANGUAGES}
    for split, languages in (("dev", LANGUAGES), ("train", TRAIN_LANGUAGES)):
        for language in languages:
            stem = f"miracl-v1.0-{language}-{split}.tsv.gz"
            ids, queries = read_topics(folder / "topics" / f"topics.{stem}")
            qrels = read_qrels(folder / "qrels" / f"qrels.{stem}", "trec")
            relevant = {query for query, grade in zip(qrels.query_ids, qrels.grades, strict=True) if grade > 0}
            assert set(ids) == set(qrels.query_ids) == relevant
            assert set(qrels.grades.tolist()) == {0, 1}
            assert qrels.repeated == 0
            assert all(query == query.strip() != "" for query in queries)
            assert all("#" in passage for passage in qrels.passage_ids)
            read[language].append(len(ids))
    published = {language: [*filter(None, counts[:2])] for language, counts in PUBLISHED_COUNTS.items()}
    assert read == published


@pytest.mark.parametrize(("flat", "packed"), [(False, True), (True, False)])
def test_real_text_in_the_layout(
    tmp_path: Path, tydi: dict[str, Any], write_miracl: WriteMiracl, flat: bool, packed: bool
) -> None:
    path = write_miracl(tmp_path, tydi, flat=flat, packed=packed, ko=3)
    (collection,) = Miracl(path, languages=["sw", "en", "ko"]).collections(None)
    assert (collection.name, collection.languages) == ("miracl_other", ("sw", "en", "ko"))
    assert collection.settings == ("monolingual",)
    assert isinstance(collection.passages, Column)  # read from disk, never all at once
    assert isinstance(collection.passage_ids, Column)
    in_order = [tydi[language] for language in collection.languages]
    assert np.bincount(collection.query_languages).tolist() == [len(data.topics) for data in in_order]
    # The passages of a language stand side by side.
    assert np.array_equal(collection.passage_languages, np.repeat([0, 1, 2], [len(data.passages) for data in in_order]))
    texts = [f"{title} {text}".strip() for data in in_order for _, title, text in data.passages]
    assert collection.passages[:] == texts
    assert texts[1].startswith("Title 1 ")
    assert collection.grades.tolist() == [1] * sum(len(data.topics) for data in in_order)  # grades of 0 are kept out
    for language, data in tydi.items():
        assert relevant_texts(collection, language) == data.relevant()
    assert len(set(collection.passage_ids)) == len(texts)
    assert collection.passage_ids[0] == "sw:0#0"
    assert collection.notes["not as published"].startswith("2,755 queries in sw where 482 were published; 3,696 ")
    assert collection.notes["not as published"].endswith("1,269 passages in ko where 1,486,752 were published")


def test_a_small_set(tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl) -> None:
    path = write_miracl(tmp_path, small)
    (collection,) = Miracl(path, languages=["sw"]).collections(None)
    assert collection.query_ids == ["q1", "q2", "q3"]  # q3 has no relevant passage, and 0 in trec_eval
    assert collection.passages[2] == "sw text 2"  # without a title
    assert relevant_texts(collection, "sw") == small["sw"].relevant()
    assert collection.notes["queries without a relevant passage in the corpus, scored 0"] == "1"
    assert collection.notes["corpus"] == "full"
    (both,) = Miracl(path, languages=["ko", "sw"], settings=["multilingual", "monolingual"]).collections(None)
    assert both.settings == ("multilingual", "monolingual")
    assert "unjudged" in both.notes["multilingual"]
    assert both.fingerprint != collection.fingerprint
    (turned,) = Miracl(path, languages=["sw", "ko"]).collections(None)
    assert turned.fingerprint != both.fingerprint  # the passages stand in another order


def test_ids_that_are_numbers(
    tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl, write_lines: WriteLines
) -> None:
    path = write_miracl(tmp_path, small)
    rows = ['{"docid": 20, "text": "a number"}', '{"docid": "4#0", "text": "text"}']
    write_lines(tmp_path / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz", rows)
    write_lines(tmp_path / "miracl-v1.0-sw" / "qrels" / "qrels.miracl-v1.0-sw-dev.tsv.gz", ["q1\tQ0\t20\t1"])
    (collection,) = Miracl(path, languages=["sw"]).collections(None)
    assert relevant_texts(collection, "sw") == {"q1": {"a number"}}
    assert collection.notes["numbers read as text"] == "1"


def test_no_count_is_noted_where_all_was_read(
    tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PUBLISHED_COUNTS, "sw", PUBLISHED_COUNTS["sw"]._replace(dev=3, passages=5))
    (collection,) = Miracl(write_miracl(tmp_path, small), languages=["sw", "ko"]).collections(None)
    assert collection.notes["not as published"] == (
        "3 queries in ko where 213 were published; 5 passages in ko where 1,486,752 were published"
    )


def test_train(tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl) -> None:
    path = write_miracl(tmp_path, small, split="train")
    (collection,) = Miracl(path, languages=["sw"], split="train").collections(None)
    assert collection.name == "miracl_train_other"
    assert "3 queries in sw where 1,901 were published" in collection.notes["not as published"]
    with pytest.raises(UserError, match=r"no 'de' here\. MIRACL has no train queries in it.*eval\.miracl\.split=dev"):
        Miracl(path, languages=["sw", "de"], split="train")
    with pytest.raises(UserError, match=r"lacks miracl-v1\.0-ar/topics/") as error:
        Miracl(path, split="train").collections(None)  # all languages of the split
    assert "-de-" not in str(error.value)


@pytest.mark.parametrize(("identifier", "files"), [("id", 1), ("_id", 2)])
def test_hard_negatives(
    tmp_path: Path, small: dict[str, Any], write_hard: WriteMiracl, identifier: str, files: int
) -> None:
    path = write_hard(tmp_path, small, identifier, files)
    (collection,) = Miracl(path, languages=["sw", "ko"], corpus="hard_negatives").collections(None)
    assert collection.name == "miracl_hard_negatives_other"
    assert collection.passages[:2] == ["sw title 0 sw text 0", "sw title 1 sw text 1"]
    for language, data in small.items():
        assert relevant_texts(collection, language) == data.relevant()
    assert "5 passages in ko where 43,293 were published" in collection.notes["not as published"]
    assert "higher than on the full corpus" in collection.notes["corpus"]


def test_hard_negatives_that_are_not_whole(tmp_path: Path, small: dict[str, Any], write_hard: WriteMiracl) -> None:
    path = write_hard(tmp_path, {"sw": small["sw"]}, files=2)
    benchmark = Miracl(path, languages=["sw"], corpus="hard_negatives")
    second = tmp_path / "sw-corpus" / "dev-00001-of-00002.parquet"
    second.write_bytes(second.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"dev-00001-of-00002\.parquet cannot be read as parquet"):
        benchmark.collections(None)
    second.unlink()
    with pytest.raises(UserError, match="sw-corpus holds 1 of 2 files"):
        benchmark.collections(None)
    with pytest.raises(UserError, match=f"hf download {HARD_NEGATIVES[0]} .*--include 'ko-corpus/dev-"):
        Miracl(path, languages=["ko"], corpus="hard_negatives").collections(None)
    with pytest.raises(UserError, match="dev queries only"):
        Miracl(path, split="train", corpus="hard_negatives")


def test_a_missing_corpus_names_the_command(tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl) -> None:
    path = write_miracl(tmp_path, small)
    for file in (tmp_path / "miracl-corpus-v1.0-sw").iterdir():
        file.unlink()
    with pytest.raises(UserError) as error:
        Miracl(path, languages=["ko", "sw"]).collections(None)
    assert (
        f"hf download miracl/miracl-corpus --repo-type dataset --revision {CORPUS[1]} "
        f"--include 'miracl-corpus-v1.0-sw/docs-*.jsonl.gz' --local-dir {path}"
    ) in str(error.value)
    assert "miracl/miracl " not in str(error.value)
    with pytest.raises(UserError) as error:
        Miracl(path, languages=["yo"]).collections(None)
    assert "hf download miracl/miracl " in str(error.value)  # both at once
    assert "hf download miracl/miracl-corpus " in str(error.value)


def test_a_corpus_is_whole_or_docs_0_alone(tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl) -> None:
    """A folder that a broken download left behind would give values that are too good."""
    path = write_miracl(tmp_path, {"ko": small["ko"]}, ko=3)
    benchmark = Miracl(path, languages=["ko"])
    files = [tmp_path / "miracl-corpus-v1.0-ko" / f"docs-{number}.jsonl.gz" for number in range(3)]
    last = files[2].read_bytes()
    files[2].unlink()
    with pytest.raises(UserError, match=r"lacks miracl-corpus-v1\.0-ko/docs-2\.jsonl\.gz\. .*hf download"):
        benchmark.collections(None)
    files[2].write_bytes(last)
    assert len(benchmark.collections(None)[0].passages) == 5
    for file in files[:2]:
        file.unlink()
    with pytest.raises(UserError, match=r"lacks miracl-corpus-v1\.0-ko/docs-0\.jsonl\.gz, .*docs-1"):
        benchmark.collections(None)


def test_a_truncated_archive(tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl) -> None:
    path = write_miracl(tmp_path, small)
    for name in ("miracl-corpus-v1.0-sw/docs-0.jsonl", "miracl-v1.0-sw/qrels/qrels.miracl-v1.0-sw-dev.tsv"):
        file = tmp_path / f"{name}.gz"
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UserError, match=rf"{file.name}, after line \d+: the gzip archive is truncated"):
            Miracl(path, languages=["sw"]).collections(None)
        file.write_bytes(whole)
    assert Miracl(path, languages=["sw"]).collections(None)


def test_judgments_of_unknown_passages(tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl) -> None:
    small["sw"].judgments[1] = ("q1", "99#9", 1)
    (collection,) = Miracl(write_miracl(tmp_path / "a", small), languages=["sw", "ko"]).collections(None)
    assert collection.notes["judgments of unknown passages"] == "sw 1"
    assert relevant_texts(collection, "sw")["q1"] == {"sw text 2"}
    small["sw"].judgments[:] = [(query, f"99{passage}", grade) for query, passage, grade in small["sw"].judgments]
    with pytest.raises(UserError, match=r"5 of 5 judgments in sw name passages that do not exist, such as '992#0'"):
        Miracl(write_miracl(tmp_path / "b", small), languages=["sw", "ko"]).collections(None)


def test_arguments_are_checked_at_once() -> None:
    with pytest.raises(UserError, match=r"eval\.miracl\.languages: no 'swg' here\. Did you mean 'sw'\?"):
        Miracl(languages=["swg"])
    for languages in ([], ["sw", "sw"]):
        with pytest.raises(UserError, match=r"name one or more of ar, bn, .*none of them twice"):
            Miracl(languages=languages)
    with pytest.raises(UserError, match=r"eval\.miracl\.split=test: choose one of dev, train"):
        Miracl(split="test")
    with pytest.raises(UserError, match=r"eval\.miracl\.corpus=hard: choose one of full, hard_negatives"):
        Miracl(corpus="hard")
    with pytest.raises(UserError, match="nothing cross-lingual to measure"):
        Miracl(settings=["monolingual", "cross-lingual"])
    with pytest.raises(UserError, match=r"no setting 'multilingua'\. Did you mean 'multilingual'\?"):
        Miracl(settings=["multilingua"])
    with pytest.raises(UserError, match="settings is empty"):
        Miracl(settings=[])


def test_the_hub(
    tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raw files of both repositories at their commits; a cache that is not whole is no corpus, docs-0 alone neither."""
    folder = Path(write_miracl(tmp_path, {"ko": small["ko"]}, ko=3))
    asked: dict[str, tuple[str, list[str]]] = {}

    def download(repo: str, repo_type: str, revision: str, allow_patterns: list[str]) -> str:
        assert repo_type == "dataset"
        asked[repo] = (revision, allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    (collection,) = Miracl(languages=["ko"]).collections(None)
    assert len(collection.passages) == 5
    assert asked[TOPICS[0]][0] == TOPICS[1]
    assert "miracl-v1.0-ko/topics/topics.miracl-v1.0-ko-dev.tsv" in asked[TOPICS[0]][1]
    assert asked[CORPUS[0]][0] == CORPUS[1]
    assert "miracl-corpus-v1.0-ko/docs-*.jsonl.gz" in asked[CORPUS[0]][1]
    Miracl(languages=["ko"], revision="main", corpus_revision="other").collections(None)
    assert (asked[TOPICS[0]][0], asked[CORPUS[0]][0]) == ("main", "other")
    for number in (2, 1):
        (folder / "miracl-corpus-v1.0-ko" / f"docs-{number}.jsonl.gz").unlink()
        with pytest.raises(UserError, match=rf"has no miracl-corpus-v1\.0-ko/docs-{number}\.jsonl\.gz"):
            Miracl(languages=["ko"]).collections(None)


def test_files_that_the_hub_brings_at_the_second_call_are_read(
    tmp_path: Path, small: dict[str, Any], write_miracl: WriteMiracl, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(write_miracl(tmp_path, {"ko": small["ko"]}, ko=3))
    kept = {file: file.read_bytes() for file in (folder / "miracl-corpus-v1.0-ko").glob("docs-[12]*")}
    for file in kept:
        file.unlink()

    def download(repo: str, allow_patterns: list[str], **_: str) -> str:
        if "miracl-corpus-v1.0-ko/docs-2.jsonl.gz" in allow_patterns:
            for file, content in kept.items():
                file.write_bytes(content)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert len(Miracl(languages=["ko"]).collections(None)[0].passages) == 5


@pytest.mark.parametrize("corpus", ["full", "hard_negatives"])
def test_values_are_those_of_trec_eval(
    tmp_path: Path,
    lacking: dict[str, Any],
    write_miracl: WriteMiracl,
    write_hard: WriteMiracl,
    check_monolingual: Any,
    corpus: str,
) -> None:
    path = (write_miracl if corpus == "full" else write_hard)(tmp_path, lacking)
    (collection,) = Miracl(path, languages=["sw", "ko"], corpus=corpus).collections(None)
    assert len(collection.query_ids) == 8  # q3 and q4 have nothing to find
    check_monolingual(collection, {code: data.judgments for code, data in lacking.items()})
