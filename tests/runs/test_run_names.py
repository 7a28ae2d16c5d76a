"""Names of runs: readable, free of what file names cannot hold, one for each set of overrides."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from hybridret.runs.naming import LONGEST, run_name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "default_seed-1"),
        (["seed=1", "sweep=x", "trainer=gpu", "logger.mode=online", "hydra.mode=RUN"], "default_seed-1"),
        (["batching=hybrid", "batching.alpha=0.25"], "batching-hybrid_alpha-0.25_seed-1"),
        (["batching.alpha=0.250", "batching=hybrid"], "batching-hybrid_alpha-0.25_seed-1"),
        (["batching.alpha=1.0"], "alpha-1_seed-1"),
        (["+optim.lr=3e-3"], "lr-0.003_seed-1"),
        (["++optim.lr=1e-7"], "lr-1e-07_seed-1"),
        (["trainer.devices=4", "trainer.precision=bf16-mixed"], "trainer.precision-bf16-mixed_seed-1"),
        (["loss.mask_false_negatives=True"], "loss.mask_false_negatives-true_seed-1"),
        (["batching=curriculum", "batching.shape=cosine"], "batching-curriculum_batching.shape-cosine_seed-1"),
        (
            ["batching.pairs=english", "batching.language_exponent=.50"],
            "batching.language_exponent-0.5_batching.pairs-english_seed-1",
        ),
        (["a=1", "a=2"], "a-2_seed-1"),
        (["backbone='minilm'"], "backbone-minilm_seed-1"),
        (["output=/somewhere/else", "hydra/launcher=process", "experiment=paper"], "experiment-paper_seed-1"),
    ],
)
def test_readable_names(overrides: list[str], name: str) -> None:
    assert run_name(overrides, seed=1) == name


def test_weights_of_pairs_are_readable_and_exact() -> None:
    two, three = (run_name([f"batching.pairs={{en-de: {weight}, de-en: 1}}"], 1) for weight in (2, 3))
    assert re.fullmatch(r"batching\.pairs-en-de-2-de-en-1-[0-9a-f]{8}_seed-1", two)
    assert two != three
    assert two == run_name(["batching.pairs={en-de:2,de-en:1}"], 1)


def test_a_path_shows_its_last_part() -> None:
    first, second = (run_name([f"data.path={folder}/squad dev"], 1) for folder in ("/a", "/b"))
    assert re.fullmatch(r"path-squad-dev-[0-9a-f]{8}_seed-1", first)
    assert first != second
    assert run_name(["data.path='/a/squad'"], 1) == run_name(["data.path=/a/squad"], 1)


def test_a_long_name_ends_with_a_hash_and_the_seed() -> None:
    many = [f"section.some_long_key_{number}={number}" for number in range(40)]
    name = run_name(many, 3)
    assert len(name) <= LONGEST
    assert re.search(r"_[0-9a-f]{12}_seed-3$", name)
    assert name != run_name([*many[:-1], "section.some_long_key_39=0"], 3)


VALUES = [
    "a", "b", "a-b", "a_b", "a.b", "1", "2", "0.5", "-1", "1e-3", "'1'", "'true'", "true", "null", "''", "' '",
    "[]", "[a]", "[a,b]", "['a,b']", "{a:b}", "/x/a", "/y/a", "x/a", "a/", "é", "a b", "a=b", "'a_b-c'",
    "a+b", "~", "seed-1", "a_seed-2", "x-1_b-2",
]  # fmt: skip
KEYS = [
    "a", "b", "a.b", "a_b", "a-b", "alpha", "batching.alpha", "batching", "lr", "optim.lr", "x/y", "x.y", "x@y",
    "trainer.precision", "a_seed",
]  # fmt: skip


def test_different_overrides_never_share_a_name_and_their_order_does_not_matter() -> None:
    draw = random.Random(7)
    names: dict[str, tuple[frozenset[tuple[str, str]], int]] = {}
    sets = [frozenset({(key, value)}) for key, value in itertools.product(KEYS, VALUES)]
    for _ in range(20_000):
        keys = draw.sample(KEYS, draw.randint(0, 4))
        sets.append(frozenset((key, draw.choice(VALUES)) for key in keys))
    for chosen in sets:
        seed = draw.choice([1, 2, 12])
        overrides = [f"{key}={value}" for key, value in chosen]
        name = run_name(overrides, seed)
        assert names.setdefault(name, (chosen, seed)) == (chosen, seed), name
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", name), name
        assert len(name) <= LONGEST
        draw.shuffle(overrides)
        assert run_name(overrides, seed) == name
    assert len(names) > 10_000


def test_a_deletion_is_not_an_empty_value() -> None:
    assert len({run_name([text], 1) for text in ("~loss.mask", "loss.mask=", "loss.mask=''", "loss.mask=null")}) == 4
