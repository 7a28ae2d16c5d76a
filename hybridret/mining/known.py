"""What is known to answer a question: the passages of all questions that ask the same, and their copies.

A question may have several relevant passages, each as a pair of its own, and a passage may stand under several
numbers. None of them is a negative, whatever its language.
"""

from __future__ import annotations

import numpy as np

from hybridret.base.records import BoolArray, IntArray, ParallelPairs
from hybridret.mining.candidates import mixed
from hybridret.mining.distinct import DistinctPassages, Hashes, text_hashes


class KnownAnswers:
    """For passages of one language: which of them answer a query, asked in any of `languages`.

    A copy of an answer stands in the group of that answer, too. 16 bytes for each question and language are in memory.
    """

    def __init__(self, pairs: ParallelPairs, passages: DistinctPassages, languages: IntArray) -> None:
        self._passages = passages
        self._queries = {language: text_hashes(pairs.queries[pairs.languages[language]]) for language in languages}
        made = [np.zeros(0, dtype=np.uint64)]
        for language, queries in self._queries.items():
            asked = np.flatnonzero(pairs.present[:, language])
            made.append(mixed(queries[asked], pairs.passage_groups[asked].astype(np.uint64)))
        self._known = np.unique(np.concatenate(made))

    def answers(self, questions: IntArray, asking: IntArray, found: IntArray) -> BoolArray:
        """[q, k]: whether passages `found` [q, k] (-1: none) answer `questions` [q], asked in languages `asking`."""
        queries = self._hashes(questions, asking)[:, None]
        groups = self._passages.groups[found].astype(np.uint64)
        answers: BoolArray = (found >= 0) & self._has(mixed(queries, groups))
        self._by_further_groups(answers, queries, found)
        return answers

    def _by_further_groups(self, answers: BoolArray, queries: Hashes, found: IntArray) -> None:
        """Mark also what stands in a group of an answer under another number, a group of each passage at a time."""
        rows, columns = np.nonzero((found >= 0) & ~answers)
        first, last = (self._passages.bounds[found[rows, columns] + more] for more in (0, 1))
        while len(rows):
            some = first < last
            rows, columns, first, last = rows[some], columns[some], first[some], last[some]
            groups = self._passages.more_groups[first].astype(np.uint64)
            same = self._has(mixed(queries[rows, 0], groups))
            answers[rows[same], columns[same]] = True
            rows, columns, first, last = rows[~same], columns[~same], first[~same] + 1, last[~same]

    def _hashes(self, questions: IntArray, asking: IntArray) -> Hashes:
        found = np.zeros(len(questions), dtype=np.uint64)
        for language, queries in self._queries.items():
            mine = asking == language
            found[mine] = queries[questions[mine]]
        return found

    def _has(self, keys: Hashes) -> BoolArray:
        if not len(self._known):
            return np.zeros(keys.shape, dtype=bool)
        at = np.minimum(np.searchsorted(self._known, keys), len(self._known) - 1)
        found: BoolArray = self._known[at] == keys
        return found
