from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hybridret.base.progress import Quiet
from hybridret.base.settings import EvaluationSettings
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.evaluation.evaluate import evaluate
from hybridret.evaluation.judgments import Judgments
from hybridret.retrieval.bm25 import Bm25

pytest.importorskip("bm25s")


def test_words_of_four_scripts_find_their_sentences(real_data: Path, settings: EvaluationSettings) -> None:
    """Measured: en .839, hi .799, th .817, zh .839. Without marks or pieces hi, th and zh fall far below."""
    (collection,) = XquadR(str(real_data / "eval" / "xquad-r"), ["en", "hi", "th", "zh"]).collections(None)
    chosen = replace(settings, settings=["monolingual"], cutoffs=[10])
    metrics = evaluate(Bm25(), collection, chosen, 0, Quiet()).metrics
    found = metrics[metrics["metric"] == "map"].set_index("query_language")["value"]
    assert found.drop("macro").round(3).to_dict() == pytest.approx(
        {"en": 0.839, "hi": 0.799, "th": 0.817, "zh": 0.839}, abs=0.005
    )


def test_each_question_has_one_answer_in_each_language(real_data: Path) -> None:
    """So its rank distance, the spread of the best answers of the languages, is the spread of all answers."""
    (collection,) = XquadR(str(real_data / "eval" / "xquad-r")).collections(None)
    assert (Judgments(collection).relevant_languages == 1).all()
