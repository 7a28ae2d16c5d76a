"""What the split promises, checked from the pairs and passages themselves, not from the split's own labels."""

from __future__ import annotations

from collections import Counter

import pytest

from hybridret.data.cldr import CldrCorpus
from hybridret.data.cldr.fact_split import MENTIONS, Part, split
from hybridret.data.cldr.facts import Fact
from hybridret.data.cldr.names import name_of
from hybridret.data.cldr.things import Thing, uniform


@pytest.fixture(scope="module", params=[0, 3])
def corpus(request: pytest.FixtureRequest) -> CldrCorpus:
    return CldrCorpus(["en", "ar", "zh"], seed=request.param)


def _trained(corpus: CldrCorpus) -> list[Fact]:
    trained = {name.split("#")[0] for name in corpus.training()[0].question_ids}
    return [one.fact for one in corpus.facts if one.fact.id in trained]


def _asked(corpus: CldrCorpus, number: int) -> list[Fact]:
    asked = {name.split("/", 1)[1].split("#")[0] for name in corpus.test()[number].query_ids}
    return [one.fact for one in corpus.facts if one.fact.id in asked]


def _validated(corpus: CldrCorpus) -> list[Fact]:
    ids = {name.split("#")[0] for name in corpus.validation().question_ids}
    return [one.fact for one in corpus.facts if one.fact.id in ids]


def test_test_combinations_are_unseen_but_their_halves_are_seen(corpus: CldrCorpus) -> None:
    trained = _trained(corpus)
    entities = {fact.entity for fact in trained}
    attributes = {fact.attribute for fact in trained}
    combinations = {(fact.entity, fact.attribute) for fact in trained}
    for fact in (*_asked(corpus, 0), *_validated(corpus)):
        assert fact.entity in entities
        assert fact.attribute in attributes
        assert (fact.entity, fact.attribute) not in combinations


def test_sets_are_disjoint(corpus: CldrCorpus) -> None:
    sets = [_trained(corpus), _validated(corpus), _asked(corpus, 0), _asked(corpus, 1)]
    count = Counter(fact.id for facts in sets for fact in facts)
    assert max(count.values()) == 1
    assert all(sets)


def test_no_test_text_is_trained_on(corpus: CldrCorpus) -> None:
    texts = {text.casefold() for text in corpus.texts()}
    for collection in corpus.test():
        assert not texts & {query.casefold() for query in collection.queries}
        assert not texts & {collection.passages[index].casefold() for index in collection.relevant_passages}
    validation = corpus.validation()
    for language in validation.languages:
        held_out = {text.casefold() for text in (*validation.queries[language], *validation.passages[language]) if text}
        assert not texts & held_out


def test_unseen_entities_are_neither_asked_about_nor_answers_in_training(corpus: CldrCorpus) -> None:
    unseen = {fact.entity for fact in _asked(corpus, 1)}
    named = {slot for fact in _trained(corpus) for slot in fact.slots.values() if isinstance(slot, Thing)}
    assert len(unseen) >= 20
    assert {entity.kind for entity in unseen} == set("TGCSZ")
    assert not unseen & named
    assert {fact.attribute for fact in _asked(corpus, 1)} <= {fact.attribute for fact in _trained(corpus)}


def test_unseen_places_do_not_occur_in_training_texts(corpus: CldrCorpus) -> None:
    """By string, for the kind whose names are rarely parts of other names; time zones are named after places."""
    zones = {slot for fact in _trained(corpus) for slot in fact.slots.values() if isinstance(slot, Thing)}
    speaking = " ".join(filter(None, (name_of(zone, "en") for zone in zones)))
    training = "\n".join(corpus.texts())
    places = [fact.entity for fact in _asked(corpus, 1) if fact.entity.kind == "Z"]
    names = {name_of(place, "en") or "" for place in places}
    checked = [name for name in names if len(name) > 5 and name not in speaking]
    assert checked
    assert not [name for name in checked if f" {name} " in training]


def test_background_is_in_the_pool_only(corpus: CldrCorpus) -> None:
    background = [one for one, part in zip(corpus.facts, corpus.parts, strict=True) if part is Part.BACKGROUND]
    unseen = {fact.entity for fact in _asked(corpus, 1)}
    pool = set(corpus.test()[0].passages)
    assert background
    for one in background:
        assert one.fact.mentions & unseen
        assert one.texts["en"].passage in pool
    assert len(background) < 0.04 * len(corpus.facts)


def test_shares_come_out_as_asked() -> None:
    corpus = CldrCorpus(["en"], validation_share=0.1, test_share=0.25, unseen_share=0.1)
    seen = [part for part in corpus.parts if part in (Part.TRAINING, Part.TEST, Part.VALIDATION)]
    assert seen.count(Part.TEST) / len(seen) == pytest.approx(0.25, abs=0.03)
    assert seen.count(Part.VALIDATION) / len(seen) == pytest.approx(0.1, abs=0.02)


def _fact(entity: str, attribute: str, value: Thing | str = "x") -> Fact:
    return Fact(f"T:{attribute}", {"e": Thing("T", entity), "v": value})


def test_an_entity_with_one_fact_is_trained_on() -> None:
    facts = [_fact(str(number), "only") for number in range(200)]
    parts = split(facts, 0, validation_share=0.3, test_share=0.4, unseen_share=0.1)
    assert parts.count(Part.UNSEEN) == 20
    assert parts.count(Part.TRAINING) == 180


def test_adding_a_fact_of_another_entity_moves_no_other() -> None:
    facts = [_fact(str(number), attribute) for number in range(50) for attribute in ("a", "b", "c")]
    before = split(facts, 5, 0.1, 0.3, 0.0001)
    after = split([*facts, _fact("new", "a")], 5, 0.1, 0.3, 0.0001)
    assert after[:-1] == before
    assert len(set(before)) == 3


def test_popular_answers_are_not_held_out() -> None:
    popular = Thing("T", "0")
    facts = [_fact(str(number), "a", popular) for number in range(MENTIONS + 2)]
    parts = split(facts, 0, 0.1, 0.1, 0.45)
    assert parts[0] is not Part.UNSEEN
    assert Part.UNSEEN in parts


def test_uniform_is_uniform_and_fixed() -> None:
    draws = [uniform(0, "part", str(number)) for number in range(4000)]
    assert min(draws) >= 0
    assert max(draws) < 1
    assert sum(draws) / len(draws) == pytest.approx(0.5, abs=0.02)
    assert uniform(7, "part", "T:FR:currency") == pytest.approx(0.6779823287160256, abs=1e-15)


def test_less_training_data_is_part_of_more_and_nothing_else_changes() -> None:
    whole, half, less = (CldrCorpus(["en"], training_share=share) for share in (1.0, 0.5, 0.2))
    trained = [{fact.id for fact in _trained(corpus)} for corpus in (whole, half, less)]
    assert trained[0] > trained[1] > trained[2]
    for corpus, own, share in zip((half, less), trained[1:], (0.5, 0.2), strict=True):
        assert len(own) / len(trained[0]) == pytest.approx(share, abs=0.05)
        assert own == {fact.id for fact in _trained(whole) if uniform(0, "used", fact.id) < share}
        assert _validated(corpus) == _validated(whole)
        assert corpus.validation().queries == whole.validation().queries
        for number, test in enumerate(corpus.test()):
            assert test.passages == whole.test()[number].passages
            assert test.query_ids == whole.test()[number].query_ids
    prints = {corpus.fingerprint() for corpus in (whole, half, less)}
    assert len(prints) == 3
    assert whole.fingerprint() == CldrCorpus(["en"]).fingerprint()
