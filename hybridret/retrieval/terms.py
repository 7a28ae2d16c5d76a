"""From the words of a text to the terms of a lexical index: stemmed and without stop words, both only if requested.

The lists of stop words are those of bm25s (Lucene's for English, NLTK's for others); stems are Snowball's (PyStemmer).
Both need words separated by spaces, so Chinese and Korean, which are split into short pieces here, have neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from hybridret.base.errors import UserError
from hybridret.retrieval.words import words

STOPWORDS = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "nb": "norwegian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
SAME = {"nb": "no"}  # Snowball's code of a language, if it is another one


class Terms:
    """Turns texts into terms, by language; the words of a language without a stemmer or list are unchanged.

    Raises UserError if PyStemmer is needed and not installed.
    """

    def __init__(self, stemmer: bool = False, stopwords: bool = False) -> None:
        self._stops: dict[str, frozenset[str]] = {}
        self._stemmers: dict[str, Any] = {}
        self.stopwords = stopwords
        self._snowball: Any = None
        if stemmer:
            try:
                self._snowball = import_module("Stemmer")
            except ImportError as error:
                raise UserError(
                    "bm25: stemmer=true needs the package PyStemmer, which is not installed. Install it with: "
                    "pip install 'hybridret[bm25]'"
                ) from error

    @property
    def stemmer(self) -> bool:
        return self._snowball is not None

    def of(self, text: str, language: str) -> list[str]:
        """The terms of `text` in order: "The capital of France" without stop words gives capital and france."""
        found = words(text)
        if stops := self._list(language):
            found = [word for word in found if word not in stops]
        if (stemmer := self._stemmer(language)) is not None:
            found = stemmer.stemWords(found)
        return found

    def notes(self, languages: Iterable[str]) -> dict[str, str]:
        """Notes for a report: which of `languages` have a stemmer, and which have stop words."""
        languages = list(languages)
        return {
            "stemmer": _note(self.stemmer, "Snowball", languages, lambda one: self._stemmer(one) is not None),
            "stop words": _note(self.stopwords, "the lists of bm25s", languages, lambda one: bool(self._list(one))),
        }

    def _list(self, language: str) -> frozenset[str]:
        if not self.stopwords:
            return frozenset()
        if language not in self._stops:
            name = STOPWORDS.get(language.split("-")[0])
            given = import_module("bm25s.tokenization").Tokenizer(stopwords=name).stopwords if name else ()
            spelled = (words(one) for one in given)  # in the form of words in texts: folded, without apostrophes
            self._stops[language] = frozenset(one[0] for one in spelled if len(one) == 1)
        return self._stops[language]

    def _stemmer(self, language: str) -> Any:
        if self._snowball is None:
            return None
        if language not in self._stemmers:
            code = language.split("-")[0]
            try:
                self._stemmers[language] = self._snowball.Stemmer(SAME.get(code, code))
            except KeyError:  # Snowball has no stemmer for it
                self._stemmers[language] = None
        return self._stemmers[language]


def _note(on: bool, what: str, languages: list[str], has: Any) -> str:
    if not on:
        return "none"
    those, others = [one for one in languages if has(one)], [one for one in languages if not has(one)]
    return f"{what} in {', '.join(those) or 'no language'}" + (f"; none for {', '.join(others)}" if others else "")
