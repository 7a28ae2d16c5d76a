"""Natural Questions from files with the layouts of DPR and of sentence-transformers, small and made by hand."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.data.json_records import json_records
from hybridret.data.nq import NaturalQuestions
from hybridret.data.prepared.source import PreparedSource

PAGES = 30


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


def passage(page: int, number: int) -> dict[str, Any]:
    return {
        "title": f"Page {page}",
        "text": f"passage {number} \u2028of {page} ...",
        "score": 8.5,
        "title_score": 0,
        "passage_id": str(1000 * page + number),
    }


def record(page: int, number: int) -> dict[str, Any]:
    """A question with the gold passage, another positive, and three hard negatives; one is the other positive."""
    return {
        "dataset": "nq_train_psgs_w100",
        "question": f"who wrote {number} of page {page}",
        "answers": ["x"],
        "positive_ctxs": [{**passage(page, 0), "score": 1000, "title_score": 1}, passage(page, 5)],
        "negative_ctxs": [passage((page + 3) % PAGES, 9)],
        "hard_negative_ctxs": [passage((page + 1) % PAGES, 0), passage(page, 5), passage((page + 2) % PAGES, 7)],
    }


def records() -> list[dict[str, Any]]:
    return [record(page, number) for page in range(PAGES) for number in range(2)]


def write(folder: Path, value: Any, name: str = "biencoder-nq-train.json") -> Path:
    """As published: indented by four spaces, and line breaks between the records."""
    raw = value if isinstance(value, bytes) else json.dumps(value, indent=4).encode()
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder / name


def test_gold_passages_and_hard_negatives(tmp_path: Path) -> None:
    source = NaturalQuestions(str(write(tmp_path / "nq", records())), hard_negatives=None, validation_share=0.1)
    (training,), validation = source.training(), source.validation()
    assert (training.name, training.languages) == ("nq", ("en",))
    assert source.test() == ()
    assert (len(training), len(validation)) == (54, 6)
    held = {str(text).split()[1] for text in validation.passages["en"]}
    for number in range(len(training)):
        page = int(str(training.queries["en"][number]).split()[-1])
        assert training.passages["en"][number] == f"Page {page} passage 0 \u2028of {page} ..."
        texts = [one.text for one in training.negatives["en"][number]]
        expected = {f"Page {(page + 1) % PAGES} passage 0 \u2028of {(page + 1) % PAGES} ..."}
        expected |= {f"Page {(page + 2) % PAGES} passage 7 \u2028of {(page + 2) % PAGES} ..."}
        assert {one for one in expected if one.split()[1] not in held or "passage 7" in one} == set(texts)
        groups = dict(zip(map(str, training.passages["en"]), training.passage_groups.tolist(), strict=True))
        for one in training.negatives["en"][number]:
            assert one.group == groups.get(one.text, -1)  # a negative that another question asks for is masked there
    summary = source.summary()
    assert summary["other_positives"] == 60
    assert summary["negatives_that_are_positives"] == 60
    assert summary["articles"]["all"] == PAGES
    assert summary["rows"] == {"read": 60, "train": 54, "validation": 6, "test": 0}


@pytest.mark.parametrize(("kept", "most"), [(0, 0), (1, 1), (3, 2)])
def test_the_best_negatives_are_kept(tmp_path: Path, kept: int, most: int) -> None:
    (training,) = NaturalQuestions(str(write(tmp_path / "nq", records())), hard_negatives=kept).training()
    found = training.negatives.get("en", [()])
    assert max(map(len, found)) == most
    if kept == 1:
        assert all("passage 0" in one.text for row in found for one in row)


@pytest.mark.parametrize("changed", [{"text": "other words"}, {"passage_id": "77"}, {"passage_id": None}])
def test_a_positive_is_no_negative_by_its_id_or_by_its_text(tmp_path: Path, changed: dict[str, Any]) -> None:
    """DPR's negatives may repeat a positive from another dump, or under another id."""
    found = records()
    for page, one in enumerate(found):
        one["hard_negative_ctxs"] = [{**passage(page // 2, 5), **changed}]
    source = NaturalQuestions(str(write(tmp_path / "nq", found)), hard_negatives=None)
    assert not source.training()[0].negatives
    summary = source.summary()
    assert summary["negatives_that_are_positives"] == 60


def test_a_folder_and_a_packed_file_give_the_same(tmp_path: Path) -> None:
    plain = NaturalQuestions(str(write(tmp_path / "plain", records())))
    packed = NaturalQuestions(str(write(tmp_path / "packed", records(), "biencoder-nq-train.json.gz").parent))
    assert packed.fingerprint() == plain.fingerprint()
    assert plain.missing() == packed.missing() == []
    assert NaturalQuestions(str(tmp_path / "plain"), hard_negatives=2).key() != plain.key()
    copy = PreparedSource(NaturalQuestions(str(tmp_path / "plain")))
    assert copy.fingerprint() == plain.fingerprint()
    assert copy.training()[0].negatives["en"][0] == plain.training()[0].negatives["en"][0]


def test_a_test_set_by_page(tmp_path: Path) -> None:
    (test,) = NaturalQuestions(str(write(tmp_path / "nq", records())), test_share=0.2).test()
    assert (len(test.queries), len(test.passages)) == (12, 6)


def test_pairs_of_sentence_transformers(tmp_path: Path) -> None:
    lines = [json.dumps([f"question {n}", f"Title {n}. Text"]) for n in range(60)]
    source = NaturalQuestions(str(write(tmp_path / "st", "\n".join(lines).encode(), "NQ-train_pairs.jsonl.gz").parent))
    (training,) = source.training()
    assert training.negatives == {}
    assert training.queries["en"][0].split()[1] == training.passages["en"][0].split()[1].rstrip(".")  # type: ignore[union-attr]
    assert source.summary()["rows"]["read"] == 60
    write(tmp_path / "st", b'["a", "b"]\n["a"]\n["a", 3]\n', "NQ-train_pairs.jsonl.gz")
    with pytest.raises(UserError, match=r"line 2: expected a list of question and passage.*line 3: 'passage' must be"):
        NaturalQuestions(str(tmp_path / "st")).training()


def changed(change: Callable[[list[Any]], object]) -> bytes:
    value = records()
    change(value)
    return json.dumps(value).encode()


WHOLE = json.dumps(records()).encode()
BAD: dict[str, tuple[str, bytes, str]] = {
    "cut gzip": ("a.json.gz", gzip.compress(WHOLE, 0)[:-3000], r"a\.json\.gz, after record \d+: .* cut short"),
    "cut": ("a.json", WHOLE[:-300], r"a\.json, after record 59: .*cut short"),
    "no gzip": ("a.json.gz", WHOLE, r"a\.json\.gz, after record 0: the archive is cut short or broken"),
    "latin-1": ("a.json", WHOLE.replace(b"who wrote 1 of page 7", b"who \xe9 page 7"), r"record \d+: no JSON in"),
    "rows": ("a.json", b'{"question": "x"}\n', r"expected one list in JSON, but it does not begin with \["),
    "empty": ("a.json", b"", r"a\.json.*empty"),
    "empty list": ("a.json", b"[]", r"holds no question"),
    "no object": ("a.json", changed(lambda all: all.insert(2, 5)), r"record 2: a record must be a JSON object"),
    "no positive": (
        "a.json",
        changed(lambda all: all[3].update(positive_ctxs=[])),
        r"a\.json, record 3: 'positive_ctxs' is empty",
    ),
    "other records": ("a.json", b'[{"query": "x", "pos": []}]', r"'positive_ctxs' must be .*; it has 'query', 'pos'"),
    "an empty question": ("a.json", changed(lambda all: all[3].update(question=" ")), r"record 3: 'question' must be"),
    "an empty passage": (
        "a.json",
        changed(lambda all: all[4]["positive_ctxs"][0].update(text="")),
        r"record 4: 'text' must be a text that is not empty",
    ),
    "passages as texts": (
        "a.json",
        changed(lambda all: all[4].update(hard_negative_ctxs=["x"])),
        r"record 4: a passage must be an object with 'title' and 'text', not str",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_errors_that_name_them(tmp_path: Path, name: str) -> None:
    file, raw, said = BAD[name]
    (tmp_path / file).write_bytes(raw)
    with pytest.raises(UserError, match=said):
        NaturalQuestions(str(tmp_path / file)).training()


def test_what_is_missing_is_named_with_its_address(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.path is not set.*curl -LO https://dl\.fbaipublicfiles\.com"):
        NaturalQuestions(None)
    (said,) = NaturalQuestions(str(tmp_path / "none")).missing()
    assert "there is no file or folder" in said
    write(tmp_path / "nq", records())
    (said,) = NaturalQuestions(str(tmp_path)).missing()
    assert f"set data.path={tmp_path / 'nq'}." in said
    assert "biencoder-nq-train.json.gz" in said
    (tmp_path / "a.tsv").write_text("x")
    assert "its name must end in .json" in NaturalQuestions(str(tmp_path / "a.tsv")).missing()[0]


def test_records_take_no_memory(tmp_path: Path) -> None:
    """16 MiB of records are read with less than 4."""
    file = tmp_path / "large.json"
    with open(file, "wb") as stream:
        stream.write(b"[")
        for number in range(512):
            stream.write(b"," * (number > 0) + json.dumps({"text": "x" * (1 << 15)}).encode())
        stream.write(b"]")
    tracemalloc.start()
    try:
        assert sum(len(value["text"]) for value in json_records(file)) == 1 << 24
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
