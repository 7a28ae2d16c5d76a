"""What each strategy draws, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.batching.cross import Cross
from hybridret.batching.curriculum import Curriculum
from hybridret.batching.en_en import EnEn
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mono import Mono
from hybridret.batching.x_x import XX


def test_en_en_is_english_throughout(datasets, batch_size):
    schedule = EnEn().schedule(datasets, batch_size)
    for step in range(100):
        batch = schedule(0, step)
        assert batch.kind == "en_en"
        codes = np.array(datasets[batch.dataset].languages)
        assert set(codes[batch.query_languages]) == set(codes[batch.passage_languages]) == {"en"}


def test_en_en_in_another_language_skips_datasets_without_it(datasets, batch_size):
    for language in ("zh", "zho-Hans"):
        schedule = EnEn(language).schedule(datasets, batch_size)
        assert {schedule(0, step).dataset for step in range(50)} == {1}


def test_en_en_without_english(make_pairs):
    with pytest.raises(UserError, match=r"language 'en', which the training data lacks: it has de, th"):
        EnEn().schedule([make_pairs(languages=("de", "th"))], 4)


def test_x_x_mixes_languages_but_pairs_are_monolingual(datasets, batch_size):
    schedule = XX().schedule(datasets, batch_size)
    batches = [schedule(0, step) for step in range(100)]
    assert all(np.array_equal(batch.query_languages, batch.passage_languages) for batch in batches)
    assert np.mean([len(set(batch.query_languages)) > 1 for batch in batches]) > 0.9


def test_mono_is_in_one_language(datasets, batch_size):
    schedule = Mono().schedule(datasets, batch_size)
    batches = [schedule(0, step) for step in range(200)]
    for batch in batches:
        assert len(set(batch.query_languages) | set(batch.passage_languages)) == 1
    assert len({(batch.dataset, int(batch.query_languages[0])) for batch in batches}) == 3 + 4


def test_cross_never_pairs_equal_languages(datasets, batch_size):
    schedule = Cross().schedule(datasets, batch_size)
    for step in range(300):
        batch = schedule(0, step)
        assert batch.kind == "cross"
        assert (batch.query_languages != batch.passage_languages).all()


@pytest.mark.parametrize("strategy", [Cross(), Hybrid(0.5)])
def test_cross_needs_two_languages(make_pairs, strategy):
    with pytest.raises(UserError, match="cross' needs two languages, the data has only en"):
        strategy.schedule([make_pairs(languages=("en",))], 4)


def test_cross_needs_a_question_in_two_languages(make_pairs):
    pairs = make_pairs(languages=("en", "de"))
    for question in range(len(pairs)):
        pairs.queries["en" if question % 2 else "de"][question] = None
    with pytest.raises(UserError, match=r"\(de, en\) every question exists in one only"):
        Cross().schedule([pairs], 4)


def test_dataset_in_one_language_takes_no_part_in_cross(make_pairs):
    both = [make_pairs("parallel"), make_pairs("english", languages=("en",), questions=600)]
    schedule = Hybrid(0.5).schedule(both, 8)
    batches = [schedule(0, step) for step in range(200)]
    assert {batch.dataset for batch in batches if batch.kind == "cross"} == {0}
    assert {batch.dataset for batch in batches if batch.kind == "mono"} == {0, 1}


@pytest.mark.parametrize("strategy", [Hybrid(0.5), Hybrid(0.0), Curriculum("linear", 0, 1, 0, 10)])
def test_a_mixture_without_parallel_data_says_what_to_do(make_pairs, strategy):
    with pytest.raises(
        UserError, match=r"batching=mono\. Or add a parallel dataset \(data=mix\): mono batches are drawn from all"
    ):
        strategy.schedule([make_pairs(languages=("en",))], 4)
    with pytest.raises(UserError, match=r"batching=mono\.$"):
        Cross().schedule([make_pairs(languages=("en",))], 4)


def test_too_few_passages_names_dataset_language_and_numbers(make_pairs):
    pairs = make_pairs(groups=np.arange(60) // 5)  # 12 passages
    Mono().schedule([pairs], 12)
    with pytest.raises(UserError, match=r"'facts' .* 12 different passages .* 'en', too few for a batch of 13"):
        Mono().schedule([pairs], 13)
    with pytest.raises(UserError, match=r"'facts' .* 12 different passages .* en, de, th, too few for a batch of 13"):
        Cross().schedule([pairs], 13)


def test_declared_language_without_questions(make_pairs):
    pairs = make_pairs()
    pairs.queries["th"][:] = [None] * len(pairs)
    with pytest.raises(UserError, match="0 questions for it in language 'th'"):
        Mono().schedule([pairs], 4)


@pytest.mark.parametrize("alpha", [-0.01, 1.01, float("nan"), float("inf"), True, "0.5", None])
def test_alpha_must_be_a_number_from_0_to_1(alpha):
    with pytest.raises(UserError, match=r"batching\.alpha"):
        Hybrid(alpha)


def bits(batch) -> tuple:
    arrays = (batch.questions, batch.query_languages, batch.passage_languages)
    return batch.step, batch.kind, batch.dataset, *((array.dtype, array.tobytes()) for array in arrays)


@pytest.mark.parametrize(("alpha", "pure"), [(1, Mono()), (1.0, Mono()), (0, Cross()), (0.0, Cross())])
def test_hybrid_at_the_ends_is_mono_and_cross_bit_by_bit(datasets, batch_size, alpha, pure):
    hybrid = Hybrid(alpha).schedule(datasets, batch_size)
    other = pure.schedule(datasets, batch_size)
    for step in [*range(300), 5000, 123_456]:
        assert bits(hybrid(9, step)) == bits(other(9, step))


def test_hybrid_of_alpha_1_needs_one_language_only(make_pairs):
    assert Hybrid(1).schedule([make_pairs(languages=("en",))], 8)(0, 0).kind == "mono"


def test_alphas_are_nested(datasets, batch_size):
    """What is mono at alpha .3 is mono at .6 too: points of an alpha grid differ by no more than alpha says."""
    low, high = (Hybrid(alpha).schedule(datasets, batch_size) for alpha in (0.3, 0.6))
    kinds = [(low(0, step).kind, high(0, step).kind) for step in range(300)]
    assert ("mono", "cross") not in kinds
    assert {("mono", "mono"), ("cross", "mono"), ("cross", "cross")} == set(kinds)
