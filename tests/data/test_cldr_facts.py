"""Facts, names and templates below the corpus."""

from __future__ import annotations

import string
from collections import Counter
from pathlib import Path

import pytest

from hybridret.data.cldr import card, templates
from hybridret.data.cldr.described import Described, without_collisions
from hybridret.data.cldr.facts import Fact, all_facts
from hybridret.data.cldr.names import name_of
from hybridret.data.cldr.render import Texts, available_languages, render, templates_of
from hybridret.data.cldr.source import CldrCorpus
from hybridret.data.cldr.things import Thing

FACTS = {fact.id: fact for fact in all_facts()}


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_ids_are_unique_and_sorted() -> None:
    ids = [fact.id for fact in all_facts()]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("T:JP:currency", Thing("C", "JPY")),
        ("T:DE:currency", Thing("C", "EUR")),
        ("T:DE:former_currency", Thing("C", "DEM")),
        ("T:HT:currency", Thing("C", "HTG")),  # its own, although the US dollar is legal tender too
        ("T:DE:language", Thing("G", "de")),
        ("T:GB:week", Thing("D", "0")),
        ("T:EG:week", Thing("D", "5")),
        ("G:ru:script", Thing("S", "Cyrl")),
        ("G:zh:script", Thing("S", "Hani")),
        ("G:ja:home", Thing("T", "JP")),
        ("G:sw:word.sunday", "Jumapili"),
        ("C:CHF:place", Thing("T", "CH")),
        ("C:DEM:former_place", Thing("T", "DE")),
        ("S:Geor:language", Thing("G", "ka")),
        ("Z:Asia/Tokyo:territory", Thing("T", "JP")),
    ],
)
def test_known_facts(name: str, value: Thing | str) -> None:
    assert FACTS[name].slots["v"] == value


def test_what_has_no_one_answer_is_no_fact() -> None:
    assert "T:US:zone" not in FACTS  # several time zones
    assert "C:EUR:place" not in FACTS  # many issuers
    assert "T:PS:currency" not in FACTS  # several currencies, none its own


def test_years_are_those_of_the_reference_day() -> None:
    assert FACTS["T:DE:currency_since"].slots["v"] == "1999"
    assert FACTS["T:DE:former_currency"].slots["y"] == "2002"
    years = [int(str(fact.slots["v"])) for fact in all_facts() if fact.relation == "T:currency_since"]
    assert max(years) <= 2025


def test_every_language_has_every_relation_with_the_same_placeholders() -> None:
    expected = {
        relation: [_placeholders(text) for text in texts] for relation, texts in templates_of("en").relations.items()
    }
    assert set(expected) == {fact.relation for fact in all_facts()}
    for language in available_languages():
        relations = templates_of(language).relations
        found = {relation: [_placeholders(text) for text in texts] for relation, texts in relations.items()}
        assert found == expected, language
    for questions_and_passage in expected.values():
        assert all("v" not in names and "e" in names for names in questions_and_passage[:2])
        assert {"e", "v"} <= questions_and_passage[2]


def test_templates_differ_from_each_other() -> None:
    """Two relations with one sentence could not be told apart."""
    for language in available_languages():
        count = Counter(text for texts in templates_of(language).relations.values() for text in texts)
        assert max(count.values()) == 1, language


def test_every_template_file_is_a_language() -> None:
    files = {file.stem for file in Path(templates.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(available_languages()) == files


@pytest.mark.parametrize(
    ("thing", "language", "name"),
    [
        (Thing("T", "FR"), "ru", "Франция"),
        (Thing("T", "MM"), "en", "Myanmar"),  # remarks go: Myanmar (Burma)
        (Thing("T", "CD"), "zh", "刚果（金）"),  # but not where they tell two countries apart
        (Thing("D", "6"), "es", "domingo"),
        (Thing("O", "1"), "fr", "janvier"),
        (Thing("Z", "Europe/Athens"), "de", "Athen"),
        (Thing("Z", "America/New_York"), "en", "New York"),
        (Thing("C", "TRL"), "en", None),  # years in the name
        (Thing("T", "XX"), "en", None),
    ],
)
def test_names(thing: Thing, language: str, name: str | None) -> None:
    assert name_of(thing, language) == name


def test_rendering() -> None:
    assert render(FACTS["T:US:currency"], "en") == Texts(
        ("Which currency is used in the United States?", "What money do people pay with in the United States?"),
        "The legal tender of the United States is the US Dollar.",
    )
    spanish = render(FACTS["C:CHF:code"], "es")
    assert spanish is not None
    assert spanish.passage == "Los bancos abrevian la moneda «franco suizo» como CHF."
    swahili = render(FACTS["G:sw:home"], "tr")
    assert swahili is not None
    assert swahili.questions[0] == "Svahili en çok hangi ülkede konuşulur?"
    istanbul = render(Fact("Z:territory", {"e": Thing("Z", "Europe/Istanbul"), "v": Thing("T", "TR")}), "tr")
    assert istanbul is not None
    assert istanbul.questions[0] == "İstanbul hangi ülkededir?"
    capitals = render(Fact("T:currency", {"e": "izmir", "v": "lira"}), "tr")
    assert capitals is not None
    assert capitals.questions[0] == "İzmir ülkesinde hangi para birimi kullanılır?"  # not Izmir
    assert render(Fact("T:currency", {"e": Thing("T", "FR"), "v": Thing("C", "TRL")}), "en") is None


def _described(name: str, english: tuple[str, str, str], german: tuple[str, str, str]) -> Described:
    texts = {"en": Texts(english[:2], english[2]), "de": Texts(german[:2], german[2])}
    return Described(Fact("T:a", {"e": Thing("T", name), "v": "x"}), texts)


def test_collisions_are_found_in_any_language_and_wording() -> None:
    alone = _described("1", ("a1", "b1", "c1"), ("A1", "B1", "C1"))
    same_passage = _described("2", ("a2", "b2", "c2"), ("A2", "B2", "C2"))
    same_passage_too = _described("3", ("a3", "b3", "c3"), ("A3", "B3", "c2"))  # equal but for capitals
    other_wording = _described("4", ("a4", "b4", "c4"), ("A4", "B4", "C4"))
    other_wording_too = _described("5", ("B5", "a4", "c5"), ("A5", "B5", "C5"))
    facts = [alone, same_passage, same_passage_too, other_wording, other_wording_too]
    assert without_collisions(facts) == [alone]
    assert without_collisions(facts[:2]) == facts[:2]


def test_no_word_translates_into_itself() -> None:
    corpus = CldrCorpus()
    words = [one for one in corpus.facts if one.fact.relation == "G:word"]
    assert len(words) > 300
    for one in words:
        word, value = one.fact.slots["w"], one.fact.slots["v"]
        assert isinstance(word, Thing)
        assert isinstance(value, str)
        assert all((name_of(word, language) or "").casefold() != value.casefold() for language in corpus.languages)


def test_card_says_what_it_must_and_counts_right() -> None:
    corpus = CldrCorpus()
    text = " ".join(card.card(corpus).split())
    for statement in (
        "name-alignment task, not general question answering",
        "not checked by native speakers",
        "Unicode License v3",
        "unseen combinations",
        "Known artefacts",
        f"{len(corpus.facts)} facts of",
        corpus.fingerprint(),
    ):
        assert statement in text
    counted = [sum(part is where for where in corpus.parts) for part in type(corpus.parts[0])]
    assert f"| all | {len(corpus.facts)} | | {' | '.join(map(str, counted))} |" in text


def test_preview_shows_facts_in_all_languages() -> None:
    corpus = CldrCorpus(["en", "ja"])
    rows = card.preview(corpus, ["T:JP:currency", "T:NOWHERE:currency"]).splitlines()
    assert len(rows) == 4
    assert "The legal tender of Japan is the Japanese Yen." in rows[2]
    assert "日本の法定通貨は日本円です。" in rows[3]
