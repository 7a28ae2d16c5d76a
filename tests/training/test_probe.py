"""Held-out questions that are ranked during training: numbers as in the full evaluation, and nothing else changes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ranks import together, train_ranks
from training_helpers import (
    Run,
    corpus,
    encoder,
    equal,
    evaluation_settings,
    probe,
    run,
    stop_after,
    trainer_settings,
    training_settings,
)

from hybridret.base.errors import UserError
from hybridret.base.progress import Advance, Quiet
from hybridret.base.records import ParallelPairs
from hybridret.base.settings import LearningRateSettings
from hybridret.data.pair_collection import pair_collection
from hybridret.data.question_sample import drawn_questions
from hybridret.encoders.folder import load_encoder
from hybridret.evaluation.evaluate import evaluate
from hybridret.retrieval.dense import Dense
from hybridret.training.check import check_training
from hybridret.training.checkpoints import best_path
from hybridret.training.history import SHOWN

pytestmark = pytest.mark.slow

NAMES = ("mono_mrr", "mono_recall", "mono_entropy", "cross_mrr", "cross_recall", "cross_entropy")
STATE = ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "callbacks")


def validations(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["split"] == "validation"]


def without(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in NAMES} for row in rows]


def by_evaluation(folder: Path, held: ParallelPairs, questions: int, batch_size: int) -> dict[str, float]:
    """The same names from the full evaluation of `checkpoints/best`."""
    collection = pair_collection(held, questions)
    retriever = Dense(load_encoder(best_path(folder)), batch_size)
    macro = evaluate(retriever, collection, evaluation_settings(), 0, Quiet()).macro()
    settings = {"mono": "monolingual", "cross": "cross-lingual"}
    return {
        f"{short}_{name}": macro[f"{held.name}/{setting}/{metric}"]
        for short, setting in settings.items()
        for name, metric in (("mrr", "mrr@10"), ("recall", "recall@10"), ("entropy", "contrastive_entropy"))
    }


def holes(pairs: ParallelPairs) -> ParallelPairs:
    """Every third question is missing in one language, and two groups share a passage text: equal scores."""
    queries, passages = ({k: list(v) for k, v in texts.items()} for texts in (pairs.queries, pairs.passages))
    for question in range(0, len(pairs), 3):
        queries["de"][question] = passages["de"][question] = None
    for language in pairs.languages:
        passages[language][4] = passages[language][20]
    return replace(pairs, queries=queries, passages=passages)


@pytest.mark.parametrize("chunk_size", [5, None])
@pytest.mark.parametrize("questions", [7, 1000])
def test_it_measures_what_the_full_evaluation_measures(tmp_path: Path, questions: int, chunk_size: int | None) -> None:
    held = holes(corpus(60, "held", seed=2))
    done = run(
        tmp_path, validation=held, validate_retrieval=questions, monitor="mono_mrr", chunk_size=chunk_size, steps=4
    )
    best = next(row for row in validations(done.rows) if row["step"] == done.result.best_step)
    expected = by_evaluation(tmp_path, held, questions, chunk_size or 8)
    assert {name: best[name] for name in NAMES} == expected
    assert all(0 < value < (9 if "entropy" in name else 1) for name, value in expected.items())
    assert len(set(expected.values())) > 2


def test_nothing_else_changes(tmp_path: Path) -> None:
    """Losses, weights, dropout masks and random state are those of a training without it, bit for bit."""
    states = []

    def watch(row: dict[str, Any]) -> None:
        if row["split"] == "train":
            states.append(torch.get_rng_state())

    model = encoder(0.3)
    plain = run(tmp_path / "plain", model=encoder(0.3), log_every=1, validate_every=3, on_row=watch)
    probed = run(tmp_path / "p", model=model, log_every=1, validate_every=3, validate_retrieval=9, on_row=watch)
    assert without(probed.curve()) == plain.curve()
    for key in STATE[:-1]:
        assert equal(probed.last[key], plain.last[key]), key
    assert equal(states[: len(states) // 2], states[len(states) // 2 :])
    assert all(part.training for part in model.modules())
    assert all(set(NAMES) <= set(row) for row in validations(probed.rows))
    assert probed.result.best_validation_loss == plain.result.best_validation_loss


def test_dropout_is_off(tmp_path: Path) -> None:
    """Much dropout, and no step that trains: both validations see one encoder."""
    rows = run(tmp_path, dropout=0.9, lr=0.0, embedding_lr=None, validate_retrieval=12).rows
    first, *others = ([row[name] for name in NAMES] for row in validations(rows))
    assert others == [first] * 2


def test_the_questions_are_those_of_every_run(tmp_path: Path) -> None:
    found = []
    for number, alpha in enumerate((0.0, 1.0)):
        rows = run(
            tmp_path / str(number), alpha=alpha, steps=1, lr=0.0, embedding_lr=None, seed=number, validate_retrieval=6
        ).rows
        found.append([row[name] for row in validations(rows) for name in NAMES])
    assert found[0] == found[1]
    ids = [f"q{number}" for number in range(50)]
    drawn = {ids[position] for position in drawn_questions(ids, 10)}
    turned = ids[::-1]
    assert len(drawn) == 10
    assert {turned[position] for position in drawn_questions(turned, 10)} == drawn
    assert drawn < {ids[position] for position in drawn_questions(ids, 20)}
    assert drawn_questions(ids, 60) == list(range(50))


class Shown:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.done = 0
        self.notes: list[str] = []

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        def advance(count: int = 1, note: str = "") -> None:
            self.done += count
            self.notes += [note] if note else []

        yield advance


def same(left: Run, right: Run) -> bool:
    states = all(equal(left.last[key], right.last[key]) for key in STATE[:-1])
    best = (load_encoder(best_path(one.folder)).state_dict() for one in (left, right))
    decided = left.last["callbacks"]["Validation"] == right.last["callbacks"]["Validation"]
    return states and equal(*best) and decided and left.curve() == right.curve()


def test_interrupted_runs_go_on_exactly(tmp_path: Path) -> None:
    options: dict[str, Any] = {"validate_retrieval": 9, "monitor": "cross_mrr", "validate_every": 2, "patience": 4}
    whole = run(tmp_path / "whole", **options)
    assert whole.result.monitor == "cross_mrr"
    for steps in (1, 5, 6):
        rows: list[dict[str, Any]] = []
        stopped = run(tmp_path / str(steps), rows=rows, should_stop=stop_after(steps), **options)
        assert stopped.result.stopped == "interrupted"
        resumed = run(tmp_path / str(steps), rows=rows, model=encoder(seed=99), **options)
        assert same(whole, resumed)
        ours, theirs = resumed.result, whole.result
        assert (ours.best_step, ours.best_value, ours.stopped) == (theirs.best_step, theirs.best_value, theirs.stopped)


@pytest.mark.parametrize("monitor", ["mono", "cross", *NAMES])
def test_best_and_early_stopping_follow_what_is_monitored(tmp_path: Path, monitor: str) -> None:
    done = run(
        tmp_path, patience=2, validate_every=1, steps=40, lr=0.2, embedding_lr=None, validate_retrieval=9,
        monitor=monitor,
    )  # fmt: skip
    measured = [row[monitor] for row in validations(done.rows)]
    best = max(measured) if monitor.endswith(("mrr", "recall")) else min(measured)
    first = measured.index(best)
    assert (done.result.monitor, done.result.best_value, done.result.best_step) == (monitor, best, first + 1)
    assert done.result.stopped == "early"
    assert len(measured) == first + 3
    assert done.result.best_validation_loss == min(row["loss"] for row in validations(done.rows))
    again = run(tmp_path, patience=2, validate_every=1, steps=40, lr=0.2, embedding_lr=None, validate_retrieval=9,
                monitor=monitor)  # fmt: skip
    assert again.result == done.result


def test_retrieval_alone(tmp_path: Path) -> None:
    done = run(tmp_path, validation_batches=0, validate_retrieval=6, monitor="mono_recall")
    rows = validations(done.rows)
    assert [row["loss"] for row in rows] == [None] * 3
    assert done.result.best_validation_loss is None
    assert done.result.best_value == max(row["mono_recall"] for row in rows)


def test_one_language_has_no_cross_values(tmp_path: Path) -> None:
    rows = run(tmp_path, steps=1, validation=corpus(16, languages=("de",)), validate_retrieval=6).rows
    (row,) = validations(rows)
    assert set(row) - {"step", "split", "loss", "mono", "cross", "seconds"} == {
        "mono_mrr",
        "mono_recall",
        "mono_entropy",
    }


def test_the_bar_shows_it(tmp_path: Path) -> None:
    shown = Shown()
    done = run(tmp_path, progress=shown, validate_retrieval=9)
    assert shown.done == 12
    for row in validations(done.rows)[:-1]:
        text = ", ".join(f"{word} {row[name]:.3f}" for name, word in SHOWN.items())
        assert text in shown.notes
        assert any(note.startswith("loss ") and note.endswith(text) for note in shown.notes)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_every_precision(tmp_path: Path, precision: str) -> None:
    done = run(tmp_path, steps=4, validate_retrieval=9, trainer=trainer_settings(precision=precision))
    assert all(math.isfinite(row[name]) for row in validations(done.rows) for name in NAMES)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
@pytest.mark.parametrize("world", [2, 3])
def test_processes_measure_what_one_measures(tmp_path: Path, world: int, strategy: str) -> None:
    """Chunks of 5: the last turn leaves some processes without one."""
    options: dict[str, Any] = {"validate_retrieval": 11, "monitor": "cross_mrr", "chunk_size": 5, "validate_every": 1}
    train_ranks(tmp_path / "one", 1, "auto", **options)
    together(world, train_ranks, tmp_path / "more", world, strategy, **options)
    one, more = (validations(torch.load(tmp_path / name / "rows.pt", weights_only=True)) for name in ("one", "more"))
    assert len(one) == len(more) == 3
    for left, right in zip(one, more, strict=True):
        assert left.keys() == right.keys() >= set(NAMES)
        for name in NAMES:
            assert right[name] == pytest.approx(left[name], rel=1e-6), name


def test_vectors_that_are_not_finite_stop_the_training(tmp_path: Path) -> None:
    model = encoder(0.0)

    def spoil(row: dict[str, Any]) -> None:
        if row["split"] == "train" and row["step"] == 4:
            with torch.no_grad():
                model.body.norm.weight.fill_(math.nan)

    with pytest.raises(UserError, match="at step 4: the encoder gives vectors that are not finite"):
        run(tmp_path, model=model, validation_batches=0, validate_retrieval=5, monitor="mono_mrr", on_row=spoil)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"monitor": "mono_mr"}, r"training\.monitor=mono_mr.*Did you mean 'mono_mrr'"),
        ({"monitor": "mono_mrr"}, r"training\.monitor=mono_mrr is not measured: training\.validate_retrieval=0\. Set"),
        ({"monitor": "cross", "validation_batches": 0}, r"training\.monitor=cross .*training\.validation_batches=0"),
        ({"validate_retrieval": 5, "validation_batches": 0}, r"training\.monitor=loss .*validation_batches=0"),
        ({"validate_retrieval": -1}, r"training\.validate_retrieval=-1 must be at least 0"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(changes: dict[str, Any], message: str) -> None:
    schedule = LearningRateSettings(warmup=0.1, decay="linear", embedding_lr=None)
    with pytest.raises(UserError, match=message):
        check_training(training_settings(**changes), schedule, trainer_settings())


@pytest.mark.parametrize("monitor", ["cross", "cross_mrr"])
def test_a_quantity_that_the_data_lacks_is_refused_before_training(tmp_path: Path, monitor: str) -> None:
    rows: list[dict[str, Any]] = []
    with pytest.raises(UserError, match=rf"monitor={monitor} cannot be measured: .* one of loss, mono, mono_mrr"):
        run(tmp_path, validation=corpus(16, languages=("de",)), validate_retrieval=6, monitor=monitor, rows=rows)
    assert not rows
    assert not (tmp_path / "checkpoints").exists()


def test_another_monitor_does_not_go_on(tmp_path: Path) -> None:
    run(tmp_path, steps=4)
    with pytest.raises(UserError, match=r"trained with training\.monitor=loss, not mono"):
        run(tmp_path, steps=8, monitor="mono")


def test_the_passages_of_a_group_are_relevant_in_every_language() -> None:
    pairs = holes(corpus(24, "held", seed=2))
    pairs = replace(pairs, passages=pairs.passages | {"en": [*pairs.passages["en"][:-1], "another text"]})
    collection = pair_collection(pairs, 1000)
    assert len(collection.query_ids) == 24 * 3 - 8
    assert len(set(collection.passage_ids)) == len(collection.passage_ids)
    for query, passage in zip(collection.relevant_queries, collection.relevant_passages, strict=True):
        group = pairs.passage_groups[collection.questions[query]]
        language = pairs.languages[collection.passage_languages[passage]]
        texts = [pairs.passages[language][at] for at in np.flatnonzero(pairs.passage_groups == group)]
        assert collection.passages[passage] in texts
    wanted = {
        (query, language, text)
        for query, question in enumerate(collection.questions.tolist())
        for language in pairs.languages
        for at in np.flatnonzero(pairs.passage_groups == pairs.passage_groups[question])
        if (text := pairs.passages[language][at]) is not None
    }
    assert len(collection.relevant_queries) == len(wanted)


def test_a_probe_has_the_names_of_its_values() -> None:
    made = probe(corpus(8, "held"), 3)
    assert made is not None
    random = np.random.default_rng(0)
    (collection,) = made.collections
    queries, passages = (
        random.normal(size=(len(texts), 4)).astype(np.float32) for texts in (collection.queries, collection.passages)
    )
    assert list(made.measure([(queries, passages)])) == list(made.names) == list(NAMES)
