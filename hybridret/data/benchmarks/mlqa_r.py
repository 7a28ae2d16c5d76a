"""MLQA-R: the dev part of MLQA turned into sentences (LAReQA, https://arxiv.org/abs/2004.05484).

Questions and paragraphs of language X come from dev-context-X-question-X; a question has parallel answers in 2 to 4 of
the 7 languages. The sentence breaks were never published, so they depend on the splitter: the notes give the number of
candidates and the published number.

The default splitter, `like_lareqa`, comes nearest to the published numbers: the differences, summed over languages, are
446 sentences, for `unicode` 615, for `pysbd` 3,264 (which breaks Arabic at every colon: 4985 instead of 2545). The
published breaks of XQuAD-R give the same order: F1 of sentence ends is .97 for zh and .98 or .99 for ar, de, en, es, hi
and vi; for pysbd it is .94 for zh, .65 for ar, and .97 or .98 for the others.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hybridret.base.errors import refusals
from hybridret.base.languages import chosen_languages
from hybridret.base.ranges import checked
from hybridret.base.records import Collection
from hybridret.data.benchmarks.language_files import in_domain_note, language_files
from hybridret.data.benchmarks.published import Compared, checked_name, per_language
from hybridret.data.sentences import Breaks, SplitterName, splitter
from hybridret.data.source import PairSource
from hybridret.data.squad import Paragraph, read_squad, sentence_collection

# As published with LAReQA: language -> (questions, candidates).
PUBLISHED_COUNTS = {
    "ar": (517, 2545),
    "de": (512, 2362),
    "en": (1148, 6264),
    "es": (500, 1787),
    "hi": (507, 2426),
    "vi": (511, 2828),
    "zh": (504, 2322),
}
PUBLISHED = "MLQA is published on GitHub: facebookresearch/MLQA (archive MLQA_V1.zip, folder dev)."
PATTERN = "dev-context-{l}-question-{l}.json"


@checked("eval.mlqa_r")
class MlqaR:
    """One collection, `mlqa_r`.

    path: the folder with dev-context-XX-question-XX.json or .json.gz, or the folder above its `dev`.
    languages: the languages, in this order; None: all seven.
    splitter: `like_lareqa`, `unicode` or `pysbd` (hybridret.data.sentences).
    allow_other: accept files whose numbers of questions differ from the published ones, as `mlqa_r_other`.
    """

    def __init__(
        self,
        path: str | None,
        languages: list[str] | None = None,
        splitter: SplitterName = "like_lareqa",
        allow_other: bool = False,
    ) -> None:
        self._path = path
        self._allow_other = allow_other
        self._languages = chosen_languages("eval.mlqa_r.languages", languages, tuple(PUBLISHED_COUNTS))
        self._splitter = splitter

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing or malformed files, for a splitter that is unknown or not installed, and if the
        numbers of questions differ from the published ones."""
        split = splitter(self._splitter)
        paragraphs = {language: read_squad(file) for language, file in self._files().items()}

        def breaks(paragraph: Paragraph, language: str) -> Breaks:
            return split(paragraph.context, language)

        collection = sentence_collection("mlqa_r", paragraphs, breaks, {})
        notes = {
            "splitter": self._splitter,
            "candidates (ours / published)": counts_text(mlqa_r_counts(collection)),
            "licence": "CC BY-SA 3.0",
        }
        notes |= in_domain_note(source, paragraphs)
        published = {language: questions for language, (questions, _) in PUBLISHED_COUNTS.items()}
        asked = Compared("questions", per_language(collection.query_languages, collection), published)
        name, remarks = checked_name("mlqa_r", [asked], "eval.mlqa_r", self._allow_other, "eval.mlqa_r.path")
        return (dataclasses.replace(collection, name=name, notes={**notes, **remarks}),)

    def missing(self) -> list[str]:
        return refusals(self._files, lambda: splitter(self._splitter))

    def published(self) -> tuple[int, int] | None:
        chosen = [PUBLISHED_COUNTS[language] for language in self._languages]
        return sum(queries for queries, _ in chosen), sum(passages for _, passages in chosen)

    def _files(self) -> dict[str, Path]:
        folder = self._path
        if folder and (Path(folder).expanduser() / "dev").is_dir():
            folder = str(Path(folder) / "dev")
        return language_files("mlqa_r", folder, PATTERN, tuple(PUBLISHED_COUNTS), self._languages, PUBLISHED)


def mlqa_r_counts(collection: Collection) -> dict[str, dict[str, int]]:
    """Language -> numbers of questions and candidates, as read and as published."""
    queries = Counter(collection.query_languages.tolist())
    passages = Counter(collection.passage_languages.tolist())
    return {
        language: {
            "questions": queries[number],
            "published_questions": PUBLISHED_COUNTS[language][0],
            "candidates": passages[number],
            "published_candidates": PUBLISHED_COUNTS[language][1],
        }
        for number, language in enumerate(collection.languages)
    }


def counts_text(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The counts of candidates as text, read / published: `ar 2318 / 2545, de 2433 / 2362`."""
    return ", ".join(
        f"{language} {count['candidates']} / {count['published_candidates']}" for language, count in counts.items()
    )
