"""A sample of questions keeps what belongs to each of them."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.base.records import Collection, Unmet
from hybridret.data.question_sample import sampled_collection


def collection(questions: int = 12) -> Collection:
    """Every question in two languages, two judgments for each query, an unmet one for every third question."""
    numbers = np.tile(np.arange(questions), 2)
    unmet = np.flatnonzero(numbers % 3 == 0)
    return Collection(
        name="toy",
        languages=("en", "de"),
        query_ids=tuple(f"q{query}" for query in range(2 * questions)),
        queries=[f"text {query}" for query in range(2 * questions)],
        query_languages=np.repeat(np.arange(2), questions),
        questions=numbers,
        passage_ids=tuple(f"p{passage}" for passage in range(20)),
        passages=["" for _ in range(20)],
        passage_languages=np.arange(20) % 2,
        relevant_queries=np.repeat(np.arange(2 * questions), 2),
        relevant_passages=np.arange(4 * questions) % 20,
        grades=np.arange(4 * questions) % 2 + 1,
        unmet=Unmet(unmet, tuple(f"missing{query}" for query in unmet), np.ones(len(unmet), int), unmet % 2),
    )


def by_query(one: Collection) -> dict[str, tuple[object, ...]]:
    """All that belongs to a query, found slowly."""
    return {
        name: (
            one.queries[query],
            int(one.query_languages[query]),
            int(one.questions[query]),
            [
                (int(p), int(g))
                for q, p, g in zip(one.relevant_queries, one.relevant_passages, one.grades, strict=True)
                if q == query
            ],
            [
                (p, int(g), int(language))
                for q, p, g, language in zip(
                    one.unmet.queries, one.unmet.passage_ids, one.unmet.grades, one.unmet.languages, strict=True
                )
                if q == query
            ],
        )
        for query, name in enumerate(one.query_ids)
    }


@pytest.mark.parametrize("questions", [1, 5, 11])
def test_what_belongs_to_a_question_stays(questions: int) -> None:
    whole = collection()
    sample = sampled_collection(whole, questions)
    assert len(np.unique(sample.questions)) == questions
    assert len(sample.query_ids) == 2 * questions
    assert sample.passage_ids == whole.passage_ids
    everything, kept = by_query(whole), by_query(sample)
    assert kept == {name: everything[name] for name in kept}
    assert set(kept) <= set(by_query(sampled_collection(whole, questions + 1)))


def test_a_small_collection_is_taken_whole() -> None:
    whole = collection()
    assert sampled_collection(whole, 12) is whole
