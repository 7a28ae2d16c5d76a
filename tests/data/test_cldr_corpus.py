"""The built-in corpus as its users see it: pairs, collections, ids, fingerprint, errors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.languages import script_of
from hybridret.base.records import Collection, ParallelPairs
from hybridret.data.cldr import CldrCorpus
from hybridret.data.cldr.described import described_facts
from hybridret.data.cldr.render import available_languages
from hybridret.data.cldr.things import Thing
from hybridret.data.source import PairSource

CARD = Path(__file__).resolve().parents[2] / "docs" / "data_card_cldr.md"


@pytest.fixture(scope="module")
def corpus() -> CldrCorpus:
    return CldrCorpus()


def _fact_of(name: str) -> str:
    """`en/T:FR:currency#1` -> `T:FR:currency`."""
    return name.split("/", 1)[1].split("#")[0]


def test_size_is_what_is_promised(corpus: CldrCorpus) -> None:
    assert len(corpus.languages) >= 8
    assert len({script_of(language) for language in corpus.languages}) >= 5
    assert len({one.fact.relation for one in corpus.facts}) >= 12
    assert len(corpus.facts) >= 2000
    assert 400 <= corpus.parts.count("test") <= 600
    assert corpus.parts.count("unseen") >= 100
    assert corpus.parts.count("validation") >= 100


def test_it_is_a_pair_source_and_memoised(corpus: CldrCorpus) -> None:
    source: PairSource = corpus
    assert source.training()[0] is source.training()[0]
    assert source.validation() is source.validation()
    assert source.test() is source.test()
    assert "Unicode" in source.licence()


def _pairs(corpus: CldrCorpus) -> list[ParallelPairs]:
    return [*corpus.training(), corpus.validation()]


def test_pairs_are_aligned(corpus: CldrCorpus) -> None:
    for pairs in _pairs(corpus):
        assert pairs.present.all()
        assert pairs.present.shape == (len(pairs), len(corpus.languages))
        assert len(set(pairs.question_ids)) == len(pairs)
        assert set(Counter(pairs.passage_groups.tolist()).values()) == {2}  # two wordings per passage
        facts = {one.fact.id: one for one in corpus.facts}
        for row, name in enumerate(pairs.question_ids):
            fact, wording = name.split("#")
            assert corpus.facts[pairs.passage_groups[row]].fact.id == fact
            for language in pairs.languages:
                assert pairs.queries[language][row] == facts[fact].texts[language].questions[int(wording) - 1]
                assert pairs.passages[language][row] == facts[fact].texts[language].passage


@pytest.mark.parametrize("number", [0, 1])
def test_collections_are_consistent(corpus: CldrCorpus, number: int) -> None:
    collection = corpus.test()[number]
    count = len(corpus.languages)
    assert len(set(collection.query_ids)) == len(collection.query_ids) == len(collection.queries)
    assert len(set(collection.passage_ids)) == len(collection.passage_ids) == len(collection.passages)
    assert len(collection.passages) == len(corpus.facts) * count
    for ids, languages in (
        (collection.query_ids, collection.query_languages),
        (collection.passage_ids, collection.passage_languages),
    ):
        assert [name.split("/", 1)[0] for name in ids] == [collection.languages[index] for index in languages]
    assert (np.diff(collection.relevant_queries) >= 0).all()
    assert (collection.grades == 1).all()


@pytest.mark.parametrize("number", [0, 1])
def test_judgments_equal_those_found_by_comparing_ids(corpus: CldrCorpus, number: int) -> None:
    collection = corpus.test()[number]
    by_fact = defaultdict(set)
    for index, name in enumerate(collection.passage_ids):
        by_fact[_fact_of(name)].add(index)
    judged = defaultdict(list)
    for query, passage in zip(collection.relevant_queries, collection.relevant_passages, strict=True):
        judged[int(query)].append(int(passage))
    assert len(judged) == len(collection.queries)
    for query, name in enumerate(collection.query_ids):
        assert len(judged[query]) == len(corpus.languages)
        assert set(judged[query]) == by_fact[_fact_of(name)]
        languages = [int(collection.passage_languages[passage]) for passage in judged[query]]
        assert sorted(languages) == list(range(len(corpus.languages)))


@pytest.mark.parametrize("number", [0, 1])
def test_translations_of_a_question_share_a_cluster(corpus: CldrCorpus, number: int) -> None:
    collection = corpus.test()[number]
    clusters = defaultdict(set)
    for name, cluster in zip(collection.query_ids, collection.questions, strict=True):
        clusters[int(cluster)].add(name.split("/", 1)[1])
    assert all(len(names) == 1 for names in clusters.values())
    assert set(Counter(collection.questions.tolist()).values()) == {len(corpus.languages)}


def test_test_sets_ask_both_wordings(corpus: CldrCorpus) -> None:
    for collection in corpus.test():
        wordings = Counter(name[-1] for name in collection.query_ids)
        assert set(wordings) == {"1", "2"}
        assert min(wordings.values()) > 0.35 * len(collection.query_ids)


def test_no_two_facts_share_a_text(corpus: CldrCorpus) -> None:
    """The pool holds each text once, over all languages, so no passage is an unjudged copy of a relevant one."""
    passages = Counter(one.texts[language].passage for one in corpus.facts for language in corpus.languages)
    assert max(passages.values()) == 1
    for language in corpus.languages:
        questions = Counter(text.casefold() for one in corpus.facts for text in set(one.texts[language].questions))
        assert max(questions.values()) == 1
        assert all(one.texts[language].questions[0] != one.texts[language].questions[1] for one in corpus.facts)


def test_texts_are_complete_sentences(corpus: CldrCorpus) -> None:
    for one in corpus.facts:
        for texts in one.texts.values():
            for text in (*texts.questions, texts.passage):
                assert text == text.strip()
                assert not re.search(r"[{}]|  |None", text), text
                assert text[0] == text[0].upper()
            assert all(question[-1] in "?؟？" for question in texts.questions)
            assert texts.passage[-1] in ".。।"


@pytest.mark.parametrize(
    ("language", "script"),
    [
        ("ar", "ARABIC"),
        ("de", "LATIN"),
        ("en", "LATIN"),
        ("es", "LATIN"),
        ("fr", "LATIN"),
        ("hi", "DEVANAGARI"),
        ("ja", "HIRAGANA"),
        ("ru", "CYRILLIC"),
        ("tr", "LATIN"),
        ("zh", "CJK"),
    ],
)
def test_texts_are_in_the_script_of_their_language(corpus: CldrCorpus, language: str, script: str) -> None:
    def share(text: str) -> float:
        letters = [unicodedata.name(letter, "") for letter in text if letter.isalpha()]
        return sum(name.startswith(script) for name in letters) / len(letters)

    needed = 0.1 if language == "ja" else 0.5  # Japanese sentences are kanji and katakana too
    for one in corpus.facts:
        for question in one.texts[language].questions:
            assert share(question) >= needed, question
        assert share(one.texts[language].passage) > 0.05, one.texts[language].passage


def test_every_language_of_the_corpus_is_checked_for_its_script() -> None:
    assert set(available_languages()) == {"ar", "de", "en", "es", "fr", "hi", "ja", "ru", "tr", "zh"}


def test_questions_do_not_contain_the_answer_that_all_languages_write_alike(corpus: CldrCorpus) -> None:
    for one in corpus.facts:
        value = one.fact.slots["v"]
        if isinstance(value, Thing):
            continue
        word = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
        for language, texts in one.texts.items():
            assert not any(word.search(question) for question in texts.questions), (language, texts)


def test_shared_values_keep_passages_apart(corpus: CldrCorpus) -> None:
    euro = [one for one in corpus.facts if one.fact.relation == "T:currency" and one.fact.slots["v"] == ("C", "EUR")]
    assert len(euro) > 20
    assert len({one.texts["en"].passage for one in euro}) == len(euro)


def test_facts_and_split_do_not_depend_on_the_languages(corpus: CldrCorpus) -> None:
    small = CldrCorpus(["tr", "en"])
    assert small.languages == ("tr", "en")
    assert [one.fact.id for one in small.facts] == [one.fact.id for one in corpus.facts]
    assert small.parts == corpus.parts
    assert small.fingerprint() != corpus.fingerprint()
    assert small.test()[0].query_ids[0].startswith("tr/")
    assert set(small.training()[0].queries) == {"tr", "en"}


def test_limits_and_seed_have_an_effect(corpus: CldrCorpus) -> None:
    small = CldrCorpus(cities=30, spoken=40)
    kinds = {kind: {one.fact.entity for one in small.facts if one.fact.entity.kind == kind} for kind in "GZ"}
    assert {kind: len(entities) for kind, entities in kinds.items()} == {"G": 40, "Z": 30}
    assert Thing("G", "de") in kinds["G"]
    other = CldrCorpus(seed=1)
    assert other.parts != corpus.parts
    assert other.fingerprint() != corpus.fingerprint()


def test_tokenizer_texts_are_the_training_texts_once(corpus: CldrCorpus) -> None:
    small = CldrCorpus(["en", "hi"])
    texts = list(small.texts())
    assert texts == list(small.texts())
    pairs = small.training()[0]
    expected = {text for language in pairs.languages for text in (*pairs.queries[language], *pairs.passages[language])}
    assert len(texts) == len(expected)
    assert set(texts) == expected
    held_out = {text for text in small.validation().passages["en"] if text}
    held_out |= {passage for collection in small.test() for passage in _relevant(collection)}
    assert not held_out & set(texts)


def _relevant(collection: Collection) -> set[str]:
    return {collection.passages[index] for index in collection.relevant_passages}


def test_a_second_build_is_equal() -> None:
    first = CldrCorpus(["en", "ja"])
    before = first.fingerprint(), first.test()[0].query_ids
    described_facts.cache_clear()
    second = CldrCorpus(["en", "ja"])
    assert second.facts is not first.facts
    assert (second.fingerprint(), second.test()[0].query_ids) == before


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["0", "12345"])
def test_fingerprint_does_not_depend_on_the_process(corpus: CldrCorpus, hash_seed: str) -> None:
    code = "from hybridret.data.cldr import CldrCorpus; print(CldrCorpus().fingerprint())"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == corpus.fingerprint()


@pytest.mark.slow
def test_fingerprint_does_not_depend_on_who_read_locales_before(corpus: CldrCorpus) -> None:
    """babel's cache of locales holds whatever was asked for first: a language's name before the facts changed them."""
    code = (
        "from hybridret.base.languages import language_name; language_name('de'); "
        "from babel import Locale; [Locale(code).languages for code in ('en', 'ru', 'zh', 'en_GB')]; "
        "from hybridret.data.cldr import CldrCorpus; print(CldrCorpus().fingerprint()); print(language_name('zh'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [corpus.fingerprint(), "Chinese"]


def test_fingerprint_is_the_published_one(corpus: CldrCorpus) -> None:
    """The data card names the fingerprint of the babel release that it was written with."""
    card = CARD.read_text(encoding="utf-8")
    if f"`babel` {version('babel')})" not in " ".join(card.split()):
        pytest.skip("the data card was written with another release of babel")
    assert f"`{corpus.fingerprint()}`" in card


def test_facts_are_shared_between_instances(corpus: CldrCorpus) -> None:
    """Describing them is most of the work of building a corpus."""
    corpus.test()
    before = described_facts.cache_info().misses
    CldrCorpus().test()
    assert described_facts.cache_info().misses == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"languages": ["en", "enn"]}, ["'enn'", "'en'", "zh"]),
        ({"languages": ["xx"]}, ["'xx'", "ar, de, en"]),
        ({"languages": []}, ["one or more of ar, de, en"]),
        ({"languages": ["en", "de", "en"]}, ["none of them twice"]),
        ({"test_share": 0.7}, ["test_share", "0.7"]),
        ({"validation_share": 0.0}, ["validation_share"]),
        ({"unseen_share": -0.1}, ["unseen_share"]),
        ({"cities": 0}, ["cities", "20"]),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        CldrCorpus(**arguments)  # type: ignore[arg-type]
    (key,) = arguments
    assert str(caught.value).startswith(f"data.{key}")
    for word in words:
        assert word in str(caught.value)


def test_the_licence_notice_ships() -> None:
    notice = Path(sys.modules["hybridret.data.cldr.source"].__file__ or "").parent / "UNICODE-LICENSE.txt"
    text = notice.read_text(encoding="utf-8")
    assert text.startswith("UNICODE LICENSE V3")
    assert "SPDX-License-Identifier: Unicode-3.0" in text
    assert notice.name in CldrCorpus().licence()
