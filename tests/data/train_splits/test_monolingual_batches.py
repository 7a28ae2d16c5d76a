"""What strategies do with questions that exist in one language each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from split_folders import miracl

from hybridret.base.errors import UserError
from hybridret.base.records import ParallelPairs
from hybridret.batching.cross import Cross
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mix import realised_mix
from hybridret.batching.mono import Mono
from hybridret.batching.x_x import XX


def parallel(questions: int = 40) -> ParallelPairs:
    texts = {language: [f"{language} {n}" for n in range(questions)] for language in ("en", "de")}
    ids = tuple(f"q{n}" for n in range(questions))
    return ParallelPairs("parallel", ("en", "de"), ids, texts, texts, np.arange(questions, dtype=np.int64))


def test_only_mono_batches_draw_them(folder: Path) -> None:
    datasets = [parallel(), *miracl(folder).training()]
    schedule = Hybrid(0.5).schedule(datasets, 4)
    batches = [schedule(3, step) for step in range(400)]
    mix = realised_mix(batches, datasets)
    assert mix["monolingual_datasets"] == ["miracl"]
    assert {batch.dataset for batch in batches if batch.kind == "cross"} == {0}
    assert 0.42 < mix["alpha"] < 0.58
    mono = [batch.dataset for batch in batches if batch.kind == "mono"]
    size = len(datasets[1])
    assert np.mean(mono) == pytest.approx(size / (size + 80), abs=0.12)
    for batch in batches:
        if batch.dataset == 1:
            languages = {datasets[1].languages[one] for one in batch.query_languages}
            (language,) = languages
            assert all(datasets[1].queries[language][int(question)] is not None for question in batch.questions)


def test_with_nothing_parallel_the_error_says_what_to_do(folder: Path) -> None:
    data = miracl(folder).training()
    with pytest.raises(UserError, match=r"questions in two languages.*batching=mono\.$"):
        Cross().schedule(data, 4)
    with pytest.raises(
        UserError, match=r"batching=mono\. Or add a parallel dataset \(data=mix\): .* batching\.alpha=1 draws no"
    ):
        Hybrid(0.5).schedule(data, 4)
    assert Hybrid(1.0).schedule(data, 4)(1, 0).kind == "mono"
    batch = XX().schedule(data, 6)(1, 0)
    assert (batch.query_languages == batch.passage_languages).all()


def test_a_language_with_too_few_questions_is_named(folder: Path) -> None:
    with pytest.raises(UserError, match=r"dataset 'miracl' has questions about \d+ different passages .*'sw', too few"):
        Mono().schedule(miracl(folder).training(), 12)
