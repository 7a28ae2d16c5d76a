"""A mix of sources: each keeps its copy, datasets have the names and weights of their sources, nothing is shifted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Negative, ParallelPairs
from hybridret.batching.hybrid import Hybrid
from hybridret.config.instantiate import make
from hybridret.data.cldr.source import CldrCorpus
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.mix import Mix, joined_pairs
from hybridret.data.prepared.source import PreparedSource


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


def rows(folder: Path, name: str, languages: Sequence[str], questions: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for language in languages:
        if (folder / f"{name}.{language}.jsonl").is_file():  # a file that changes has another copy
            continue
        lines = [
            json.dumps(
                {
                    "qid": f"q{number}",
                    "lang": language,
                    "question": f"{name} {language} question {number}",
                    "passage": f"{name} {language} passage {number}",
                    "pid": f"p{number}",
                    "title": f"{name} {number // 2}",
                }
            )
            for number in range(questions)
        ]
        (folder / f"{name}.{language}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def two(folder: Path, **given: Any) -> Mix:
    """A monolingual source of 20 questions, and a bilingual one of two datasets with 60 and 30 questions."""
    rows(folder / "both", "large", ["de", "en"], 60)
    rows(folder / "both", "small", ["de", "en"], 30)
    one = JsonlPairs(str(rows(folder / "one", "alone", ["tr"], 20)), test_share=0.3)
    return Mix({"turkish": one, "pairs": JsonlPairs(str(folder / "both"), held_out=["large"])}, **given)


def test_it_holds_what_its_sources_hold(tmp_path: Path) -> None:
    mix = PreparedSource(two(tmp_path))
    turkish, pairs = (PreparedSource(source) for source in two(tmp_path).sources.values())
    names = [one.name for one in mix.training()]
    assert names == ["turkish", "pairs/large", "pairs/small"]
    for mine, own in zip(mix.training(), [*turkish.training(), *pairs.training()], strict=True):
        assert (mine.languages, list(mine.question_ids)) == (own.languages, list(own.question_ids))
        for language in own.languages:
            assert list(mine.queries[language]) == list(own.queries[language])
            assert list(mine.passages[language]) == list(own.passages[language])
    assert [one.name for one in mix.test()] == [one.name for one in (*turkish.test(), *pairs.test())]
    assert mix.articles() == (turkish.articles() or set()) | (pairs.articles() or set())
    assert mix.licence() == "turkish: not stated pairs: not stated"
    summary = mix.summary()
    assert summary is not None
    assert summary["sources"] == {"turkish": turkish.summary(), "pairs": pairs.summary()}
    assert set(mix.texts()) == set(turkish.texts()) | set(pairs.texts())
    assert PreparedSource(two(tmp_path)).fingerprint() == mix.fingerprint()


def test_validation_pairs_stand_one_behind_another(tmp_path: Path) -> None:
    mix = PreparedSource(two(tmp_path)).validation()
    turkish, pairs = (PreparedSource(source).validation() for source in two(tmp_path).sources.values())
    assert mix.languages == ("tr", "de", "en")
    assert list(mix.question_ids) == [f"turkish:{i}" for i in turkish.question_ids] + [
        f"pairs:{i}" for i in pairs.question_ids
    ]
    assert list(mix.queries["tr"]) == [*turkish.queries["tr"], *[None] * len(pairs)]
    assert list(mix.passages["en"]) == [*[None] * len(turkish), *pairs.passages["en"]]
    groups = mix.passage_groups
    assert not set(groups[: len(turkish)].tolist()) & set(groups[len(turkish) :].tolist())
    for part, own in ((groups[: len(turkish)], turkish), (groups[len(turkish) :], pairs)):
        same = np.equal.outer(part, part)
        assert (same == np.equal.outer(own.passage_groups, own.passage_groups)).all()


def test_hard_negatives_and_empty_parts_keep_their_questions() -> None:
    def part(name: str, questions: int, hard: bool) -> ParallelPairs:
        texts = {"en": [f"{name} {number}" for number in range(questions)]}
        negatives = {"en": [(Negative(f"{name} {number}"),) for number in range(questions)]} if hard else {}
        return ParallelPairs(
            name, ("en",), tuple(map(str, range(questions))), texts, texts, np.arange(questions) + 7, negatives
        )

    joined = joined_pairs({"a": part("a", 2, False), "none": part("none", 0, True), "b": part("b", 1, True)})
    assert joined.negatives == {"en": [(), (), (Negative("b 0"),)]}
    assert joined.passage_groups.tolist() == [0, 1, 2]


def shares(mix: Mix, alpha: float, steps: int = 4000) -> dict[str, float]:
    datasets = PreparedSource(mix).training()
    schedule = Hybrid(alpha).schedule(datasets, 4)
    drawn = np.bincount([schedule(1, step).dataset for step in range(steps)], minlength=len(datasets)) / steps
    return {one.name: float(share) for one, share in zip(datasets, drawn, strict=True)}


def test_sizes_their_powers_and_weights_decide_what_is_drawn(tmp_path: Path) -> None:
    sizes = {one.name: float(one.present.sum()) for one in PreparedSource(two(tmp_path)).training()}
    near = {"abs": 0.03}
    total = sum(sizes.values())
    assert shares(two(tmp_path), 1.0) == pytest.approx({one: size / total for one, size in sizes.items()}, **near)
    rooted = {one: size**0.5 for one, size in sizes.items()}
    total = sum(rooted.values())
    found = shares(two(tmp_path, exponent=0.5), 1.0)
    assert found == pytest.approx({one: size / total for one, size in rooted.items()}, **near)
    assert shares(two(tmp_path, exponent=0.0), 1.0) == pytest.approx(dict.fromkeys(sizes, 1 / 3), **near)
    inside = sizes["pairs/large"] + sizes["pairs/small"]
    wanted = {
        "turkish": 0.75,
        "pairs/large": 0.25 * sizes["pairs/large"] / inside,
        "pairs/small": 0.25 * sizes["pairs/small"] / inside,
    }
    weighted = two(tmp_path, weights={"turkish": 3, "pairs": 1})
    assert shares(weighted, 1.0) == pytest.approx(wanted, **near)
    crossed = shares(weighted, 0.0)
    assert crossed["turkish"] == 0.0  # monolingual: nothing in it crosses languages
    assert crossed["pairs/large"] == pytest.approx(sizes["pairs/large"] / inside, **near)


def test_weights_need_no_other_copy(tmp_path: Path) -> None:
    paths = {PreparedSource(two(tmp_path, **given)).path for given in ({}, {"exponent": 0.5})}
    paths.add(PreparedSource(two(tmp_path, weights={"turkish": 3, "pairs": 1})).path)
    assert len(paths) == 1


def test_a_lost_copy_of_a_source_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = PreparedSource(two(tmp_path))
    ids = [list(one.question_ids) for one in first.training()]
    shutil.rmtree(PreparedSource(first.source.sources["pairs"]).path)  # type: ignore[union-attr]
    again = PreparedSource(two(tmp_path))
    assert [list(one.question_ids) for one in again.training()] == ids
    assert "It is prepared again" in caplog.text


def test_equal_names_of_test_sets_get_their_source_in_front(tmp_path: Path) -> None:
    folders = [rows(tmp_path / name, "qa", ["de", "en"], 40) for name in ("a", "b")]
    mix = PreparedSource(Mix({folder.name: JsonlPairs(str(folder)) for folder in folders}))
    assert [one.name for one in mix.test()] == ["a-qa", "b-qa"]
    assert [one.name for one in mix.training()] == ["a", "b"]


def test_almost_equal_texts_are_no_leak_only_where_all_sources_are_templated(tmp_path: Path) -> None:
    corpus = CldrCorpus(languages=["en", "de"], cities=20, spoken=20)
    assert Mix({"a": corpus}).templated
    assert not Mix({"a": corpus, "b": JsonlPairs(str(rows(tmp_path, "qa", ["de"], 20)))}).templated


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"sources": {}}, "data.sources is empty: add at least one source"),
        ({"sources": {"a/b": None}}, "data.sources.a/b: a name holds no '/'"),
        ({"weights": {"turkisch": 1, "pairs": 1}}, "data.weights.turkisch: there is no such source.*turkish"),
        ({"weights": {"turkish": 1}}, "data.weights has none for pairs: set data.weights.pairs=NUMBER"),
        ({"weights": {"turkish": 0, "pairs": 1}}, "data.weights.turkish=0"),
        ({"weights": {"turkish": 2, "pairs": 1}, "exponent": 0.5}, "both say how often"),
        ({"exponent": 1.5}, "data.exponent"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    sources = two(tmp_path).sources
    with pytest.raises(UserError, match=says):
        Mix(**{"sources": sources, **given})


def test_errors_name_the_source_and_its_key(tmp_path: Path) -> None:
    mix = Mix({"here": CldrCorpus(languages=["en", "de"]), "gone": JsonlPairs(str(tmp_path / "gone"))})
    with pytest.raises(UserError, match=r"Source gone of the mix \(its data.KEY is data.sources.gone.KEY\).*There is"):
        PreparedSource(mix).prepare(Quiet())
    assert [text.partition(": ")[0] for text in mix.missing()] == ["data.sources.gone"]


def test_a_config_makes_the_sources_and_names_their_keys() -> None:
    corpus = {"_target_": "hybridret.data.cldr.source.CldrCorpus", "languages": ["en", "de"]}
    section: dict[str, Any] = {"_target_": "hybridret.data.mix.Mix", "sources": {"facts": corpus}}
    mix = make(section, "data")
    assert isinstance(mix.sources["facts"], CldrCorpus)
    corpus["cites"] = 3
    with pytest.raises(UserError, match=r"Unknown key data.sources.facts.cites. Did you mean .*cities"):
        make(section, "data")


def test_a_source_that_cannot_be_made_is_named_with_its_keys() -> None:
    table = {"_target_": "hybridret.data.tables.tsv.tsv", "path": "x", "delimiter": "ab"}
    section: dict[str, Any] = {"_target_": "hybridret.data.mix.Mix", "sources": {"rows": table}}
    with pytest.raises(UserError, match=r"rows of the mix \(its data.KEY is data.sources.rows.KEY\): data.delimiter="):
        make(section, "data")
    table |= {"delimiter": ",", "validation_questions": 0}
    with pytest.raises(UserError, match=r"^data.sources.rows.validation_questions=0 must be"):
        make(section, "data")


def test_a_mix_in_a_mix_is_refused(tmp_path: Path) -> None:
    """Its weights would not count."""
    with pytest.raises(UserError, match=r"data.sources.inner is a mix itself: give its sources"):
        Mix({"inner": two(tmp_path, exponent=0.5)})


def test_groups_of_negatives_stay_those_of_their_passages() -> None:
    def part(groups: list[int], negatives: list[list[int]]) -> ParallelPairs:
        texts = {"en": [f"text {number}" for number in groups]}
        found = {"en": [tuple(Negative("text", group) for group in one) for one in negatives]}
        return ParallelPairs("validation", ("en",), tuple(map(str, groups)), texts, texts, np.array(groups), found)

    joined = joined_pairs({"a": part([5, 9], [[9, -1], []]), "b": part([9, 2, 2], [[2], [9, 7], []])})
    assert joined.passage_groups.tolist() == [0, 1, 3, 2, 2]
    found = [[one.group for one in negatives] for negatives in joined.negatives["en"]]
    assert found == [[1, -1], [], [2], [3, -1], []]  # 7: a group of the training, of which no passage is here
