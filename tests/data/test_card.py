"""Data cards of prepared copies: every number against a slow count of the source's own texts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hybridret.base.errors import UserError
from hybridret.base.records import ParallelPairs
from hybridret.data.cldr.source import CldrCorpus
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.mix import Mix
from hybridret.data.prepared import card as card_module
from hybridret.data.prepared import kept_card as kept_module
from hybridret.data.prepared.folder import ABOUT, PreparedFolder
from hybridret.data.prepared.kept_card import CARD, PAGE
from hybridret.data.prepared.lengths import Lengths
from hybridret.data.prepared.source import PreparedSource

ATTACK = "a|b <script>\n# c"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Two datasets of three languages with gaps; passages that questions share, that differ between languages in
    length, that both datasets have; negatives; letters outside the basic plane."""
    lines = []
    for dataset in ("one", "two"):
        for n in range(60):
            for number, lang in enumerate(("en", "de", "zh")):
                if (n + number) % (number + 2) == 1:
                    continue
                lines.append(
                    {
                        "dataset": dataset, "qid": f"{dataset}{n}", "lang": lang, "question": f"{lang} {'問😀' * n}?",
                        "passage": f"{lang} {n // 3} {'é' * (n // 3)}" + ("" if n < 9 else dataset),
                        "pid": f"{dataset}p{n // 3}", "title": f"{dataset}t{n // 3}",
                        "negatives": [f"{lang} no {n}"] * (n % 2),
                    }
                )  # fmt: skip
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    return folder


def slow(pairs: ParallelPairs) -> dict[str, Any]:
    """What the card counts of a dataset, text by text."""
    having = {
        language: {q for q in range(len(pairs)) if pairs.queries[language][q] is not None}
        for language in pairs.languages
    }
    texts = {}
    for language in pairs.languages:
        questions = [len(pairs.queries[language][q] or "") for q in sorted(having[language])]
        passages = {(int(pairs.passage_groups[q]), str(pairs.passages[language][q])) for q in having[language]}
        texts[language] = {
            "questions": len(questions),
            "passages": len(passages),
            "question_characters": slow_lengths(questions),
            "passage_characters": slow_lengths([len(text) for _, text in passages]),
        }
        if language in pairs.negatives:
            texts[language]["negatives"] = sum(len(one) for one in pairs.negatives[language])
    return {
        "name": pairs.name,
        "languages": list(pairs.languages),
        "questions": len(pairs),
        "groups": len(set(pairs.passage_groups.tolist())),
        "in_all_languages": len(set.intersection(*having.values())) if having else 0,
        "coverage": [[len(having[a] & having[b]) for b in pairs.languages] for a in pairs.languages],
        "one_in": 1,
        "texts": texts,
    }


def slow_lengths(lengths: list[int]) -> dict[str, float] | None:
    if not lengths:
        return None
    ordered = sorted(lengths)
    at = [ordered[math.ceil(len(ordered) * share / 100) - 1] for share in (50, 95)]
    mean = round(sum(ordered) / len(ordered), 2)
    return {"texts": len(ordered), "mean": mean, "median": at[0], "p95": at[1], "max": ordered[-1]}


def same_as_slow(source: JsonlPairs | CldrCorpus) -> None:
    card = PreparedSource(source).card()
    expected = [*(("training", pairs) for pairs in source.training()), ("validation", source.validation())]
    assert card["datasets"] == [{"part": part, **slow(pairs)} for part, pairs in expected]
    assert [(one["name"], one["queries"], one["passages"]) for one in card["test"]] == [
        (one.name, len(one.queries), len(one.passages)) for one in source.test()
    ]
    assert (card["name"], card["fingerprint"], card["licence"]) == (
        source.name, source.fingerprint(), source.licence(),
    )  # fmt: skip
    assert card["summary"] == json.loads(json.dumps(source.summary()))


@pytest.mark.parametrize("block", [5, 1 << 18])
def test_every_number_is_that_of_a_slow_count(rows: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_module, "BLOCK", block)
    same_as_slow(JsonlPairs(str(rows), equal_ids="translations"))


@pytest.mark.slow
def test_the_card_of_the_built_in_corpus() -> None:
    same_as_slow(CldrCorpus(languages=["en", "de", "hi"], cities=20, spoken=20))


def test_passages_that_datasets_share(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three passages in English and in Chinese, and in German the two of which a question is left; of a sample fewer,
    and the card states it."""
    source = JsonlPairs(str(rows), equal_ids="translations", validation_share=0.01, test_share=0.0)
    training = source.training()
    card = PreparedSource(source).card()
    assert len(training) == 2
    found = {one["language"]: one["passages"] for one in card["shared"]}
    for language in ("en", "de", "zh"):
        first, second = ({text for text in pairs.passages[language] if text} for pairs in training)
        assert found.get(language, 0) == len(first & second)
    assert sum(found.values()) > 5
    assert {tuple(one["datasets"]) for one in card["shared"]} == {("one", "two")}
    monkeypatch.setattr(card_module, "HASHES", 20)
    sampled = card_module.data_card(PreparedFolder(PreparedSource(source).path), source.key())["shared"]
    assert all(one["one_in"] > 1 for one in sampled)
    assert sum(one["passages"] for one in sampled) < sum(found.values())


def test_a_sample_of_a_large_dataset_is_stated(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole groups: what is counted in one of two is about half."""
    monkeypatch.setattr(card_module, "QUESTIONS", 20)
    source = PreparedSource(JsonlPairs(str(rows), equal_ids="translations"))
    (one, *_) = source.card()["datasets"]
    (pairs, *_) = source.training()
    assert one["one_in"] == -(-len(pairs) // 20) > 1
    assert one["questions"] == len(pairs)
    assert one["coverage"] == slow(pairs)["coverage"]
    assert one["groups"] % one["one_in"] == 0
    lengths = one["texts"]["en"]["passage_characters"]
    assert 0 < lengths["texts"] < slow(pairs)["texts"]["en"]["passages"]
    text = (source.path / PAGE).read_text(encoding="utf-8")
    assert f"in one passage group of {one['one_in']}" in text


def test_lengths_of_nothing_and_of_one() -> None:
    assert Lengths.of([]) is None
    assert Lengths.of([np.zeros(0, dtype=np.int64)]) is None
    assert Lengths.of([np.array([7])]) == Lengths(1, 7.0, 7, 7, 7)
    assert Lengths.of([np.arange(1, 21)]) == Lengths(20, 10.5, 10, 19, 20)


def test_the_card_of_a_mix(rows: Path) -> None:
    """Datasets under the names that the mix gives them, and the files of all sources."""
    sources = {
        name: JsonlPairs(str(rows), languages=["en", "zh"], licence=name, equal_ids="translations")
        for name in ("a", "b")
    }
    source = PreparedSource(Mix(sources))
    card = source.card()
    assert [one["name"] for one in card["datasets"]] == ["a/one", "a/two", "b/one", "b/two", "validation"]
    for one, pairs in zip(card["datasets"], sources["a"].training(), strict=False):
        assert {**one, "part": ""} == {"part": "", **slow(pairs), "name": f"a/{pairs.name}"}
    assert [one["name"] for one in card["files"]] == ["rows.jsonl"] * 2
    shared = {tuple(one["datasets"]): one["passages"] for one in card["shared"] if one["language"] == "en"}
    assert shared["a/one", "b/one"] == card["datasets"][0]["texts"]["en"]["passages"]


def test_the_files_that_were_read(rows: Path) -> None:
    card = PreparedSource(JsonlPairs(str(rows), equal_ids="translations")).card()
    (file,) = card["files"]
    assert (file["name"], file["bytes"]) == ("rows.jsonl", (rows / "rows.jsonl").stat().st_size)
    assert PreparedSource(CldrCorpus(languages=["en", "de"], cities=20, spoken=20)).card()["files"] == []


def test_a_card_is_made_once_and_again_where_it_is_not(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of an earlier version has none; damage and another version are made again."""
    made: list[Any] = []
    real = card_module.data_card
    monkeypatch.setattr(kept_module, "data_card", lambda *of: made.append(of[0]) or real(*of))
    source = PreparedSource(JsonlPairs(str(rows), equal_ids="translations"))
    source.training()
    assert len(made) == 1
    expected = source.card()
    path = source.path / CARD
    assert json.loads((source.path / ABOUT).read_text(encoding="utf-8"))["prepared"] == expected["prepared"]
    assert len(made) == 1
    for number, spoil in enumerate((path.unlink, lambda: path.write_text("{"), lambda: path.write_text("{}")), 2):
        spoil()
        assert PreparedSource(JsonlPairs(str(rows), equal_ids="translations")).card() == expected
        assert PreparedSource(JsonlPairs(str(rows), equal_ids="translations")).card() == expected
        assert len(made) == number


def test_a_card_that_cannot_be_written_costs_no_run(
    rows: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*arguments: Any) -> None:
        raise UserError("Cannot write it: no space left.")

    monkeypatch.setattr(kept_module, "write_sealed", full)
    source = PreparedSource(JsonlPairs(str(rows), equal_ids="translations"))
    assert source.training()
    assert source.card()["datasets"]
    assert "no space left" in caplog.text


def test_the_page_has_the_form_of_the_hub_and_obeys_no_name(rows: Path) -> None:
    from huggingface_hub import DatasetCard

    source = PreparedSource(JsonlPairs(str(rows), equal_ids="translations", name=ATTACK, licence=ATTACK))
    card = source.card()
    text = (source.path / PAGE).read_text(encoding="utf-8")
    data = DatasetCard(text).data
    assert (data.language, data.task_categories) == (["de", "en", "zh"], ["text-retrieval"])
    assert yaml.safe_load(text.split("---")[1])["pretty_name"] == "a|b <script> # c"
    assert "<script>" not in text.split("---", 2)[2]
    assert "\n# c" not in text
    english = card["datasets"][0]["texts"]["en"]
    assert f"| en (English) | {english['questions']} | {english['passages']} |" in text
    assert "| de | " in text
    for words in ("## What was read and dropped", "`rows.jsonl`", "## Held out for tests", "a\\|b &lt;script&gt; # c"):
        assert words in text
