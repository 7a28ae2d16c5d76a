"""Which language a text is in, by py3langid: a naive Bayes model of 139 languages that the package ships.

Of four packages that ship a model it was the most often right on questions and passages of 28 languages
(docs/translation.md). What the filter needs is less than the best language: whether the text can be in the wanted one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hybridret.base.errors import UserError

LETTERS = 10  # shorter texts are not judged; a letter of Chinese, Japanese or Korean counts three
FIRST_DENSE = "\u2e80"  # the first character of these scripts
MARGIN = 8.0  # of log probability: how much likelier another language must be
# Languages that no model tells apart in one sentence; each counts as the others.
ALIKE = (
    ("id", "ms"), ("da", "nb", "no", "nn"), ("bs", "hr", "sr", "sh"), ("hi", "ne", "mr"), ("es", "gl", "ast"),
    ("pt", "gl"), ("zh", "wuu", "yue"), ("nl", "af"), ("cs", "sk"), ("xh", "zu"), ("sv", "da", "nb"),
)  # fmt: skip


def is_other_language(text: str, language: str) -> bool:
    """Whether `text` is clearly in another language than `language`. False for texts that are too short to be judged,
    and for languages that the model does not know.

    Raises UserError where the package is not installed.
    """
    code = language.split("-")[0]
    letters = sum(3 if one >= FIRST_DENSE else 1 for one in text if one.isalpha())
    if letters < LETTERS or not knows(code):
        return False
    ranked, alike = _identifier().rank(text), _alike(code)
    own = max(score for name, score in ranked if name in alike)
    return bool(ranked[0][1] - own > MARGIN)


def knows(language: str) -> bool:
    """Whether the model has a language, or one alike. Raises UserError where the package is not installed."""
    return not _alike(language.split("-")[0]).isdisjoint(_identifier().labels)


def _alike(code: str) -> set[str]:
    return {code, *(one for group in ALIKE if code in group for one in group)}


@cache
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise UserError(
            "The filter of the language needs the package py3langid: pip install 'hybridret[translate]', or leave it "
            "out with --without language."
        ) from error
    return LanguageIdentifier.from_model_file(MODEL_FILE)
