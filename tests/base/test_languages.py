"""One form for every way to write a language, in every list of languages that a config has."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hybridret.base.errors import UserError
from hybridret.base.languages import among, canonical_language, check_language, chosen_languages
from hybridret.data.benchmarks.miracl import Miracl
from hybridret.data.benchmarks.mlqa_r import MlqaR
from hybridret.data.benchmarks.mr_tydi import MrTydi
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.data.cldr.source import CldrCorpus
from hybridret.export.mteb_languages import mteb_language

# What data and benchmarks of today are called: finished runs and their tables have these names.
TODAY = [
    *("ar", "bn", "ceb", "da", "de", "el", "en", "en-us", "es", "fa", "fi", "fil", "fr", "he", "hi", "id", "it", "ja"),
    *("ko", "nb", "nl", "nn", "no", "pt", "pt-br", "ru", "sr", "sr-cyrl", "sr-latn", "sv", "sw", "te", "th", "tl"),
    *("tr", "tw", "vi", "yo", "yue", "zh", "zh-hans", "zh-hant", "zh-tw"),
]


def test_names_of_today_stay() -> None:
    assert [canonical_language(code) for code in TODAY] == TODAY


@pytest.mark.parametrize(
    ("code", "form"),
    [
        ("zh-Hans", "zh-hans"),
        ("zh_Hant", "zh-hant"),
        (" EN ", "en"),
        ("eng", "en"),
        ("eng-Latn", "en"),
        ("zho-Hans", "zh-hans"),
        ("cmn-Hans", "zh-hans"),
        ("arb-Arab", "ar"),
        ("swh-Latn", "sw"),
        ("yor-Latn", "yo"),
        ("jpn-Jpan", "ja"),
        ("tgl", "tl"),
        ("ger", "de"),  # ISO 639-2's other code
        ("iw", "he"),
        ("ceb-Latn", "ceb"),
    ],
)
def test_every_way_to_write_a_code(code: str, form: str) -> None:
    assert check_language(code, "here") == form
    assert check_language(form, "here") == form


def test_what_mteb_writes_is_read() -> None:
    """Each code of today as mteb writes it means the same language."""
    for code in (code for code in TODAY if len(code) < 4):
        assert among(mteb_language(code), (code,)) == code


@pytest.mark.parametrize("code", ["", "e", "qq", "xq-Latn", "en-", "en us", "english", "a-b", "zh--hans", "x-own", "1"])
def test_what_is_no_language(code: str) -> None:
    with pytest.raises(UserError, match=f"here: {code!r} is not a language code"):
        check_language(code, "here")


def test_the_nearest_language() -> None:
    for word, said in (("german", r"'de' \(German\)"), ("Englsh", r"'en' \(English\)"), ("zh-hanss", r"'zh-hans'")):
        with pytest.raises(UserError, match=f"Did you mean {said}"):
            check_language(word, "here")


def test_lists_of_a_config() -> None:
    assert chosen_languages("k", ["ZHO-Hans", "deu"], ("de", "en", "zh")) == ["zh", "de"]
    assert chosen_languages("k", ["zh"], ("en", "zh-hans")) == ["zh-hans"]
    with pytest.raises(UserError, match=r"k: no 'zh-Hant' here"):
        chosen_languages("k", ["zh-Hant"], ("en", "zh"))
    with pytest.raises(UserError, match=r"k=\['zh', 'zho'\]: name one or more of en, zh, none of them twice"):
        chosen_languages("k", ["zh", "zho"], ("en", "zh"))


@pytest.mark.parametrize(
    "build",
    [
        lambda languages: Miracl(None, languages),
        lambda languages: MrTydi(None, languages),
        lambda languages: XquadR("x", languages),
        lambda languages: MlqaR("x", languages),
        lambda languages: CldrCorpus(languages),
    ],
    ids=["miracl", "mr_tydi", "xquad_r", "mlqa_r", "cldr"],
)
def test_every_list_takes_every_form(build: Callable[[list[str]], object]) -> None:
    build(["EN", "ara-Arab"])
    with pytest.raises(UserError, match=r"languages: no 'de-AT' "):
        build(["de-AT"])
    with pytest.raises(UserError, match=r"languages: 'germn' is not a language code.*German"):
        build(["germn"])
