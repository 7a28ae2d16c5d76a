"""From rows to the records of records.py: training pairs, and a retrieval collection with its judgments.

A question is a (dataset, qid, passage group) triple: rows in several languages that agree in all three are
translations. The group is the pid where a row names no other. Rows with the same qid and different groups (ids counted
per language, as in TyDi QA) are different questions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set

import numpy as np

from hybridret.base.records import Collection, Negative, ParallelPairs
from hybridret.data.rows import Row

Key = tuple[str, str, str]


def pid_of(row: Row) -> str:
    """The passage id of a row; after `with_passage_ids` every row has one."""
    assert row.pid is not None
    return row.pid


def group_of(row: Row) -> str:
    """The passage group of a row, shared by passages that must not be negatives of each other."""
    return pid_of(row) if row.group is None else row.group


def question_key(row: Row) -> Key:
    """The key that all translations of a question share: dataset, qid and passage group."""
    return row.dataset, row.qid, group_of(row)


def passage_texts(rows: Sequence[Row]) -> dict[tuple[str, str, str], str]:
    """(dataset, pid, language) -> the passage, in order of appearance; if rows of one pid differ, the first text."""
    texts: dict[tuple[str, str, str], str] = {}
    for row in rows:
        texts.setdefault((row.dataset, pid_of(row), row.lang), row.passage)
    return texts


def question_ids(keys: Sequence[Key]) -> tuple[str, ...]:
    """Unique ids: the qid, with its pid if it is not unique alone, and with the dataset if there are several."""
    datasets = {dataset for dataset, _, _ in keys}
    times = Counter((dataset, qid) for dataset, qid, _ in keys)
    return tuple(
        (f"{dataset}/" if len(datasets) > 1 else "") + (qid if times[dataset, qid] == 1 else f"{qid}@{pid}")
        for dataset, qid, pid in keys
    )


def build_pairs(name: str, languages: Sequence[str], rows: Sequence[Row]) -> ParallelPairs:
    """Pairs of `rows`, questions in order of appearance; languages without a row are left out."""
    here = {row.lang for row in rows}
    chosen = tuple(language for language in languages if language in here)
    position: dict[Key, int] = {}
    groups: dict[tuple[str, str], int] = {}
    passage_groups: list[int] = []
    for row in rows:
        if position.setdefault(question_key(row), len(position)) == len(passage_groups):
            passage_groups.append(groups.setdefault((row.dataset, group_of(row)), len(groups)))
    of_pid = {(row.dataset, pid_of(row)): groups[row.dataset, group_of(row)] for row in rows}
    texts = passage_texts(rows)
    queries: dict[str, list[str | None]] = {language: [None] * len(position) for language in chosen}
    passages: dict[str, list[str | None]] = {language: [None] * len(position) for language in chosen}
    negatives: dict[str, list[tuple[Negative, ...]]] = {}
    for row in rows:
        at = position[question_key(row)]
        queries[row.lang][at] = row.question
        passages[row.lang][at] = texts[row.dataset, pid_of(row), row.lang]
        if row.negatives:
            filled = negatives.setdefault(row.lang, [()] * len(position))
            filled[at] = tuple(
                Negative(text, of_pid.get((row.dataset, pid), -1) if pid is not None else -1)
                for text, pid in row.negatives
            )
    return ParallelPairs(
        name=name,
        languages=chosen,
        question_ids=question_ids(list(position)),
        queries=queries,
        passages=passages,
        passage_groups=np.array(passage_groups, dtype=np.int64),
        negatives=negatives,
    )


def languages_of_questions(rows: Sequence[Row]) -> dict[Key, Set[str]]:
    """The languages that each question exists in."""
    found: defaultdict[Key, set[str]] = defaultdict(set)
    for row in rows:
        found[question_key(row)].add(row.lang)
    return dict(found)


def build_collection(
    name: str, languages: Sequence[str], rows: Sequence[Row], asked: Set[Key], notes: Mapping[str, str]
) -> Collection:
    """A collection of one dataset: the pool is every passage of `rows` in every language, the queries those of `asked`.

    Relevant are the question's own passages, in each language that has it; in another language the passage of its
    group, if the group has just one there. All have grade 1.
    """
    chosen = tuple(language for language in languages if any(row.lang == language for row in rows))
    number = {language: index for index, language in enumerate(chosen)}
    pool = sorted(passage_texts(rows).items(), key=lambda item: number[item[0][2]])  # stable: language by language
    at = {(pid, language): index for index, ((_, pid, language), _) in enumerate(pool)}
    own: defaultdict[Key, dict[str, int]] = defaultdict(dict)
    of_group: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for row in rows:
        index = own[question_key(row)].setdefault(row.lang, at[pid_of(row), row.lang])
        of_group[group_of(row), row.lang].add(index)
    position: dict[Key, int] = {}
    for row in rows:
        if question_key(row) in asked:
            position.setdefault(question_key(row), len(position))
    ids = question_ids(list(position))
    queries = sorted((row for row in rows if question_key(row) in asked), key=lambda row: number[row.lang])

    def relevant_to(key: Key) -> list[int]:
        others = {language: of_group.get((key[2], language), set()) for language in chosen}
        single = {language: min(found) for language, found in others.items() if len(found) == 1}
        return sorted((single | own[key]).values())

    judged = {key: relevant_to(key) for key in position}
    relevant = [judged[question_key(row)] for row in queries]
    return Collection(
        name=name,
        languages=chosen,
        query_ids=tuple(f"{row.lang}:{ids[position[question_key(row)]]}" for row in queries),
        queries=[row.question for row in queries],
        query_languages=_array([number[row.lang] for row in queries]),
        questions=_array([position[question_key(row)] for row in queries]),
        passage_ids=tuple(f"{language}:{pid}" for (_, pid, language), _ in pool),
        passages=[text for _, text in pool],
        passage_languages=_array([number[language] for (_, _, language), _ in pool]),
        relevant_queries=_array([index for index, found in enumerate(relevant) for _ in found]),
        relevant_passages=_array([passage for found in relevant for passage in found]),
        grades=np.ones(sum(map(len, relevant)), dtype=np.int64),
        notes=notes,
    )


def _array(values: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)
