"""BEIR: what is special to each set, folders as the archives unpack and as the hub has them, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from hybridret.base.errors import UserError
from hybridret.data.benchmarks.beir import CQADUPSTACK, SETS, SUBFORUMS
from hybridret.data.benchmarks.beir import Beir as Published

Beir = partial(Published, allow_other=True)  # the sets here are small

WriteBeir = Callable[..., Path]
CORPUS = [
    {"_id": "q1", "title": "Title", "text": "text one", "metadata": {"url": "x"}},
    {"_id": "d2", "title": "", "text": "text two"},
    {"_id": "d3", "text": "text three"},
]
QUERIES = [{"_id": "q1", "text": "one?"}, {"_id": "q2", "text": "two?", "metadata": {}}]
JUDGMENTS = [("q2", "d2", 2), ("q1", "d3", 1), ("q1", "d2", 0)]


@pytest.fixture
def small(write_beir: WriteBeir) -> Callable[..., Path]:
    def write(folder: Path, **other: Any) -> Path:
        return write_beir(folder, CORPUS, QUERIES, JUDGMENTS, **other)

    return write


def test_every_set_is_special_in_its_own_way() -> None:
    assert len({*SETS, CQADUPSTACK} - {"msmarco"}) == 18
    assert len(SUBFORUMS) == 12
    assert {name for name, facts in SETS.items() if facts.identical} == {"arguana", "quora"}
    assert {name for name, facts in SETS.items() if facts.split != "test"} == {"msmarco"}
    assert {name for name, facts in SETS.items() if not facts.repo} == {"bioasq", "robust04", "signal1m", "trec-news"}
    found = [facts for facts in [*SETS.values(), *SUBFORUMS.values()] if facts.repo]
    assert all(len(facts.revision) == 40 for facts in found)
    assert len({facts.revision for facts in found}) == len({facts.repo for facts in found}) == len(found)
    assert [sum(facts.counts[place] for facts in SUBFORUMS.values()) for place in (0, 1)] == [
        457199,
        13145,
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder(tmp_path: Path, small: Callable[..., Path], packed: bool) -> None:
    small(tmp_path / "scifact", packed=packed)
    for path in (tmp_path, tmp_path / "scifact"):
        (collection,) = Beir(["scifact"], str(path)).collections(None)
        assert collection.name == "beir_scifact_other"
        assert collection.languages == ("en",)
        assert collection.passages[:] == ["Title text one", "text two", "text three"]
        assert collection.passage_ids[:] == ["q1", "d2", "d3"]
        assert collection.queries == ["one?", "two?"]
        assert collection.relevant_queries.tolist() == [0, 1]
        assert collection.relevant_passages.tolist() == [2, 1]
        assert collection.grades.tolist() == [1, 2]
        assert collection.notes == {
            "split": "test",
            "counts (ours / published)": "passages 3 / 5183, queries 2 / 300",
            "not as published": "3 passages where 5,183 were published; 2 queries where 300 were published",
        }
        assert collection.fingerprint
        assert not collection.drop_identical


def test_sets_keep_their_order_and_rules(tmp_path: Path, small: Callable[..., Path]) -> None:
    for name in ("quora", "nfcorpus", "bioasq"):
        small(tmp_path / name)
    small(tmp_path / "msmarco", split="dev")
    found = Beir(["quora", "msmarco", "nfcorpus", "bioasq"], str(tmp_path)).collections(None)
    assert [one.name for one in found] == [
        "beir_quora_other",
        "beir_msmarco_other",
        "beir_nfcorpus_other",
        "beir_bioasq_other",
    ]
    assert [one.drop_identical for one in found] == [True, False, False, False]
    assert [one.notes["split"] for one in found] == ["test", "dev", "test", "test"]
    assert "identical ids" in found[0].notes
    assert found[3].notes["counts (ours / published)"] == "passages 3 / 14914602, queries 2 / 500"


def test_cqadupstack_is_twelve_collections_of_one_average(tmp_path: Path, small: Callable[..., Path]) -> None:
    for subforum in SUBFORUMS:
        small(tmp_path / CQADUPSTACK / subforum)
    for path in (tmp_path, tmp_path / CQADUPSTACK):
        found = Beir([CQADUPSTACK], str(path)).collections(None)
        assert [one.name for one in found] == [f"beir_cqadupstack_{subforum}_other" for subforum in SUBFORUMS]
        assert {one.group for one in found} == {"beir_cqadupstack_other"}


def test_from_the_hub(tmp_path: Path, small: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's copies keep judgments as JSON lines; numbers become text and are counted."""
    folder = small(tmp_path / "snapshot")
    (folder / "qrels" / "test.tsv").unlink()
    rows = [{"query-id": query, "corpus-id": passage, "score": float(grade)} for query, passage, grade in JUDGMENTS]
    (folder / "qrels" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "corpus.jsonl").write_text((folder / "corpus.jsonl").read_text() + '{"_id": 4, "text": ""}\n')
    asked: list[tuple[str, str]] = []

    def download(repo: str, revision: str, **_: Any) -> str:
        asked.append((repo, revision))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    (collection,) = Beir(["webis-touche2020"]).collections(None)
    assert collection.relevant_passages.tolist() == [2, 1]
    assert collection.passage_ids[3] == "4"
    assert collection.notes["numbers read as text"] == "1"
    assert collection.notes["empty passages"] == "1"
    Beir(["webis-touche2020"], revision="main").collections(None)
    assert asked == [("mteb/touche2020", SETS["webis-touche2020"].revision), ("mteb/touche2020", "main")]


def test_errors(tmp_path: Path, small: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match=r"BEIR has no set 'sci-fact'. Did you mean 'scifact'\?"):
        Beir(["sci-fact"])
    for names in ([], ["scifact", "scifact"]):
        with pytest.raises(UserError, match="one or more sets, none of them twice"):
            Beir(names)
    small(tmp_path / "scifact")
    with pytest.raises(UserError, match=r"lacks qrels/dev\.tsv.* It has the splits test: .* Set eval\.beir\.split"):
        Beir(["scifact"], str(tmp_path), split="dev").collections(None)
    command = r"hf download mteb/nfcorpus --repo-type dataset --revision ec0fa4f\w+ .*--include qrels/test\.jsonl "
    with pytest.raises(UserError, match=rf"no folder \S*/nfcorpus\. .*{command}--local-dir {tmp_path}/nfcorpus"):
        Beir(["scifact", "nfcorpus"], str(tmp_path)).collections(None)
    (tmp_path / "scifact" / "corpus.jsonl").unlink()
    with pytest.raises(
        UserError, match=r"scifact lacks corpus\.jsonl\. .* --include corpus\.jsonl --local-dir \S*/scifact"
    ):
        Beir(["scifact"], str(tmp_path)).collections(None)
    with pytest.raises(UserError, match=r"bioasq: its texts are licensed .* set eval\.beir\.path"):
        Beir(["bioasq"]).collections(None)
    with pytest.raises(UserError, match=r"no folder .*none/bioasq\. bioasq: its texts are licensed"):
        Beir(["bioasq"], str(tmp_path / "none")).collections(None)


def test_values_are_those_of_trec_eval(tmp_path: Path, write_beir: WriteBeir, check_monolingual: Any) -> None:
    judgments = [*JUDGMENTS, ("q1", "d9", 2), ("q3", "d8", 1), ("q4", "d3", 0), ("q5", "d3", 2), ("q5", "d2", 1)]
    queries = [*QUERIES, *({"_id": f"q{n}", "text": "text three"} for n in (3, 4, 5))]
    folder = write_beir(tmp_path / "signal1m", CORPUS, queries, judgments)
    (collection,) = Beir(["signal1m"], str(folder.parent)).collections(None)
    check_monolingual(collection, {"en": judgments})
