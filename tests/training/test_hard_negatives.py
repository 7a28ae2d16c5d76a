"""Hard negatives of a step: mined ones equal the same texts in memory, and draws that depend on seed and step alone."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from ranks import with_negatives
from training_helpers import corpus, encoder

from hybridret.base.records import Negative, ParallelPairs
from hybridret.batching.hybrid import Hybrid
from hybridret.data.prepared.mined import MinedNegatives
from hybridret.data.prepared.stored_pairs import read_pairs, write_pairs
from hybridret.data.prepared.stored_texts import StoredTexts
from hybridret.training.collate import Collate, TrainingBatch

MOST = 5


def stored_with_mined(folder: Path) -> tuple[ParallelPairs, ParallelPairs]:
    """A prepared corpus with up to `MOST` mined negatives for each question, and the same with texts in memory."""
    write_pairs(folder / "training-0", corpus())
    pairs = read_pairs(folder / "training-0")
    random = np.random.default_rng(1)
    mined = {}
    for language in pairs.languages:
        path = folder / f"passages.{language}.npy"
        texts = StoredTexts(folder / "training-0" / f"passages.{language}.arrow")
        rows = random.integers(0, len(texts), (len(pairs), MOST)).astype(np.int32)
        rows[np.arange(MOST) >= random.integers(0, MOST + 1, len(pairs))[:, None]] = -1
        np.save(path, rows)
        np.save(folder / "groups.npy", np.arange(len(texts)) // 2)
        mined[language] = MinedNegatives(path, folder / "groups.npy", texts.path)
    in_memory = {language: [row[:] for row in rows[:]] for language, rows in mined.items()}
    return replace(pairs, negatives=mined), replace(pairs, negatives=in_memory)


def same(one: TrainingBatch, other: TrainingBatch) -> None:
    assert one.counts == other.counts
    assert torch.equal(one.groups, other.groups)
    assert torch.equal(one.rows.passage_order, other.rows.passage_order)
    for mine, theirs in zip(one.rows.passage_chunks, other.rows.passage_chunks, strict=True):
        assert torch.equal(mine[0], theirs[0])


@pytest.mark.parametrize("most", [None, 0, 1, 3, MOST])
@pytest.mark.parametrize("world_size", [1, 2])
def test_mined_negatives_equal_texts_in_memory(tmp_path: Path, most: int | None, world_size: int) -> None:
    tokens = encoder().tokenization
    mined, texts = stored_with_mined(tmp_path)
    schedule = Hybrid(alpha=0.5).schedule((mined,), 8)
    counted = set()
    for rank in range(world_size):
        made = [Collate(tokens, [pairs], 3, rank, world_size, hard_negatives=most, seed=4) for pairs in (mined, texts)]
        for step in range(6):
            first, second = (collate(schedule(1, step)) for collate in made)
            same(first, second)
            counted.add(sum(first.counts) - 8)
    assert (counted == {0}) == (most == 0)
    assert max(counted) <= 8 * (MOST if most is None else most)


def test_a_question_has_those_that_it_has_or_as_many_as_are_wanted(tmp_path: Path) -> None:
    pairs, _ = stored_with_mined(tmp_path)
    schedule = Hybrid(alpha=0.5).schedule((pairs,), 8)
    collate = Collate(encoder().tokenization, [pairs], None, hard_negatives=2)
    for step in range(8):
        batch = schedule(1, step)
        have = [
            len(pairs.negatives[pairs.languages[language]][question])
            for question, language in zip(batch.questions.tolist(), batch.passage_languages.tolist(), strict=True)
        ]
        assert sum(collate(batch).counts) == 8 + sum(min(2, count) for count in have)


def test_a_draw_follows_from_seed_and_step(tmp_path: Path) -> None:
    """So a resumed run draws the same, in any order of steps, and another seed or step others."""
    pairs, _ = stored_with_mined(tmp_path)
    tokens, schedule = encoder().tokenization, Hybrid(alpha=0.5).schedule((pairs,), 8)
    batches = [schedule(1, step) for step in range(4)]

    def collate(seed: int) -> Collate:
        return Collate(tokens, [pairs], None, hard_negatives=1, seed=seed)

    straight, resumed, other = collate(1), collate(1), collate(2)
    for batch in batches:
        straight(batch)
    for batch in reversed(batches):
        same(straight(batch), resumed(batch))
    drawn = [[collate(batch).groups.tolist() for batch in batches] for collate in (straight, other)]
    assert drawn[0] != drawn[1]
    later = replace(batches[0], step=1)
    assert straight(later).groups.tolist() != straight(batches[0]).groups.tolist()


def test_every_negative_is_drawn_as_often() -> None:
    pairs = with_negatives(corpus())
    many = [tuple(Negative("en1", group=group) for group in range(5))] * len(pairs)
    pairs = replace(pairs, negatives=dict.fromkeys(pairs.languages, many))
    collate = Collate(encoder().tokenization, [pairs], None, hard_negatives=2)
    batch = Hybrid(alpha=0.5).schedule((pairs,), 8)(1, 0)
    drawn = np.concatenate([collate(replace(batch, step=step)).groups.numpy()[8:] for step in range(500)])
    assert np.abs(np.bincount(drawn) / 1600 - 1).max() < 0.1
    rows = drawn.reshape(500, 8, 2)
    assert np.mean([len(np.unique(step, axis=0)) for step in rows]) > 4  # of ten pairs: each row has a draw of its own


@pytest.mark.parametrize("most", [None, 2])
def test_negatives_of_prepared_data_stay_on_disk(tmp_path: Path, most: int | None) -> None:
    """They give the same batches as in memory, whatever the parts of the file."""
    pairs, random = corpus(), np.random.default_rng(3)
    given = {
        language: [
            tuple(Negative(f"{language} {question} {one}", one - 1) for one in range(random.integers(0, 4)))
            for question in range(len(pairs))
        ]
        for language in pairs.languages[:2]
    }
    pairs = replace(pairs, negatives=given)
    write_pairs(tmp_path / "pairs", pairs)
    for language in given:  # in parts, as sources that are streamed write them
        path = tmp_path / "pairs" / f"negatives.{language}.arrow"
        with pa.ipc.open_file(path.read_bytes()) as file:
            table = file.read_all()
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
    stored = read_pairs(tmp_path / "pairs")
    assert {language: list(rows) for language, rows in stored.negatives.items()} == given
    tokens, schedule = encoder().tokenization, Hybrid(alpha=0.5).schedule((pairs,), 8)
    mine, theirs = (Collate(tokens, [one], 3, hard_negatives=most, seed=4) for one in (stored, pairs))
    for step in range(12):
        same(mine(schedule(1, step)), theirs(schedule(1, step)))
    assert not mine._passages._texts


def test_mined_negatives_add_no_text_to_memory_and_can_be_sent(tmp_path: Path) -> None:
    pairs, texts = stored_with_mined(tmp_path)
    collate = Collate(encoder().tokenization, [pairs], None)
    for step in range(4):
        collate(Hybrid(alpha=0.5).schedule((pairs,), 8)(1, step))
    assert not collate._passages._texts
    sent = pickle.loads(pickle.dumps(pairs.negatives["de"]))
    assert [sent[question] for question in range(len(sent))] == list(texts.negatives["de"])
