"""Mr.TyDi: small sets in the layouts of the hub and of the publisher's archives, the hub, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.records import Collection
from hybridret.data.benchmarks.mr_tydi import CORPUS, PUBLISHED, TOPICS
from hybridret.data.benchmarks.mr_tydi import MrTydi as Published
from hybridret.data.columns import Column

MrTydi = partial(Published, allow_other=True)  # the sets here are small

WriteLines = Callable[..., Path]
WriteMrTydi = Callable[..., str]


@pytest.fixture
def write_hub(write_lines: WriteLines) -> WriteMrTydi:
    """`write_hub(folder, languages, split="test")`: as the hub's two repositories have them."""

    def write(folder: Path, languages: dict[str, Any], split: str = "test") -> str:
        for code, data in languages.items():
            own = folder / f"mrtydi-v1.1-{PUBLISHED[code].name}"
            write_lines(own / "ir-format-data" / f"topics.{split}.txt", data.topic_lines())
            write_lines(own / "ir-format-data" / f"qrels.{split}.txt", data.trec_lines())
            write_lines(own / "corpus.jsonl.gz", data.rows("docid", "title", "text"))
        return str(folder)

    return write


@pytest.fixture
def write_archive(write_lines: WriteLines) -> WriteMrTydi:
    """`write_archive(folder, languages, split="test", packed=True)`: as the publisher's archives unpack."""

    def write(folder: Path, languages: dict[str, Any], split: str = "test", packed: bool = True) -> str:
        for code, data in languages.items():
            own = folder / f"mrtydi-v1.1-{PUBLISHED[code].name}"
            write_lines(own / f"topic.{split}.tsv", data.topic_lines())
            write_lines(own / f"qrels.{split}.txt", data.trec_lines())
            rows = [{"id": name, "contents": f"{title}\n\n{text}".strip()} for name, title, text in data.passages]
            file = own / "collection" / f"docs.jsonl{'.gz' if packed else ''}"
            write_lines(file, [json.dumps(row, ensure_ascii=False) for row in rows])
        return str(folder)

    return write


def relevant_texts(collection: Collection, language: str) -> dict[str, set[str]]:
    """Query id as published -> the texts of its relevant passages, white space made even."""
    own = collection.languages.index(language)
    found: dict[str, set[str]] = {}
    for query, passage in zip(collection.relevant_queries, collection.relevant_passages, strict=True):
        if collection.query_languages[query] == own:
            assert collection.passage_languages[passage] == own
            name = collection.query_ids[query].split(":")[-1]
            found.setdefault(name, set()).add(even(collection.passages[int(passage)]))
    return found


def even(text: str) -> str:
    return " ".join(text.split())


def test_the_table_adds_up_to_the_published_totals() -> None:
    assert len(PUBLISHED) == 11
    facts = PUBLISHED.values()
    assert [sum(fact.train for fact in facts), sum(fact.dev for fact in facts)] == [48_729, 12_317]
    assert [sum(fact.test for fact in facts), sum(fact.passages for fact in facts)] == [8_661, 58_043_326]


@pytest.mark.parametrize("layout", ["hub", "archive", "archive, plain", "both"])
def test_real_text_in_both_layouts(
    tmp_path: Path, tydi: dict[str, Any], write_hub: WriteMrTydi, write_archive: WriteMrTydi, layout: str
) -> None:
    if layout == "hub":
        path = write_hub(tmp_path, tydi)
    elif layout == "both":  # each language where it is
        path = write_hub(tmp_path, {"en": tydi["en"]})
        write_archive(tmp_path, {code: tydi[code] for code in ("ko", "sw")})
    else:
        path = write_archive(tmp_path, tydi, packed=layout == "archive")
    (collection,) = MrTydi(path, languages=["sw", "en", "ko"]).collections(None)
    assert (collection.name, collection.languages) == ("mr_tydi_other", ("sw", "en", "ko"))
    assert collection.settings == ("monolingual",)
    assert isinstance(collection.passages, Column)  # read from disk, never all at once
    in_order = [tydi[language] for language in collection.languages]
    assert np.array_equal(collection.passage_languages, np.repeat([0, 1, 2], [len(data.passages) for data in in_order]))
    texts = [even(f"{title} {text}") for data in in_order for _, title, text in data.passages]
    assert [even(text) for text in collection.passages] == texts
    assert collection.grades.tolist() == [1] * sum(len(data.topics) for data in in_order)  # grades of 0 are kept out
    for language, data in tydi.items():
        published = {query: {even(text) for text in found} for query, found in data.relevant().items()}
        assert relevant_texts(collection, language) == published
    assert collection.notes["not as published"].startswith(
        "2,755 queries in sw where 670 were published; 3,696 queries in en where 744 were published; "
    )
    assert "3,429 passages in en where 32,907,100 were published" in collection.notes["not as published"]


def test_splits(tmp_path: Path, small: dict[str, Any], write_hub: WriteMrTydi, write_archive: WriteMrTydi) -> None:
    path = write_hub(tmp_path / "hub", small, split="dev")
    (collection,) = MrTydi(path, languages=["sw"], split="dev").collections(None)
    assert collection.name == "mr_tydi_dev_other"
    assert relevant_texts(collection, "sw") == small["sw"].relevant()
    assert "3 queries in sw where 526 were published" in collection.notes["not as published"]
    path = write_archive(tmp_path / "archive", small, split="train")
    (collection,) = MrTydi(path, languages=["ko"], split="train", settings=["multilingual"]).collections(None)
    assert (collection.name, collection.settings) == ("mr_tydi_train_other", ("multilingual",))
    assert "unjudged" in collection.notes["multilingual"]
    with pytest.raises(
        UserError, match=r"mrtydi-v1\.1-korean lacks topic\.test\.tsv, qrels\.test\.txt\. .*korean\.tar\.gz"
    ):
        MrTydi(path, languages=["ko"]).collections(None)


def test_a_missing_corpus_names_the_command(tmp_path: Path, small: dict[str, Any], write_hub: WriteMrTydi) -> None:
    path = write_hub(tmp_path, small)
    (tmp_path / "mrtydi-v1.1-swahili" / "corpus.jsonl.gz").unlink()
    with pytest.raises(UserError) as error:
        MrTydi(path, languages=["ko", "sw"]).collections(None)
    assert (
        f"hf download castorini/mr-tydi-corpus --repo-type dataset --revision {CORPUS[1]} "
        f"--include mrtydi-v1.1-swahili/corpus.jsonl.gz --local-dir {path}"
    ) in str(error.value)


def test_half_an_archive(tmp_path: Path, small: dict[str, Any], write_archive: WriteMrTydi) -> None:
    path = write_archive(tmp_path, small)
    (tmp_path / "mrtydi-v1.1-swahili" / "collection" / "docs.jsonl.gz").unlink()
    with pytest.raises(UserError, match=r"mrtydi-v1\.1-swahili lacks collection/docs\.jsonl\.gz\."):
        MrTydi(path, languages=["sw"]).collections(None)
    with pytest.raises(UserError, match=r"lacks mrtydi-v1\.1-thai/ir-format-data/topics\.test\.txt, .*hf download"):
        MrTydi(path, languages=["th"]).collections(None)


def test_damaged_files(tmp_path: Path, small: dict[str, Any], write_archive: WriteMrTydi) -> None:
    path = write_archive(tmp_path, small)
    file = tmp_path / "mrtydi-v1.1-swahili" / "collection" / "docs.jsonl.gz"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"docs\.jsonl\.gz, after line \d+: the gzip archive is truncated"):
        MrTydi(path, languages=["sw"]).collections(None)
    file.write_bytes(whole)
    small["sw"].judgments[:] = [(query, f"99{passage}", grade) for query, passage, grade in small["sw"].judgments]
    write_archive(tmp_path, small)
    with pytest.raises(UserError, match=r"5 of 5 judgments in sw name passages that do not exist"):
        MrTydi(path, languages=["sw", "ko"]).collections(None)


def test_arguments_are_checked_at_once() -> None:
    with pytest.raises(UserError, match=r"eval\.mr_tydi\.languages: no 'de' here\. Known: ar, bn, en"):
        MrTydi(languages=["de"])
    with pytest.raises(UserError, match=r"eval\.mr_tydi\.split=testing: .*Did you mean 'test'\?"):
        MrTydi(split="testing")
    with pytest.raises(UserError, match="nothing cross-lingual to measure"):
        MrTydi(settings=["cross-lingual"])


def test_the_hub(
    tmp_path: Path, small: dict[str, Any], write_hub: WriteMrTydi, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_hub(tmp_path, small)
    asked: dict[str, tuple[str, list[str]]] = {}

    def download(repo: str, repo_type: str, revision: str, allow_patterns: list[str]) -> str:
        asked[repo] = (revision, allow_patterns)
        return folder

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    (collection,) = MrTydi(languages=["sw", "ko"], corpus_revision="main").collections(None)
    assert len(collection.passages) == 10
    assert asked[TOPICS[0]][0] == TOPICS[1]
    assert "mrtydi-v1.1-korean/ir-format-data/qrels.test.txt" in asked[TOPICS[0]][1]
    assert asked[CORPUS[0]][0] == "main"
    assert "mrtydi-v1.1-swahili/corpus.jsonl.gz" in asked[CORPUS[0]][1]


@pytest.mark.parametrize("form", ["hub", "archive"])
def test_values_are_those_of_trec_eval(
    tmp_path: Path,
    lacking: dict[str, Any],
    write_hub: WriteMrTydi,
    write_archive: WriteMrTydi,
    check_monolingual: Any,
    form: str,
) -> None:
    path = (write_hub if form == "hub" else write_archive)(tmp_path, lacking)
    (collection,) = MrTydi(path, languages=["sw", "ko"]).collections(None)
    check_monolingual(collection, {code: data.judgments for code, data in lacking.items()})
