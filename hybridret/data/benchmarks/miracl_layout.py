"""Locations of the files of MIRACL, on the hub and in a folder, and published counts.

Topics and judgments are those of `miracl/miracl`, passages those of `miracl/miracl-corpus`: raw files, no loading
script. The hard negatives are `mteb/MIRACLRetrievalHardNegatives`.

The layouts were verified without a connection to the hub, from these sources. MIRACL: topics and qrels file by file;
names and number of the corpus files from the publisher's loading script and its commits; their fields from its README;
counts of passages from mteb, and for 16 languages also from that README. Hard negatives: names of the files of a
language (`de-corpus/dev-00000-of-00001.parquet`, `de-queries/...`, `de-qrels/...`) and the fields id, title, text,
query-id, corpus-id and score from programs that read the same commit; counts from mteb. The field `_id` instead of id,
as in other copies, and several files in a folder are read as well. Not verified: the bytes themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hybridret.base.errors import UserError
from hybridret.data.benchmarks.monolingual import LanguageFiles, fetch_all
from hybridret.data.hub import fetch, find

KEY = "eval.miracl"
TOPICS = ("miracl/miracl", "5be20db9509754dadad47689368639fcec739c00")
CORPUS = ("miracl/miracl-corpus", "d921ec7e349ce0d28daf30b2da9da5ee698bef0d")
HARD_NEGATIVES = ("mteb/MIRACLRetrievalHardNegatives", "332a9acb49f5e83d5397683f79d23e588f685916")


class Counts(NamedTuple):
    """Published numbers: queries of dev and train (0: none), passages and files of the corpus; and hard negatives."""

    dev: int
    train: int
    passages: int
    files: int
    hard_queries: int
    hard_passages: int


PUBLISHED_COUNTS = {
    "ar": Counts(2896, 3495, 2061414, 5, 1000, 192103),
    "bn": Counts(411, 1631, 297265, 1, 411, 297265),
    "de": Counts(305, 0, 15866222, 32, 305, 71277),
    "en": Counts(799, 2863, 32893221, 66, 799, 178768),
    "es": Counts(648, 2162, 10373953, 21, 648, 146750),
    "fa": Counts(632, 2107, 2207172, 5, 632, 133596),
    "fi": Counts(1271, 2897, 1883509, 4, 1000, 194415),
    "fr": Counts(343, 1143, 14636953, 30, 343, 75357),
    "hi": Counts(350, 1169, 506264, 2, 350, 63066),
    "id": Counts(960, 4071, 1446315, 3, 960, 168173),
    "ja": Counts(860, 3477, 6953614, 14, 860, 185319),
    "ko": Counts(213, 868, 1486752, 3, 213, 43293),
    "ru": Counts(1252, 4683, 9543918, 20, 1000, 219114),
    "sw": Counts(482, 1901, 131924, 1, 482, 131924),
    "te": Counts(828, 3452, 518079, 2, 828, 101961),
    "th": Counts(733, 2972, 542166, 2, 733, 116649),
    "yo": Counts(119, 0, 49043, 1, 119, 49043),
    "zh": Counts(393, 1312, 4934368, 10, 393, 81309),
}


def full_files(
    languages: Sequence[str],
    split: str,
    path: str | None,
    revision: str | None,
    corpus_revision: str | None,
    key: str = KEY,
) -> dict[str, LanguageFiles]:
    """The files of each language for the full corpus; revision None: the commit above.

    key: the section of the config, for messages. All files are located before the first is read, because the conversion
    of a large corpus takes long. Raises UserError for missing files, with the command that fetches them.
    """
    names = {language: _topic_names(language, split, path) for language in languages}
    asked = [name for pair in names.values() for name in pair]
    docs = [f"miracl-corpus-v1.0-{language}/docs-*.jsonl.gz" for language in languages]
    revision, corpus_revision = revision or TOPICS[1], corpus_revision or CORPUS[1]
    folder, corpora = fetch_all([(TOPICS[0], asked, revision), (CORPUS[0], docs, corpus_revision)], path, key)
    corpus = _corpus_files(corpora, languages, path, corpus_revision, key)
    return {
        language: LanguageFiles(
            topics=find(folder, topics)[0],
            qrels=find(folder, qrels)[0],
            corpus=corpus[language],
            fields=("docid", "title", "text"),
        )
        for language, (topics, qrels) in names.items()
    }


def hard_files(languages: Sequence[str], path: str | None, revision: str | None) -> dict[str, LanguageFiles]:
    """The files of each language for the hard negatives. Raises UserError for missing and for unreadable files."""
    parts = ("corpus", "queries", "qrels")
    names = {(language, part): f"{language}-{part}/dev-*.parquet" for language in languages for part in parts}
    folder = fetch(
        HARD_NEGATIVES[0],
        list(names.values()),
        revision or HARD_NEGATIVES[1],
        path,
        KEY,
        revision_key="hard_negatives_revision",
    )
    files = {}
    for language in languages:
        corpus, queries, qrels = (_whole(find(folder, names[language, part])) for part in parts)
        if len(qrels) > 1:
            raise UserError(f"{qrels[0].parent} holds {len(qrels)} files of judgments; expected one. Fetch it again.")
        files[language] = LanguageFiles(
            queries=queries, qrels=qrels[0], corpus=corpus, fields=(_id_field(corpus[0]), "title", "text")
        )
    return files


def _topic_names(language: str, split: str, path: str | None) -> tuple[str, str]:
    """Names of topics and judgments: in the folder of the language, or in `topics` and `qrels` if `path` has these."""
    stem = f"miracl-v1.0-{language}-{split}"
    topics, qrels = f"topics/topics.{stem}.tsv", f"qrels/qrels.{stem}.tsv"
    if path is not None and find(Path(path).expanduser(), topics):
        return topics, qrels
    return f"miracl-v1.0-{language}/{topics}", f"miracl-v1.0-{language}/{qrels}"


def _corpus_files(
    folder: Path, languages: Sequence[str], path: str | None, revision: str, key: str
) -> dict[str, list[Path]]:
    """The files of each language: all published ones. A local folder may have docs-0 alone, as a user's own corpus."""
    names = {
        language: [
            f"miracl-corpus-v1.0-{language}/docs-{number}.jsonl.gz"
            for number in range(PUBLISHED_COUNTS[language].files)
        ]
        for language in languages
    }
    missing = []
    for own in names.values():
        there = [name for name in own if find(folder, name)]
        if there != own and (path is None or there != own[:1]):
            missing += [name for name in own if name not in there]
    if missing:  # in a folder, or in an incomplete cache of the hub
        folder = fetch(CORPUS[0], missing, revision, path, key, revision_key="corpus_revision")
    return {language: [file for name in own for file in find(folder, name)] for language, own in names.items()}


def _whole(files: Sequence[Path]) -> Sequence[Path]:
    """`files`, checked against the number in their names: dev-00000-of-00002. Raises UserError if one is missing."""
    named = re.search(r"-of-(\d+)\.parquet$", files[0].name)
    if named and len(files) != int(named[1]):
        raise UserError(f"{files[0].parent} holds {len(files)} of {int(named[1])} files. Fetch it again.")
    return files


def _id_field(file: Path) -> str:
    """The name of the id field of a file: `_id` or `id`, since both are in use."""
    from pyarrow import ArrowInvalid
    from pyarrow.parquet import read_schema

    try:
        return "_id" if "_id" in read_schema(file).names else "id"
    except (ArrowInvalid, OSError) as error:
        raise UserError(f"{file} cannot be read as parquet ({error}). Fetch the file again.") from error
