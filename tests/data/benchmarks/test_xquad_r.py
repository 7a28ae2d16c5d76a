"""XQuAD-R: golden counts on the published files, hand-made files, and bad input."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.data.benchmarks.xquad_r import LANGUAGES
from hybridret.data.benchmarks.xquad_r import XquadR as Published
from hybridret.data.jsonl import JsonlPairs

XquadR = partial(Published, allow_other=True)  # the sets here are small

CANDIDATES = [1222, 1276, 1234, 1180, 1215, 1244, 1219, 852, 1167, 1209, 1196]


def content(text: str, breaks: bool = True) -> dict[str, Any]:
    qas = [{"id": "a", "question": f"{text}?", "answers": [{"answer_start": len(text) + 3, "text": text}]}]
    paragraph: dict[str, Any] = {"context": f"{text}.\nB {text}.", "qas": qas}
    if breaks:
        paragraph["sentence_breaks"] = [[0, len(text) + 1], [len(text) + 2, 2 * len(text) + 5]]
    return {"data": [{"title": "T", "paragraphs": [paragraph]}]}


def write(folder: Path, languages: tuple[str, ...] = LANGUAGES, breaks: bool = True) -> str:
    for language in languages:
        (folder / f"{language}.json").write_text(json.dumps(content(language, breaks)), encoding="utf-8")
    return str(folder)


def test_small_files(tmp_path: Path) -> None:
    (collection,) = XquadR(write(tmp_path), languages=["th", "en"]).collections(None)
    assert collection.name == "xquad_r_other"
    assert collection.languages == ("th", "en")
    assert collection.passages == ["th.", "B th.", "en.", "B en."]
    assert collection.contexts == ["th. B th."] * 2 + ["en. B en."] * 2
    assert collection.relevant_passages.tolist() == [1, 3, 1, 3]
    assert "in-domain" not in collection.notes


def test_in_domain_training_data_is_noted(tmp_path: Path) -> None:
    rows = [
        {"qid": title, "lang": "en", "question": f"q {title}", "passage": f"p {title}", "pid": title, "title": title}
        for title in "TUVWXYZABCDE"
    ]
    (tmp_path / "train.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    benchmark = XquadR(write(tmp_path))
    sources = [JsonlPairs(str(tmp_path / "train.jsonl"), split_seed=seed) for seed in range(20)]
    trained = next(source for source in sources if "T" in source.articles())
    held_out = next(source for source in sources if "T" not in source.articles())
    assert benchmark.collections(trained)[0].notes["in-domain"].startswith("1 of its")
    assert "in-domain" not in benchmark.collections(held_out)[0].notes


def test_missing_files_say_where_the_data_is(tmp_path: Path) -> None:
    folder = write(tmp_path, ("en", "es"))
    with pytest.raises(UserError) as error:
        XquadR(folder).collections(None)
    assert "lacks ar.json, de.json" in str(error.value)
    assert "google-research-datasets/lareqa" in str(error.value)
    assert "eval.xquad_r.languages=[en,es]" in str(error.value)
    with pytest.raises(UserError, match="there is no folder"):
        XquadR(str(tmp_path / "absent")).collections(None)
    with pytest.raises(UserError, match="path is not set"):
        XquadR(None).collections(None)
    for languages in (["fr"], [], ["en", "en"]):
        with pytest.raises(UserError, match=r"eval\.xquad_r\.languages.*ar, de"):
            XquadR(folder, languages=languages).collections(None)


def test_the_copy_without_breaks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no 'sentence_breaks'.*lacks the sentence breaks"):
        XquadR(write(tmp_path, breaks=False)).collections(None)


def test_goldens(real_data: Path) -> None:
    (collection,) = XquadR(str(real_data / "eval" / "xquad-r")).collections(None)
    assert collection.languages == LANGUAGES
    assert np.bincount(collection.passage_languages).tolist() == CANDIDATES
    assert len(collection.passages) == 13_014
    assert len(collection.queries) == 13_090
    assert np.bincount(collection.query_languages).tolist() == [1190] * 11
    assert np.bincount(collection.relevant_queries).tolist() == [11] * 13_090
    assert collection.contexts is not None
    assert not any("\n" in text for text in [*collection.passages, *collection.contexts])
    assert all(sentence in context for sentence, context in zip(collection.passages, collection.contexts, strict=True))
    # One relevant sentence per language, and all translations of a question are one cluster.
    languages = collection.passage_languages[collection.relevant_passages].reshape(-1, 11)
    assert (np.sort(languages, axis=1) == np.arange(11)).all()
    assert np.bincount(collection.questions).tolist() == [11] * 1190


def test_goldens_of_two_languages(real_data: Path) -> None:
    (collection,) = XquadR(str(real_data / "eval" / "xquad-r"), languages=["en", "es"]).collections(None)
    assert len(collection.passages) == 1180 + 1215
    assert np.bincount(collection.relevant_queries).tolist() == [2] * 2380


def test_training_on_squad_dev_is_in_domain(real_data: Path) -> None:
    source = JsonlPairs(str(real_data / "train"), files=["squad-dev.en.*"])
    (collection,) = XquadR(str(real_data / "eval" / "xquad-r"), languages=["en"]).collections(source)
    trained_on = source.summary()["articles"]["train"]
    assert trained_on < 48
    assert collection.notes["in-domain"] == f"{trained_on} of its 48 articles also stand in the training data"


def test_training_data_that_is_gone_is_a_note(real_data: Path, tmp_path: Path) -> None:
    source = JsonlPairs(str(tmp_path / "gone"))
    (collection,) = XquadR(str(real_data / "eval" / "xquad-r"), languages=["en"]).collections(source)
    assert "not known" in collection.notes["in-domain"]
