"""curriculum: hybrid's batches where alpha stands still, and the share of its alphas where it moves."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

import numpy as np
import pytest
from scipy.stats import binomtest

from hybridret.base.errors import UserError
from hybridret.batching.alpha_path import AlphaPath, Shape
from hybridret.batching.curriculum import Curriculum
from hybridret.batching.draw import uniforms
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mix import realised_mix
from hybridret.batching.streams import Stream

SHAPES = get_args(Shape)


def bits(batch) -> tuple:
    arrays = (batch.questions, batch.query_languages, batch.passage_languages)
    return batch.step, batch.kind, batch.dataset, *((array.dtype, array.tobytes()) for array in arrays)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("alpha", [0, 0.3, 1 / 3, 0.5, 1])
@pytest.mark.parametrize("others", [{}, {"language_exponent": 0.7, "pairs": {"en-de": 2, "ar-zh": 1}}])
def test_a_constant_alpha_gives_the_batches_of_hybrid_bit_by_bit(datasets, batch_size, shape, alpha, others):
    moving = Curriculum(shape, alpha, alpha, 2, 150, **others).schedule(datasets, batch_size)
    hybrid = Hybrid(alpha, **others).schedule(datasets, batch_size)
    for step in [*range(300), 5000, 123_456]:
        assert bits(moving(9, step)) == bits(hybrid(9, step))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("start", "end", "turns"), [(0.0, 1.0, 0), (0.8, 0.1, 1), (0.2, 0.6, 4)])
def test_the_share_of_mono_in_a_window_is_its_mean_alpha(datasets, batch_size, shape, start, end, turns):
    """The variance of independent draws with these alphas is at most that of a binomial with their mean."""
    schedule = Curriculum(shape, start, end, turns, 4000).schedule(datasets, batch_size)
    alphas = AlphaPath(shape, start, end, turns, 4000).alphas(np.arange(5000))
    mono = np.array([schedule(31, step).kind == "mono" for step in range(5000)])
    for window in range(0, 5000, 500):
        drawn, mean = int(mono[window : window + 500].sum()), float(alphas[window : window + 500].mean())
        if mean in (0, 1):
            assert drawn == 500 * mean
        else:
            assert binomtest(drawn, 500, mean).pvalue > 1e-4
            assert binomtest(drawn, 500, mean + 0.2 if mean < 0.5 else mean - 0.2).pvalue < 1e-3, (
                "the check itself can fail"
            )


def test_it_begins_with_cross_and_ends_with_mono(datasets, batch_size):
    schedule = Curriculum("step", 0, 1, 0, 200).schedule(datasets, batch_size)
    kinds = [schedule(1, step).kind for step in range(400)]
    assert kinds == ["cross"] * 100 + ["mono"] * 300


@pytest.mark.parametrize("strategy", [Hybrid(1e-300), Curriculum("linear", 0, 1, 0, 100)])
def test_a_share_of_0_is_never_drawn(datasets, batch_size, monkeypatch, strategy):
    """Not even by a uniform of 0, and with the least share above 0 it is."""
    monkeypatch.setattr("hybridret.batching.schedule.uniforms", lambda *of: np.zeros(of[-1]))
    schedule = strategy.schedule(datasets, batch_size)
    assert schedule(0, 0).kind == ("cross" if isinstance(strategy, Curriculum) else "mono")
    assert schedule(0, 1).kind == "mono"


def test_alphas_are_nested(datasets, batch_size):
    """What is mono where alpha is low is mono where it is higher, as on hybrid's grid."""
    low, high = (Curriculum("linear", 0, end, 0, 300).schedule(datasets, batch_size) for end in (0.5, 1.0))
    kinds = [(low(0, step).kind, high(0, step).kind) for step in range(400)]
    assert {("mono", "mono"), ("cross", "mono"), ("cross", "cross")} == set(kinds)


def test_a_resumed_training_draws_what_the_whole_one_drew(datasets, batch_size):
    strategy = Curriculum("cosine", 0.9, 0.1, 1, 5000)
    whole = strategy.schedule(datasets, batch_size)
    expected = [bits(whole(3, step)) for step in range(5200)]
    for start in (0, 1, 17, 2500, 4095, 4096, 4097, 4999, 5000, 5199):
        assert bits(strategy.schedule(datasets, batch_size)(3, start)) == expected[start]


def test_results_do_not_depend_on_the_block_size(datasets, monkeypatch):
    strategy = Curriculum("linear", 0.1, 0.9, 3, 7000)
    usual = strategy.schedule(datasets, 8)
    expected = [bits(usual(22, step)) for step in range(0, 9000, 450)]
    monkeypatch.setattr("hybridret.batching.schedule.BLOCK", 64)
    other = strategy.schedule(datasets, 8)
    assert [bits(other(22, step)) for step in range(0, 9000, 450)] == expected


def test_a_far_step_costs_what_it_costs_hybrid(datasets, monkeypatch):
    calls = {"epoch": 0, "uniforms": 0, "alphas": 0}

    def counted(name, function):
        def counting(*arguments):
            calls[name] += 1
            return function(*arguments)

        return counting

    monkeypatch.setattr(Stream, "epoch", counted("epoch", Stream.epoch))
    monkeypatch.setattr(AlphaPath, "alphas", counted("alphas", AlphaPath.alphas))
    monkeypatch.setattr("hybridret.batching.schedule.uniforms", counted("uniforms", uniforms))
    schedule = Curriculum("cosine", 0, 1, 9, 2_000_000).schedule(datasets, 8)
    blocks = 1_000_000 // 4096 + 1
    for step in (1_000_000, 1_000_000, 1_000_001, 1_000_020):
        schedule(0, step)
    assert calls["uniforms"] == 3 * blocks
    assert calls["alphas"] == blocks
    assert calls["epoch"] <= 3


def test_what_is_never_drawn_is_not_needed(make_pairs):
    one = [make_pairs(languages=("en",))]
    assert Curriculum("linear", 1, 1, 0, 10).schedule(one, 8)(0, 5).kind == "mono"
    with pytest.raises(UserError, match="cross' needs two languages"):
        Curriculum("linear", 0, 1, 0, 10).schedule(one, 8)


def test_the_realised_mix_has_what_was_drawn(datasets, batch_size):
    schedule = Curriculum("linear", 0, 1, 0, 400).schedule(datasets, batch_size)
    first = realised_mix(map(partial(schedule, 0), range(200)), datasets)
    second = realised_mix(map(partial(schedule, 0), range(200, 400)), datasets)
    assert first["alpha"] < 0.4 < 0.6 < second["alpha"]
    assert set(first["kinds"]) == {"mono", "cross"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"shape": "lineal"},
            r"^batching\.shape=lineal: choose one of linear, cosine, step\. Did you mean 'linear'\?$",
        ),
        ({"start": -0.1}, r"^batching\.start=-0\.1 must be from 0 to 1\. It is the probability"),
        ({"end": 1.5}, r"^batching\.end=1\.5 must be from 0 to 1"),
        ({"turns": -1}, r"^batching\.turns=-1 must be from 0 to 1000\. 0 goes from start to end"),
        ({"turns": 0.5}, r"^batching\.turns=0\.5 must be a whole number"),
        ({"steps": 0}, r"^batching\.steps=0 must be from 1 to"),
        ({"steps": 10**400}, r"^batching\.steps=1000"),
        ({"language_exponent": 2}, r"^batching\.language_exponent=2 must be from 0 to 1\. A language is drawn"),
        ({"pairs": "al"}, r"^batching\.pairs=al: it is neither all.* Did you mean 'all'\?$"),
    ],
)
def test_values_out_of_range(change: dict[str, Any], message: str):
    usual = {"shape": "linear", "start": 0.0, "end": 1.0, "turns": 0, "steps": 100}
    with pytest.raises(UserError, match=message):
        Curriculum(**{**usual, **change})
