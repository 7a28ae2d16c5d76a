"""Pairs as a retrieval collection: some of their questions, drawn once and for all, against all of their passages."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from hybridret.base.records import Collection, ParallelPairs
from hybridret.data.question_sample import drawn_questions


def pair_collection(pairs: ParallelPairs, questions: int) -> Collection:
    """At most `questions` of `pairs` in every language that they have, against every passage in every language.

    Relevant are the passages of the question's passage group, in each language that has it. The questions are drawn by
    `drawn_questions`, so that runs compare.
    """
    chosen = drawn_questions(pairs.question_ids, questions)
    ids: list[str] = []
    passages: list[str] = []
    spoken: list[int] = []
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, language in enumerate(pairs.languages):
        known: set[tuple[int, str]] = set()
        texts_of: defaultdict[int, int] = defaultdict(int)
        for group, text in zip(pairs.passage_groups.tolist(), pairs.passages[language], strict=True):
            if text is None or (group, text) in known:
                continue
            known.add((group, text))
            found[group].append(len(ids))
            ids.append(f"{language}:{group}:{texts_of[group]}")
            texts_of[group] += 1
            passages.append(text)
            spoken.append(number)
    asked = [
        (number, question, text)
        for number, language in enumerate(pairs.languages)
        for question in chosen
        if (text := pairs.queries[language][question]) is not None and pairs.present[question, number]
    ]
    relevant = [found[int(pairs.passage_groups[question])] for _, question, _ in asked]
    judged = np.array([passage for one in relevant for passage in one], dtype=np.int64)
    return Collection(
        name=pairs.name,
        languages=pairs.languages,
        query_ids=tuple(f"{pairs.languages[number]}:{pairs.question_ids[question]}" for number, question, _ in asked),
        queries=[text for _, _, text in asked],
        query_languages=np.array([number for number, _, _ in asked], dtype=np.int64),
        questions=np.array([question for _, question, _ in asked], dtype=np.int64),
        passage_ids=tuple(ids),
        passages=passages,
        passage_languages=np.array(spoken, dtype=np.int64),
        relevant_queries=np.repeat(np.arange(len(asked)), [len(one) for one in relevant]).astype(np.int64),
        relevant_passages=judged,
        grades=np.ones(len(judged), dtype=np.int64),
    )
