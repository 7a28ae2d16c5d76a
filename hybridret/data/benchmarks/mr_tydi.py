"""Mr.TyDi: retrieval in 11 languages over Wikipedia, from the questions of TyDi QA (https://arxiv.org/abs/2108.08787).

Topics and judgments are those of `castorini/mr-tydi` on the hub, passages those of `castorini/mr-tydi-corpus`: raw
files, no loading script. Only the passage with the answer is judged, so unjudged passages may be relevant too.

The layouts were verified without a connection to the hub, from these sources. Hub: names of all files and the commits
from the hub's own listings; the fields docid, title and text from the publisher's loading script and programs that read
the files. Archive: names and the fields id and contents (title, empty line, text) from ir_datasets and Pyserini, which
index it. Counts of queries from the tests of ir_datasets, of passages from mteb. Not verified: the bytes themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import chosen_languages
from hybridret.base.ranges import checked
from hybridret.base.records import Collection
from hybridret.data.benchmarks.monolingual import (
    LanguageFiles,
    checked_settings,
    fetch_all,
    files_of,
    monolingual_collection,
    read_language,
)
from hybridret.data.hub import find
from hybridret.data.source import PairSource

KEY = "eval.mr_tydi"
TOPICS = ("castorini/mr-tydi", "0a9bdc20f5fdc70c57e365a86f5fbee7b0907d56")
CORPUS = ("castorini/mr-tydi-corpus", "4dde1a3240a09e3b1c7579d25f7d26d275078214")
ARCHIVES = "https://git.uwaterloo.ca/jimmylin/mr.tydi/-/raw/master/data/"


class Facts(NamedTuple):
    """The language as in the names of folders, and published numbers: queries of each split, passages."""

    name: str
    train: int
    dev: int
    test: int
    passages: int


PUBLISHED = {
    "ar": Facts("arabic", 12377, 3115, 1081, 2106586),
    "bn": Facts("bengali", 1713, 440, 111, 304059),
    "en": Facts("english", 3547, 878, 744, 32907100),
    "fi": Facts("finnish", 6561, 1738, 1254, 1908757),
    "id": Facts("indonesian", 4902, 1224, 829, 1469399),
    "ja": Facts("japanese", 3697, 928, 720, 7000027),
    "ko": Facts("korean", 1295, 303, 421, 1496126),
    "ru": Facts("russian", 5366, 1375, 995, 9597504),
    "sw": Facts("swahili", 2072, 526, 670, 136689),
    "te": Facts("telugu", 3880, 983, 646, 548224),
    "th": Facts("thai", 3319, 807, 1190, 568855),
}


@checked(KEY)
class MrTydi:
    """One collection of all languages: `mr_tydi` for test, `mr_tydi_dev` and `mr_tydi_train` for the other splits.

    path: a folder with the files of the hub's repositories (mrtydi-v1.1-NAME/ir-format-data/ and
    mrtydi-v1.1-NAME/corpus.jsonl.gz), or with the publisher's unpacked archives (mrtydi-v1.1-NAME/ with
    topic.SPLIT.tsv, qrels.SPLIT.txt and collection/docs.jsonl.gz); plain or .gz. None: the hub.
    languages: codes of the languages, in this order; None: all 11.
    split: test, dev or train.
    settings: monolingual, and optionally multilingual: the pool of all languages, in which passages of other languages
    are unjudged. None: monolingual, for which the judgments are made.
    revision, corpus_revision: branch, tag or commit of each repository on the hub; None: the commits in this file.
    allow_other: accept files whose counts differ from the published ones, as `mr_tydi_other`.
    """

    def __init__(
        self,
        path: str | None = None,
        languages: list[str] | None = None,
        split: Literal["test", "dev", "train"] = "test",
        settings: list[str] | tuple[str, ...] | None = ("monolingual",),
        revision: str | None = None,
        corpus_revision: str | None = None,
        allow_other: bool = False,
    ) -> None:
        self._path = path
        self._split = split
        self._languages = chosen_languages(f"{KEY}.languages", languages, tuple(PUBLISHED))
        self._settings = checked_settings(KEY, settings)
        self._revision = revision or TOPICS[1]
        self._corpus_revision = corpus_revision or CORPUS[1]
        self._allow_other = allow_other

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing files, with the command that fetches them; for malformed files; if the judgments
        do not fit the corpus; and if the counts differ from the published ones."""
        data = [read_language(language, found, "Mr.TyDi") for language, found in self._files().items()]
        notes = {"split": self._split, "licence": "Apache-2.0; the passages are Wikipedia's (CC BY-SA)"}
        collection = monolingual_collection(
            "mr_tydi" if self._split == "test" else f"mr_tydi_{self._split}",
            data,
            notes,
            self._settings,
            {language: getattr(PUBLISHED[language], self._split) for language in self._languages},
            {language: PUBLISHED[language].passages for language in self._languages},
            KEY,
            self._allow_other,
        )
        return (collection,)

    def missing(self) -> list[str]:
        return refusals(self._files)

    def published(self) -> tuple[int, int] | None:
        facts = [PUBLISHED[language] for language in self._languages]
        return sum(getattr(one, self._split) for one in facts), sum(one.passages for one in facts)

    def _files(self) -> dict[str, LanguageFiles]:
        return files_of(self._languages, self._files_of, self._path, KEY)

    def _files_of(self, languages: Sequence[str]) -> dict[str, LanguageFiles]:
        """The files of each language. All are located before the first is read: conversion of a corpus takes long."""
        found = {language: self._of_archive(language) for language in languages}
        names = {language: self._hub_names(language) for language, files in found.items() if files is None}
        if names:
            asked = [name for topics, qrels, _ in names.values() for name in (topics, qrels)]
            docs = [corpus for _, _, corpus in names.values()]
            wanted = [(TOPICS[0], asked, self._revision), (CORPUS[0], docs, self._corpus_revision)]
            folder, corpora = fetch_all(wanted, self._path, KEY)
            for language, (topics, qrels, corpus) in names.items():
                found[language] = LanguageFiles(
                    topics=find(folder, topics)[0],
                    qrels=find(folder, qrels)[0],
                    corpus=find(corpora, corpus),
                    fields=("docid", "title", "text"),
                )
        return {language: files for language, files in found.items() if files is not None}

    def _hub_names(self, language: str) -> tuple[str, str, str]:
        folder = f"mrtydi-v1.1-{PUBLISHED[language].name}"
        rows = f"{folder}/ir-format-data"
        return f"{rows}/topics.{self._split}.txt", f"{rows}/qrels.{self._split}.txt", f"{folder}/corpus.jsonl.gz"

    def _of_archive(self, language: str) -> LanguageFiles | None:
        """The files of the publisher's archive, None if it has none of them. Raises UserError if only some exist."""
        if self._path is None:
            return None
        folder = Path(self._path).expanduser() / f"mrtydi-v1.1-{PUBLISHED[language].name}"
        names = (f"topic.{self._split}.tsv", f"qrels.{self._split}.txt", "collection/docs.jsonl.gz")
        topics, qrels, corpus = found = [find(folder, name) for name in names]
        if not any(found):
            return None
        if not all(found):
            missing = ", ".join(name for name, files in zip(names, found, strict=True) if not files)
            raise UserError(
                f"{folder} lacks {missing}. On a machine with network: curl -LO {ARCHIVES}{folder.name}.tar.gz"
            )
        return LanguageFiles(topics=topics[0], qrels=qrels[0], corpus=corpus, fields=("id", "contents"))
