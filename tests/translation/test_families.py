"""Language tokens of each family, read from vocabularies, and the errors of a language that a model lacks."""

from __future__ import annotations

import pytest

from hybridret.base.errors import UserError
from hybridret.translation.families import FAMILIES, Direction, direction, family_of, pair_of

VOCABULARIES = {
    "nllb": ("m2m_100", ["the", "eng_Latn", "deu_Latn", "zho_Hans", "zho_Hant", "arb_Arab", "acm_Arab", "por_Latn"]),
    "m2m100": ("m2m_100", ["the", "__en__", "__de__", "__zh__", "__ar__", "__pt__"]),
    "madlad400": ("t5", ["the", "<2en>", "<2de>", "<2zh>", "<2ar>", "<2pt>"]),
    "opus": ("marian", ["the", ">>deu<<", ">>cmn_Hans<<", ">>ara<<", ">>por<<"]),
}
PAIR = (None, None)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_family_is_known_by_its_tokens(name: str) -> None:
    architecture, vocabulary = VOCABULARIES[name]
    family = family_of(architecture, vocabulary, "folder")
    assert family.name == name
    assert {"de", "zh", "ar", "pt"} <= set(family.languages(vocabulary))


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("nllb", "de", Direction(("eng_Latn",), "deu_Latn")),
        ("nllb", "zh", Direction(("eng_Latn",), "zho_Hans")),
        ("nllb", "zh-hant", Direction(("eng_Latn",), "zho_Hant")),
        ("nllb", "ar", Direction(("eng_Latn",), "arb_Arab")),
        ("m2m100", "zh", Direction(("__en__",), "__zh__")),
        ("madlad400", "de", Direction(("<2de>",), None)),
        ("opus", "zh", Direction((">>cmn_Hans<<",), None)),
    ],
)
def test_directions(name: str, target: str, expected: Direction) -> None:
    architecture, vocabulary = VOCABULARIES[name]
    family = family_of(architecture, vocabulary, "folder")
    assert direction(family, vocabulary, "en", target, "folder", PAIR) == expected


def test_a_target_that_the_model_lacks_is_named_with_the_nearest() -> None:
    family, vocabulary = FAMILIES[1], VOCABULARIES["m2m100"][1]
    with pytest.raises(UserError, match=r"cannot translate into 'el' \(Greek\).*has 5 languages"):
        direction(family, vocabulary, "en", "el", "folder", PAIR)
    with pytest.raises(UserError, match="cannot translate from 'el'"):
        direction(family, vocabulary, "el", "de", "folder", PAIR)


def test_a_model_of_one_pair_is_checked_by_its_tokenizer_or_its_name() -> None:
    assert pair_of("Helsinki-NLP/opus-mt-en-de", None, None) == ("en", "de")
    assert pair_of("folder", "eng", "deu") == ("en", "de")
    opus = FAMILIES[3]
    assert direction(opus, ["the"], "en", "de", "folder", ("en", "de")) == Direction((), None)
    assert direction(opus, ["the"], "en", "de", "folder", PAIR) == Direction((), None)
    with pytest.raises(UserError, match=r"translates into 'de' \(German\), not into 'fr'"):
        direction(opus, ["the"], "en", "fr", "folder", ("en", "de"))


@pytest.mark.parametrize(("architecture", "vocabulary"), [("bert", ["the"]), ("t5", ["the"]), ("m2m_100", ["the"])])
def test_other_models_are_refused(architecture: str, vocabulary: list[str]) -> None:
    with pytest.raises(UserError, match="is no translation model of a known family"):
        family_of(architecture, vocabulary, "folder")
