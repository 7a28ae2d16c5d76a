"""MIRACL: retrieval in 18 languages over Wikipedia, judged by native speakers (https://arxiv.org/abs/2210.09984).

Passages of grade 0 were judged and are not relevant. The judgments of the test sets are not public.

The hard negatives (mteb, https://arxiv.org/abs/2502.13595) are dev queries, at most 1,000 per language, with a pool of
the best 250 passages per query from BM25, multilingual-e5-large and e5-mistral. Values are higher than on the full
corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import chosen_languages
from hybridret.base.ranges import checked
from hybridret.base.records import Collection
from hybridret.data.benchmarks.miracl_layout import KEY, PUBLISHED_COUNTS, full_files, hard_files
from hybridret.data.benchmarks.monolingual import (
    LanguageFiles,
    checked_settings,
    files_of,
    monolingual_collection,
    read_language,
)
from hybridret.data.source import PairSource

LANGUAGES = tuple(PUBLISHED_COUNTS)
TRAIN_LANGUAGES = tuple(language for language, counts in PUBLISHED_COUNTS.items() if counts.train)
FULL, HARD = "full", "hard_negatives"
NAMES = {("dev", FULL): "miracl", ("dev", HARD): "miracl_hard_negatives", ("train", FULL): "miracl_train"}


@checked(KEY)
class Miracl:
    """One collection of all languages: `miracl` for dev on the full corpus, else `miracl_hard_negatives` or
    `miracl_train`, so that tables never mix them.

    path: a folder with the files of the hub's repositories: miracl-v1.0-XX/{topics,qrels}/, or the folders topics and
    qrels themselves, and miracl-corpus-v1.0-XX/docs-N.jsonl.gz; for hard negatives XX-{corpus,queries,qrels}/.
    Topics, qrels and docs may be plain or .gz. None: the hub.
    languages: the languages, in this order; None: all 18, or the 16 that have train queries.
    split: dev or train. corpus: full or hard_negatives (dev only).
    settings: monolingual, and optionally multilingual: the pool of all languages, in which passages of other languages
    are unjudged. None: monolingual, for which the judgments are made.
    revision, corpus_revision, hard_negatives_revision: branch, tag or commit of each repository on the hub; None: the
    commits of `miracl_layout`.
    allow_other: accept files whose counts differ from the published ones, as NAME_other.
    """

    def __init__(
        self,
        path: str | None = None,
        languages: list[str] | None = None,
        split: Literal["dev", "train"] = "dev",
        corpus: Literal["full", "hard_negatives"] = "full",
        settings: list[str] | tuple[str, ...] | None = ("monolingual",),
        revision: str | None = None,
        corpus_revision: str | None = None,
        hard_negatives_revision: str | None = None,
        allow_other: bool = False,
    ) -> None:
        self._path = path
        self._split = split
        self._corpus = corpus
        if (split, corpus) not in NAMES:
            raise UserError(
                f"{KEY}: the hard negatives have dev queries only. Set {KEY}.split=dev or {KEY}.corpus=full."
            )
        self._languages = chosen_languages(f"{KEY}.languages", languages, LANGUAGES)
        if split == "train":
            why = f"MIRACL has no train queries in it: leave it out, or set {KEY}.split=dev."
            self._languages = chosen_languages(f"{KEY}.languages", languages, TRAIN_LANGUAGES, why=why)
        self._settings = checked_settings(KEY, settings)
        self._revision = revision
        self._corpus_revision = corpus_revision
        self._hard_revision = hard_negatives_revision
        self._allow_other = allow_other

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing files, with the command that fetches them; for malformed files; if the judgments
        do not fit the corpus; and if the counts differ from the published ones."""
        hard, files = self._corpus == HARD, self._files()
        notes = {
            "split": self._split,
            "corpus": "hard negatives: values are higher than on the full corpus" if hard else "full",
            "licence": "CC BY-SA 4.0" if hard else "Apache-2.0; the passages are Wikipedia's (CC BY-SA)",
        }
        queries, passages = self._counts()
        collection = monolingual_collection(
            NAMES[self._split, self._corpus],
            [read_language(language, found, "MIRACL") for language, found in files.items()],
            notes,
            self._settings,
            queries,
            passages,
            KEY,
            self._allow_other,
        )
        return (collection,)

    def missing(self) -> list[str]:
        return refusals(self._files)

    def published(self) -> tuple[int, int] | None:
        queries, passages = self._counts()
        return sum(queries.values()), sum(passages.values())

    def _files(self) -> dict[str, LanguageFiles]:
        return files_of(self._languages, self._files_of, self._path, KEY)

    def _files_of(self, languages: Sequence[str]) -> dict[str, LanguageFiles]:
        if self._corpus == HARD:
            return hard_files(languages, self._path, self._hard_revision)
        return full_files(languages, self._split, self._path, self._revision, self._corpus_revision)

    def _counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Published numbers of queries and of passages, by language."""
        queries, passages = ("hard_queries", "hard_passages") if self._corpus == HARD else (self._split, "passages")
        published = {language: PUBLISHED_COUNTS[language] for language in self._languages}
        return (
            {language: getattr(counts, queries) for language, counts in published.items()},
            {language: getattr(counts, passages) for language, counts in published.items()},
        )
