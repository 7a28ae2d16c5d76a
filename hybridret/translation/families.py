"""How the families of translation models write languages, and where the target language goes.

Only the vocabulary of a model knows its languages, so they are read from there: each family has a pattern of language
tokens, and what a token means is looked up as for every other code of this project.

| family | tokens | source text begins with | translation begins with |
|---|---|---|---|
| nllb | `deu_Latn` | the source language | the target language (forced) |
| m2m100 | `__de__` | the source language | the target language (forced) |
| madlad400 | `<2de>` | the target language | |
| opus | `>>deu<<`, none in models of one pair | the target language | |
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hybridret.base.errors import UserError, nearest
from hybridret.base.languages import among, canonical_language, language_name, plain_language


@dataclass(frozen=True)
class Family:
    """A family of models. `architectures`: values of `model_type` in its config; `token`: its language tokens, with
    the code as first group; `forced`: the target language is the first token of the translation, else of the source.
    """

    name: str
    architectures: tuple[str, ...]
    token: re.Pattern[str]
    forced: bool

    def languages(self, vocabulary: Iterable[str]) -> dict[str, str]:
        """Language code -> token, of all language tokens of a vocabulary; of two for one code the shorter token."""
        found: dict[str, str] = {}
        for token in sorted(vocabulary, key=lambda token: (len(token), token)):
            if (match := self.token.fullmatch(token)) and (code := canonical_language(match[1])) is not None:
                found.setdefault(plain_language(code), token)
        return found


FAMILIES = (
    Family("nllb", ("m2m_100", "nllb-moe"), re.compile(r"([a-z]{3}_[A-Z][a-z]{3})"), True),
    Family("m2m100", ("m2m_100",), re.compile(r"__([a-z]{2,3})__"), True),
    Family("madlad400", ("t5",), re.compile(r"<2([a-z]{2,3}(?:_[A-Za-z]{2,4})?)>"), False),
    Family("opus", ("marian",), re.compile(r">>([a-z]{2,3}(?:_[A-Za-z]{2,4})?)<<"), False),
)
PAIR = re.compile(r"[-_/]([a-z]{2,3})-([a-z]{2,3})/?$")  # the end of a name such as opus-mt-en-de


def family_of(architecture: str, vocabulary: Iterable[str], model: str) -> Family:
    """The family of a model by its `model_type` and its language tokens.

    Raises UserError, naming `model`, where it is of none.
    """
    tokens = list(vocabulary)
    alike = [family for family in FAMILIES if architecture in family.architectures]
    for family in alike:
        if family.name == "opus" or family.languages(tokens):
            return family
    why = "it has no language tokens" if alike else f"its architecture is {architecture!r}"
    raise UserError(
        f"{model} is no translation model of a known family ({why}). Known: "
        f"{', '.join(family.name for family in FAMILIES)}; for example facebook/nllb-200-distilled-600M."
    )


@dataclass(frozen=True)
class Direction:
    """From one language into another, for one model: the tokens before the source text, and the first token of the
    translation (None: the model's own).
    """

    prefix: tuple[str, ...]
    forced: str | None


def direction(
    family: Family, vocabulary: Iterable[str], source: str, target: str, model: str, pair: tuple[str | None, str | None]
) -> Direction:
    """How `model` is asked for `target`. `pair`: the two languages of a model of one pair, where they are known.

    Raises UserError where the model does not have a language, with the nearest that it has.
    """
    known = family.languages(vocabulary)
    if not known:  # opus, one pair
        _check_pair(source, target, model, pair)
        return Direction((), None)
    own = _token(known, target, "into", model)
    if not family.forced:
        return Direction((own,), None)
    return Direction((_token(known, source, "from", model),), own)


def pair_of(name: str, source: object, target: object) -> tuple[str | None, str | None]:
    """The languages of a model of one pair: from its tokenizer, else from its name; None where neither says it.

    >>> pair_of("Helsinki-NLP/opus-mt-en-de", None, None), pair_of("folder/mine", None, None)
    (('en', 'de'), (None, None))
    """
    found = PAIR.search(name)
    given = [str(one) if one else (found[number] if found else "") for number, one in ((1, source), (2, target))]
    codes = [canonical_language(one) if one else None for one in given]
    return codes[0], codes[1]


def _check_pair(source: str, target: str, model: str, pair: tuple[str | None, str | None]) -> None:
    for asked, has, word in ((source, pair[0], "from"), (target, pair[1], "into")):
        if has is not None and among(asked, [has]) is None:
            raise UserError(
                f"{model} translates {word} {has!r} ({language_name(has)}), not {word} {asked!r}. Choose the model of "
                "this pair: --model 'Helsinki-NLP/opus-mt-{source}-{target}' chooses one for each target language."
            )


def _token(known: dict[str, str], language: str, word: str, model: str) -> str:
    found = among(language, known)
    if found is None:
        raise UserError(
            f"{model} cannot translate {word} {language!r} ({language_name(language)}). {nearest(language, known)} It "
            f"has {len(known)} languages."
        )
    return known[found]
