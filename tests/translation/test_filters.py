"""Filters on small pairs, good and bad. Precision and recall on real ones: benchmarks/translation_filters.py."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.translation.engines.engine import Translation
from hybridret.translation.filters import FILTERS, chosen_filters, fault
from hybridret.translation.language_check import is_other_language

EN = "In 1943 the old castle stood on a hill near the river, and 1,250 people lived there."
DE = "Im Jahr 1943 stand die alte Burg auf einem Hügel am Fluss, und 1.250 Menschen lebten dort."
NAMES = "When did Anna Kowalska, Peter Lindqvist and Maria Oliveira visit the city of Warsaw?"

BAD = [
    ("empty", EN, "...", "de"),
    ("empty", EN, "", "de"),
    ("copied", EN, EN, "de"),
    ("copied", EN, EN.replace("hill", "Hügel"), "de"),
    ("language", EN, "En 1943, el viejo castillo estaba en una colina cerca del río, y vivían 1.250 personas.", "de"),
    ("length", EN, "1943 1250", "de"),
    ("repetition", EN, "Im Jahr 1943 1250 stand die Burg die Burg die Burg die Burg die Burg die Burg am Fluss.", "de"),
    ("truncated", EN, "Im Jahr 1943 stand die Burg am Fluss, 1250 Menschen und", "de"),
    ("digits", EN, DE.replace("1943", "1934"), "de"),
    ("names", NAMES, "Wann haben die drei Leute aus der Geschichte die große Stadt im Osten wirklich besucht?", "de"),
]
GOOD = [
    (EN, DE, "de"),
    (EN, "1943年，古堡矗立在河边的一座小山上，有1250人住在那里。", "zh"),
    (EN, "في عام ١٩٤٣ كانت القلعة القديمة تقف على تلة بالقرب من النهر، وكان يعيش هناك ١٬٢٥٠ شخصًا.", "ar"),
    ("Who was Elena?", "Wer war Elena?", "de"),
    ("Paris", "Paris", "de"),
    ("What is it?", "それは何ですか。", "ja"),
    ("He came in the 19th century.", "Llegó en el siglo XIX.", "es"),
    (NAMES, "Wann besuchten Anna Kowalska, Peter Lindqvist und Maria Oliveira die Stadt Warschau?", "de"),
    ("no no no no no no", "nein nein nein nein nein nein", "de"),
]


@pytest.mark.parametrize(("name", "source", "text", "target"), BAD)
def test_bad_pairs_are_refused_by_the_filter_of_their_fault(name: str, source: str, text: str, target: str) -> None:
    assert FILTERS[name](source, text, "en", target)
    assert fault(source, Translation(text, False), "en", target, FILTERS) is not None


@pytest.mark.parametrize(("source", "text", "target"), GOOD)
def test_good_pairs_pass(source: str, text: str, target: str) -> None:
    assert fault(source, Translation(text, False), "en", target, FILTERS) is None


def test_what_the_model_did_not_end_is_truncated() -> None:
    assert fault(EN, Translation(DE, True), "en", "de", FILTERS) == "truncated"
    assert fault(EN, Translation(DE, True), "en", "de", chosen_filters(["truncated"])) is None


def test_close_languages_and_short_texts_are_not_judged() -> None:
    assert not is_other_language("Hvad er hovedstaden i Danmark?", "nb")
    assert not is_other_language("Elena", "ja")
    assert is_other_language("Was ist die Hauptstadt von Dänemark?", "nb")
    assert not is_other_language("Was ist die Hauptstadt von Dänemark?", "tlh")  # unknown to the model


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(UserError, match="Did you mean 'digits'"):
        chosen_filters(["digit"])
    with pytest.raises(UserError, match="there is no such filter to leave out"):
        chosen_filters(["empty"])


def test_real_translations_pass_and_copied_ones_do_not(real_data: Path) -> None:
    """squad-dev, English and Spanish: good pairs, and the same with each translation replaced by its source."""
    texts: dict[str, dict[str, str]] = {"en": {}, "es": {}}
    for language, found in texts.items():
        with gzip.open(real_data / "train" / f"squad-dev.{language}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                found[row["qid"]] = row["question"]
    ids = sorted(texts["en"].keys() & texts["es"].keys())[:600]
    good = [fault(texts["en"][one], Translation(texts["es"][one], False), "en", "es", FILTERS) for one in ids]
    wrong = [fault(texts["en"][one], Translation(texts["en"][one], False), "en", "es", FILTERS) for one in ids]
    assert sum(reason is not None for reason in good) < 0.03 * len(ids)
    assert sum(reason is None for reason in wrong) == 0
