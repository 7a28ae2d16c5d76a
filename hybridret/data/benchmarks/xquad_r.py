"""XQuAD-R: 1,190 questions in 11 languages, candidates are sentences (LAReQA, https://arxiv.org/abs/2004.05484)."""

from __future__ import annotations

from pathlib import Path

from hybridret.data.benchmarks.folder import in_domain_note, language_files
from hybridret.data.sentences import Breaks
from hybridret.data.source import PairSource
from hybridret.data.squad import Paragraph, read_squad, sentence_collection
from hybridret.errors import UserError, refusals
from hybridret.languages import chosen_languages
from hybridret.records import Collection

LANGUAGES = ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh")
PUBLISHED = (
    "XQuAD-R is published on GitHub: google-research-datasets/lareqa, folder xquad-r. (The hub's copy "
    "google-research-datasets/xquad_r lacks the sentence breaks and does not serve.)"
)


class XquadR:
    """One collection, `xquad_r`: 13,014 sentences and 13,090 questions with 11 relevant sentences each.

    path: the folder that holds {language}.json, for example en.json.
    languages: which languages, in which order; None: all eleven. n languages leave n relevant sentences each.
    """

    def __init__(self, path: str | None, languages: list[str] | None = None) -> None:
        self._path = path
        self._languages = chosen_languages("eval.xquad_r.languages", languages, LANGUAGES)

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing or malformed files; says where to fetch them."""
        paragraphs = {language: _with_breaks(file) for language, file in self._files().items()}
        notes = {
            "candidates": ", ".join(
                f"{language} {sum(len(_breaks(paragraph, language)) for paragraph in members)}"
                for language, members in paragraphs.items()
            ),
            "licence": "CC BY-SA 4.0",
        }
        notes |= in_domain_note(source, paragraphs)
        return (sentence_collection("xquad_r", paragraphs, _breaks, notes),)

    def missing(self) -> list[str]:
        return refusals(self._files)

    def published(self) -> tuple[int, int] | None:
        return (13_090, 13_014) if set(self._languages) == set(LANGUAGES) else None

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
