"""MLQA-R: counts beside the published ones, on the published MLQA files, and bad input."""

from __future__ import annotations

import gzip
import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.data.benchmarks.mlqa_r import MlqaR as Published
from hybridret.data.benchmarks.mlqa_r import counts_text, mlqa_r_counts

MlqaR = partial(Published, allow_other=True)  # the sets here are small

QUESTIONS = {"ar": 517, "de": 512, "en": 1148, "es": 500, "hi": 507, "vi": 511, "zh": 504}
CANDIDATES = {
    "like_lareqa": {"ar": 2318, "de": 2429, "en": 6304, "es": 1791, "hi": 2384, "vi": 2768, "zh": 2316},
    "unicode": {"ar": 2318, "de": 2429, "en": 6304, "es": 1791, "hi": 2384, "vi": 2768, "zh": 2497},
    "pysbd": {"ar": 4985, "de": 2426, "en": 6192, "es": 2041, "hi": 2245, "vi": 2749, "zh": 2496},
}


def write(folder: Path, language: str, context: str, start: int) -> None:
    qas = [{"id": "a", "question": "q?", "answers": [{"answer_start": start, "text": "x"}]}]
    content = {"data": [{"title": language, "paragraphs": [{"context": context, "qas": qas}]}]}
    file = folder / f"dev-context-{language}-question-{language}.json.gz"
    file.write_bytes(gzip.compress(json.dumps(content).encode()))


def test_small_files(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    write(tmp_path / "dev", "en", "One. Two.", 5)
    write(tmp_path / "dev", "zh", "一。二。三。", 2)
    for path in (tmp_path, tmp_path / "dev"):
        (collection,) = MlqaR(str(path), languages=["zh", "en"]).collections(None)
        assert collection.name == "mlqa_r_other"
        assert collection.passages == ["一。", "二。", "三。", "One.", "Two."]
        assert collection.relevant_passages.tolist() == [1, 4, 1, 4]
        assert collection.notes["splitter"] == "like_lareqa"
        assert collection.notes["candidates (ours / published)"] == "zh 3 / 2322, en 2 / 6264"


def test_missing_files_say_where_the_data_is(tmp_path: Path) -> None:
    write(tmp_path, "en", "One.", 0)
    with pytest.raises(UserError, match=r"lacks dev-context-ar-question-ar\.json.*facebookresearch/MLQA"):
        MlqaR(str(tmp_path)).collections(None)
    with pytest.raises(UserError, match=r"eval\.mlqa_r\.splitter=nltk: choose one of like_lareqa"):
        MlqaR(str(tmp_path), splitter="nltk")
    with pytest.raises(UserError, match=r"eval\.mlqa_r\.path is not set"):
        MlqaR(None).collections(None)


@pytest.mark.parametrize("splitter", ["like_lareqa", "unicode", pytest.param("pysbd", marks=pytest.mark.slow)])
def test_goldens(real_data: Path, splitter: str) -> None:
    if splitter == "pysbd":
        pytest.importorskip("pysbd")
    (collection,) = MlqaR(str(real_data / "eval" / "mlqa" / "dev"), splitter=splitter).collections(None)
    counts = mlqa_r_counts(collection)
    assert {language: count["questions"] for language, count in counts.items()} == QUESTIONS
    assert {language: count["published_questions"] for language, count in counts.items()} == QUESTIONS
    assert {language: count["candidates"] for language, count in counts.items()} == CANDIDATES[splitter]
    assert collection.notes["candidates (ours / published)"] == counts_text(counts)
    # 2 to 4 parallel answers: one per language that has the question, more only where a sentence repeats.
    languages = np.bincount(collection.questions)
    assert (languages.min(), languages.max()) == (2, 4)
    assert np.array_equal(np.bincount(collection.relevant_queries), languages[collection.questions])


def test_the_default_is_the_nearest() -> None:
    """The reason for the default splitter, from the recorded numbers."""
    published = {"ar": 2545, "de": 2362, "en": 6264, "es": 1787, "hi": 2426, "vi": 2828, "zh": 2322}
    off = {
        name: sum(abs(count - published[language]) for language, count in counts.items())
        for name, counts in CANDIDATES.items()
    }
    assert off == {"like_lareqa": 446, "unicode": 615, "pysbd": 3264}
