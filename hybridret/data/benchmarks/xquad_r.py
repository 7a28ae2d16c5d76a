"""XQuAD-R: 1,190 questions in 11 languages, candidates are sentences (LAReQA, https://arxiv.org/abs/2004.05484)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hybridret.base.errors import UserError, refusals
from hybridret.base.languages import chosen_languages
from hybridret.base.records import Collection
from hybridret.data.benchmarks.language_files import in_domain_note, language_files
from hybridret.data.benchmarks.published import Compared, checked_name, per_language
from hybridret.data.sentences import Breaks
from hybridret.data.source import PairSource
from hybridret.data.squad import Paragraph, read_squad, sentence_collection

QUESTIONS = 1190  # in each language
CANDIDATES = {  # as published with LAReQA, and counted in the files of its repository
    "ar": 1222,
    "de": 1276,
    "el": 1234,
    "en": 1180,
    "es": 1215,
    "hi": 1244,
    "ru": 1219,
    "th": 852,
    "tr": 1167,
    "vi": 1209,
    "zh": 1196,
}
LANGUAGES = tuple(CANDIDATES)
PUBLISHED = (
    "XQuAD-R is published on GitHub: google-research-datasets/lareqa, folder xquad-r. (The hub's copy "
    "google-research-datasets/xquad_r lacks the sentence breaks and does not serve.)"
)


class XquadR:
    """One collection, `xquad_r`: 13,014 sentences and 13,090 questions with 11 relevant sentences each.

    path: the folder that holds {language}.json, for example en.json.
    languages: the languages, in this order; None: all eleven. With n languages a question has n relevant sentences.
    allow_other: accept files whose counts differ from the published ones, as `xquad_r_other`.
    """

    def __init__(self, path: str | None, languages: list[str] | None = None, allow_other: bool = False) -> None:
        self._path = path
        self._allow_other = allow_other
        self._languages = chosen_languages("eval.xquad_r.languages", languages, LANGUAGES)

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing or malformed files, with the address to fetch them from, and if the counts
        differ from the published ones."""
        paragraphs = {language: _with_breaks(file) for language, file in self._files().items()}
        notes = {
            "candidates": ", ".join(
                f"{language} {sum(len(_breaks(paragraph, language)) for paragraph in members)}"
                for language, members in paragraphs.items()
            ),
            "licence": "CC BY-SA 4.0",
        }
        notes |= in_domain_note(source, paragraphs)
        collection = sentence_collection("xquad_r", paragraphs, _breaks, notes)
        compared = [
            Compared(
                "questions", per_language(collection.query_languages, collection), dict.fromkeys(LANGUAGES, QUESTIONS)
            ),
            Compared("sentences", per_language(collection.passage_languages, collection), CANDIDATES),
        ]
        name, remarks = checked_name("xquad_r", compared, "eval.xquad_r", self._allow_other, "eval.xquad_r.path")
        return (replace(collection, name=name, notes={**notes, **remarks}),)

    def missing(self) -> list[str]:
        return refusals(self._files)

    def published(self) -> tuple[int, int] | None:
        return QUESTIONS * len(self._languages), sum(CANDIDATES[language] for language in self._languages)

    def _files(self) -> dict[str, Path]:
        return language_files("xquad_r", self._path, "{l}.json", LANGUAGES, self._languages, PUBLISHED)


def _with_breaks(file: Path) -> list[Paragraph]:
    paragraphs = read_squad(file)
    if any(paragraph.breaks is None for paragraph in paragraphs):
        raise UserError(f"{file} has no 'sentence_breaks', so its sentences are not known. {PUBLISHED}")
    return paragraphs


def _breaks(paragraph: Paragraph, language: str) -> Breaks:
    assert paragraph.breaks is not None
    return paragraph.breaks
