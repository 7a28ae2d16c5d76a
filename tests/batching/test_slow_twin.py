"""The schedule against its slow twin: one step after another, plain loops, dictionaries and sets, no caches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from slow_alpha import slow_alpha
from slow_pairs import Choice, languages_of, pairs_of, rows_of

from hybridret.base.records import ParallelPairs
from hybridret.batching.alpha_path import AlphaPath
from hybridret.batching.cross import Cross
from hybridret.batching.curriculum import Curriculum
from hybridret.batching.draw import Purpose, generator
from hybridret.batching.en_en import EnEn
from hybridret.batching.hybrid import Hybrid
from hybridret.batching.mono import Mono
from hybridret.batching.x_x import XX

Row = tuple[int, int, int]


def pick(weights: list[float], uniform: float) -> int:
    """The part of [0, sum) in which `uniform` lies."""
    point, reached = uniform * sum(weights), 0.0
    for index, weight in enumerate(weights):
        reached += weight
        if point < reached:
            return index
    raise AssertionError("a uniform is below 1")


def usable(kind: str, pairs: ParallelPairs, language: int | None, choice: Choice = "all") -> list[int]:
    questions = range(len(pairs))
    if language is not None:
        return [q for q in questions if language in languages_of(pairs, q)]
    return [q for q in questions if (rows_of(choice, pairs, q) if kind == "cross" else languages_of(pairs, q))]


def epoch_batches(
    pairs: ParallelPairs, questions: list[int], size: int, random: np.random.Generator
) -> list[list[int]]:
    """One epoch: as many batches as can be filled, made by dealing group after group to the batches in turn."""
    sizes = Counter(int(pairs.passage_groups[q]) for q in questions)
    number = 0
    while sum(min(count, number + 1) for count in sizes.values()) >= (number + 1) * size:
        number += 1
    taken: Counter[int] = Counter()
    kept: list[int] = []
    for question in random.permutation(np.array(questions, dtype=np.int32)):
        group = int(pairs.passage_groups[question])
        if taken[group] < number and len(kept) < number * size:
            kept.append(int(question))
        taken[group] += 1
    by_group: dict[int, list[int]] = {}
    for question in kept:
        by_group.setdefault(int(pairs.passage_groups[question]), []).append(question)
    batches: list[list[int]] = [[] for _ in range(number)]
    for position, question in enumerate(q for members in by_group.values() for q in members):
        batches[position % number].append(question)
    return [batches[index] for index in random.permutation(number)]


def simulate(
    shares_at: Callable[[int], dict[str, float]],
    datasets: list[ParallelPairs],
    size: int,
    seed: int,
    steps: int,
    exponent: float = 0.0,
    choice: Choice = "all",
    english: str = "en",
) -> list[tuple[str, int, list[Row]]]:
    types, where, which = (generator(seed, purpose) for purpose in (Purpose.TYPE, Purpose.DATASET, Purpose.LANGUAGE))
    used: Counter[tuple[str, int, int | None]] = Counter()
    remaining: dict[tuple[str, int, int | None], list[list[int]]] = defaultdict(list)
    epochs: Counter[tuple[str, int, int | None]] = Counter()
    made = []
    for step in range(steps):
        shares = shares_at(step)
        kind = list(shares)[pick(list(shares.values()), types.random())]
        weights = []
        for pairs in datasets:
            counts = [len(languages_of(pairs, q)) for q in range(len(pairs))]
            if kind == "en_en":
                counts = (
                    [len(usable(kind, pairs, pairs.languages.index(english)))] if english in pairs.languages else []
                )
            if kind == "cross":
                counts = [rows_of(choice, pairs, q) for q in range(len(pairs))]
            weights.append(pairs.weight if pairs.weight is not None and sum(counts) else sum(counts))
        dataset = pick(weights, where.random())
        pairs = datasets[dataset]
        uniform = which.random()
        language: int | None = None
        if kind == "mono":
            sizes = [len(usable(kind, pairs, index)) for index in range(len(pairs.languages))]
            language = pick([float(size) ** exponent for size in sizes], uniform)
        elif kind == "en_en":
            language = pairs.languages.index(english)
        stream = (kind, dataset, language)
        if not remaining[stream]:
            key = (dataset, 0 if language is None else language + 1, epochs[stream])
            random = generator(seed, Purpose.EPOCH, *key)
            remaining[stream] = epoch_batches(pairs, usable(kind, pairs, language, choice), size, random)
            epochs[stream] += 1
        questions = remaining[stream].pop(0)
        used[stream] += 1
        random = generator(seed, Purpose.PAIR_LANGUAGES, step)
        own = [languages_of(pairs, question) for question in questions]
        rows: list[Row] = []
        if language is not None:
            rows = [(question, language, language) for question in questions]
        elif kind == "x_x":
            drawn = [mine[int(random.random() * len(mine))] for mine in own]
            rows = [(question, one, one) for question, one in zip(questions, drawn, strict=True)]
        elif choice != "all":
            for question in questions:
                allowed = pairs_of(choice, pairs, question)
                rows.append((question, *allowed[pick([pair[2] for pair in allowed], random.random())][:2]))
        else:
            query = [mine[int(random.random() * len(mine))] for mine in own]
            rest = [[one for one in mine if one != q] for mine, q in zip(own, query, strict=True)]
            passage = [others[int(random.random() * len(others))] for others in rest]
            rows = list(zip(questions, query, passage, strict=True))
        made.append((kind, dataset, rows))
    return made


def moving(shape: str, start: float, end: float, turns: int, steps: int) -> Callable[[int], dict[str, float]]:
    """The shares at a step, mono first."""
    path = AlphaPath(shape, start, end, turns, steps)

    def shares(step: int) -> dict[str, float]:
        alpha = slow_alpha(path, step)
        return {"mono": alpha, "cross": 1 - alpha}

    return shares


CHOSEN = {"en-de": 2, "de-en": 1, "zh-de": 0.5, "ar-zh": 3}


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [
        (EnEn(), {"en_en": 1.0}),
        (XX(), {"x_x": 1.0}),
        (Mono(), {"mono": 1.0}),
        (Cross(), {"cross": 1.0}),
        (Hybrid(0.5), {"mono": 0.5, "cross": 0.5}),
        (Hybrid(0.8), {"mono": 0.8, "cross": 0.2}),
        (Mono(1), {"mono": 1.0}),
        (Cross("english"), {"cross": 1.0}),
        (Cross(CHOSEN), {"cross": 1.0}),
        (Hybrid(0.5, 0.5, "script"), {"mono": 0.5, "cross": 0.5}),
        (Curriculum("linear", 0, 1, 0, 200), moving("linear", 0, 1, 0, 200)),
        (Curriculum("cosine", 0.9, 0.2, 2, 190, 0.3, CHOSEN), moving("cosine", 0.9, 0.2, 2, 190)),
        (Curriculum("step", 0.1, 0.7, 3, 240, 1.0, ["de-en"]), moving("step", 0.1, 0.7, 3, 240)),
    ],
    ids=[
        "en_en",
        "x_x",
        "mono",
        "cross",
        "hybrid",
        "hybrid_0.8",
        "mono_1",
        "english",
        "chosen",
        "script",
        "linear",
        "cosine",
        "step",
    ],
)
@pytest.mark.parametrize("size", [8, 15])
def test_schedule_equals_the_sequential_simulation(strategy, shares, size, datasets, monkeypatch):
    monkeypatch.setattr("hybridret.batching.schedule.BLOCK", 32)  # many block borders in few steps
    schedule = strategy.schedule(datasets, size)
    own = (getattr(strategy, "language_exponent", 0.0), getattr(strategy, "pairs", "all"))
    expected = simulate(shares if callable(shares) else lambda _: shares, datasets, size, 21, 250, *own)
    for step, (kind, dataset, rows) in enumerate(expected):
        batch = schedule(21, step)
        got = zip(
            batch.questions.tolist(), batch.query_languages.tolist(), batch.passage_languages.tolist(), strict=True
        )
        assert (batch.kind, batch.dataset, list(got)) == (kind, dataset, rows), f"step {step}"


def test_given_weights_decide_which_dataset_is_drawn(datasets, monkeypatch):
    monkeypatch.setattr("hybridret.batching.schedule.BLOCK", 32)
    weighted = [replace(pairs, weight=weight) for pairs, weight in zip(datasets, (0.2, 3.5, 1.1), strict=False)]
    schedule = Hybrid(0.5).schedule(weighted, 8)
    for step, (kind, dataset, rows) in enumerate(simulate(lambda _: {"mono": 0.5, "cross": 0.5}, weighted, 8, 5, 250)):
        batch = schedule(5, step)
        assert (batch.kind, batch.dataset, len(batch)) == (kind, dataset, len(rows)), f"step {step}"
        assert batch.questions.tolist() == [question for question, _, _ in rows]
    with pytest.raises(ValueError, match="some datasets have a weight"):
        Hybrid(0.5).schedule([weighted[0], replace(datasets[1], weight=None)], 8)


def test_results_do_not_depend_on_the_block_size(datasets, monkeypatch):
    usual = Hybrid(0.5).schedule(datasets, 8)
    expected = [usual(22, step) for step in range(0, 9000, 450)]
    monkeypatch.setattr("hybridret.batching.schedule.BLOCK", 64)
    other = Hybrid(0.5).schedule(datasets, 8)
    for batch in expected:
        twin = other(22, batch.step)
        assert (twin.kind, twin.dataset) == (batch.kind, batch.dataset)
        assert np.array_equal(twin.questions, batch.questions)
