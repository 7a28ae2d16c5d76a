"""MIRACL's train split as training pairs: 16 languages, judged by native speakers (https://arxiv.org/abs/2210.09984).

Topics, judgments and passages are located and read as for the evaluation (`benchmarks.miracl_layout`, which says what
was verified). A pair is a question with a passage of grade 1; passages of grade 0 were judged and are not relevant:
they can be hard negatives. Ids are counted per language, and passages of two languages are never the same.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from hybridret.base.errors import refusals
from hybridret.base.languages import chosen_languages
from hybridret.base.progress import Progress, tracked
from hybridret.base.ranges import checked
from hybridret.data.benchmarks.miracl import TRAIN_LANGUAGES
from hybridret.data.benchmarks.miracl_layout import full_files
from hybridret.data.benchmarks.monolingual import LanguageFiles, files_of
from hybridret.data.qrels import read_qrels, read_topics
from hybridret.data.train_splits.chosen_rows import chosen_texts
from hybridret.data.train_splits.judged_language import (
    JudgedLanguage,
    Limits,
    Negatives,
    Passages,
    Positives,
    ValidationQuestions,
    judged_language,
)
from hybridret.data.train_splits.streamed_split import probes, write_split

KEY = "data"
VERSION = 1  # of the reading: raise it when the same files would give other pairs
BENCHMARKS = ("miracl", "mr_tydi")  # both took questions of TyDi QA


@checked(KEY)
class MiraclTrain:
    """One dataset of all languages, streamed into a prepared copy; every question exists in one of them.

    path: a folder with the files of the hub's repositories: miracl-v1.0-XX/{topics,qrels}/, or the folders topics and
    qrels themselves, and miracl-corpus-v1.0-XX/docs-N.jsonl.gz; plain or .gz. None: the hub.
    languages: codes, in this order; None: the 16 that have a train split.
    validation_questions: pairs that are held out in each language, drawn by a hash of the question's id; with each pair
    all pairs that share its question or its passage are held out, too.
    positives: the largest number of pairs of a question; None: all its relevant passages.
    negatives: hard negatives of a question, the first judged irrelevant passages.
    revision, corpus_revision: branch, tag or commit of each repository on the hub; None: the commits of
    `miracl_layout`.
    """

    name = "miracl"
    templated = False

    def __init__(
        self,
        path: str | None = None,
        languages: list[str] | None = None,
        validation_questions: ValidationQuestions = 100,
        positives: Positives = None,
        negatives: Negatives = 0,
        revision: str | None = None,
        corpus_revision: str | None = None,
    ) -> None:
        why = "MIRACL has no train questions in it: leave it out."
        self.languages = tuple(chosen_languages("data.languages", languages, TRAIN_LANGUAGES, why=why))
        self._path, self._revision, self._corpus_revision = path, revision, corpus_revision
        self._limits = Limits(positives, negatives, validation_questions)

    def key(self) -> list[Any]:
        """Settings, and names, sizes, times and probes of the files. Raises UserError where one is missing."""
        files = [
            probes([one for one in (found.topics, found.qrels, *found.corpus) if one is not None], "MIRACL")
            for found in self._files().values()
        ]
        limits = [self._limits.positives, self._limits.negatives, self._limits.validation]
        return ["miracl train", VERSION, self.languages, limits, files]

    def missing(self) -> list[str]:
        """The error message about files that are missing, with the command that fetches them; none is read."""
        return refusals(self._files)

    def licence(self) -> str:
        """Terms of the texts."""
        return "Apache-2.0; the passages are Wikipedia's (CC BY-SA)."

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Write the prepared copy into `folder`, which may hold files that an earlier process wrote whole.

        Raises UserError naming file and line for malformed files, and where more than one percent of the relevant
        judgments of a language name questions or passages that are missing or empty.
        """
        found = list(self._files().items())
        judged = [self._judged(*one) for one in tracked(found, "read the judgments of MIRACL", progress)]
        return write_split(folder, self.name, {self.name: judged}, BENCHMARKS, self._limits, progress)

    def _files(self) -> dict[str, LanguageFiles]:
        locate = partial(
            full_files,
            split="train",
            path=self._path,
            revision=self._revision,
            corpus_revision=self._corpus_revision,
            key=KEY,
        )
        return files_of(self.languages, locate, self._path, KEY)

    def _judged(self, language: str, files: LanguageFiles) -> JudgedLanguage:
        assert files.topics is not None
        queries = dict(zip(*read_topics(files.topics), strict=True))
        qrels = read_qrels(files.qrels, "trec")
        judgments = zip(qrels.query_ids, qrels.passage_ids, qrels.grades.tolist(), strict=True)
        passages = Passages.of(partial(chosen_texts, files.corpus, files.fields), files.corpus)
        return judged_language(language, queries, judgments, self._limits, passages, str(files.qrels))
