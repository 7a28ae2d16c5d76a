from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from ranks import with_negatives
from slow_chunks import chunk_rows
from training_helpers import corpus, encoder

from hybridret.base.records import Batch
from hybridret.batching.hybrid import Hybrid
from hybridret.data.prepared.stored_pairs import read_pairs, write_pairs
from hybridret.training.collate import Collate, TrainingBatch
from hybridret.training.throughput import Throughput
from hybridret.training.token_table import TokenTable


def original(chunks: list[tuple[torch.Tensor, torch.Tensor]], order: torch.Tensor) -> list[list[int]]:
    rows = [ids[mask.bool()].tolist() for chunk in chunks for ids, mask in zip(*chunk, strict=True)]
    return [rows[index] for index in order.tolist()]


@pytest.mark.parametrize("world_size", [1, 2, 4])
@pytest.mark.parametrize(("chunk_size", "chunk_tokens"), [(None, None), (3, None), (None, 40), (2, 40)])
def test_ranks_share_the_batch(world_size: int, chunk_size: int | None, chunk_tokens: int | None) -> None:
    """Every query with its own passage and groups, whatever the number of ranks; texts looked up the slow way."""
    pairs = with_negatives(corpus())
    schedule = Hybrid(alpha=0.5).schedule((pairs,), 8)
    tokens = encoder().tokenization
    for step in range(4):
        batch = schedule(1, step)
        parts = [
            Collate(tokens, [pairs], chunk_size, rank, world_size, chunk_tokens=chunk_tokens)(batch)
            for rank in range(world_size)
        ]
        chunks = [[*part.rows.query_chunks, *part.rows.passage_chunks] for part in parts]
        assert {part.calls for part in parts} == {max(map(len, chunks))}  # collectives of a sharded encoder
        if chunk_tokens is not None:
            assert all(len(ids) == 1 or ids.numel() <= chunk_tokens for chunk in chunks for ids, _ in chunk)
        passages = [row for part in parts for row in original(part.rows.passage_chunks, part.rows.passage_order)]
        counts, groups = parts[0].counts, parts[0].groups
        assert all(part.counts == counts and torch.equal(part.groups, groups) for part in parts)
        assert len(passages) == sum(counts) == len(groups)
        expected = {}
        hard = 0
        for row in range(8):
            question = int(batch.questions[row])
            asked, told = (pairs.languages[of[row]] for of in (batch.query_languages, batch.passage_languages))
            query, passage = pairs.queries[asked][question], pairs.passages[told][question]
            hard += len(pairs.negatives[told][question])
            assert query is not None
            assert passage is not None
            key = tuple(tokens.queries([query])[0].tolist())
            expected[key] = (tokens.passages([passage])[0].tolist(), int(pairs.passage_groups[question]))
        assert len(passages) == 8 + hard
        found = {}
        for part in parts:
            queries = original(part.rows.query_chunks, part.rows.query_order)
            assert len(queries) == 8 // world_size
            for query, positive, group in zip(queries, part.rows.positives, part.rows.query_groups, strict=True):
                assert groups[positive] == group
                found[tuple(query)] = (passages[int(positive)], int(group))
            assert part.tokens == sum(map(len, queries)) + int(sum(m.sum() for _, m in part.rows.passage_chunks))
        assert found == expected


def test_languages_and_kind_are_named() -> None:
    pairs = corpus()
    collate = Collate(encoder().tokenization, [pairs], None)
    made: list[TrainingBatch] = [collate(Hybrid(alpha=0.5).schedule((pairs,), 8)(0, step)) for step in range(8)]
    assert {len(one.languages) for one in made if one.batch.kind == "mono"} == {1}
    assert all(len(one.languages) > 1 for one in made if one.batch.kind == "cross")
    assert {one.dataset for one in made} == {"words"}


def test_table_tokenises_a_text_once_and_stays_small() -> None:
    calls: list[str] = []

    def tokenise(texts: Sequence[str]) -> list[np.ndarray]:
        calls.extend(texts)
        return [np.arange(len(text), dtype=np.int32) + ord(text[0]) for text in texts]

    def read(table: TokenTable, texts: Sequence[str]) -> list[list[int]]:
        rows = table.rows(table.numbers(texts))
        return [rows.ids[at : at + n].tolist() for at, n in zip(rows.starts, rows.lengths, strict=True)]

    def expected(texts: Sequence[str]) -> list[list[int]]:
        return [[ord(text[0]) + place for place in range(len(text))] for text in texts]

    roomy = TokenTable(tokenise, limit=10**6)
    for texts in (["a", "bb", "a"], ["bb", "ccc"], ["d" * 5000, "a"]):
        assert read(roomy, texts) == expected(texts)
    assert calls == ["a", "bb", "ccc", "d" * 5000]
    calls.clear()
    tight = TokenTable(tokenise, limit=3 * 4)  # three tokens
    for _ in range(2):
        assert read(tight, ["a", "bb", "c", "a"]) == expected(["a", "bb", "c", "a"])
    assert calls == ["a", "bb", "c", "c"]
    assert tight.numbers([None, "bb", "e"]).tolist() == [-1, 1, 3]


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_texts_that_share_a_slot_are_not_mixed_up(slots: int) -> None:
    def tokenise(texts: Sequence[str]) -> list[np.ndarray]:
        return [np.full(len(text), int(text), dtype=np.int32) for text in texts]

    table = TokenTable(tokenise, limit=10**6, slots=slots)
    numbers = table.numbers([str(number) for number in range(20)])
    for seed in range(5):
        chosen = np.random.default_rng(seed).integers(0, 20, 9)
        rows = table.rows(numbers[chosen])
        assert [rows.ids[at] for at in rows.starts] == chosen.tolist()


@pytest.mark.parametrize("stored", [False, True], ids=["in memory", "on disk"])
@pytest.mark.parametrize("cache_bytes", [0, 100, 10**6])
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_batches_equal_those_made_row_by_row(
    tmp_path: Path, cache_bytes: int, chunk_size: int | None, stored: bool
) -> None:
    """The same tensors as tokenising every text and padding every row for itself, first read or read again."""
    pairs = corpus()
    schedule = Hybrid(alpha=0.5).schedule((pairs,), 8)
    tokens = encoder().tokenization
    if stored:
        write_pairs(tmp_path / "pairs", pairs)
    read = read_pairs(tmp_path / "pairs") if stored else pairs
    collate = Collate(tokens, [read], chunk_size, cache_bytes=cache_bytes)
    for step in [*range(6), 0, 1]:
        batch = schedule(1, step)
        made = collate(batch)
        for texts, languages, tokenise, chunks, order in (
            (pairs.queries, batch.query_languages, tokens.queries, made.rows.query_chunks, made.rows.query_order),
            (
                pairs.passages,
                batch.passage_languages,
                tokens.passages,
                made.rows.passage_chunks,
                made.rows.passage_order,
            ),
        ):
            drawn = zip(languages.tolist(), batch.questions.tolist(), strict=True)
            rows = tokenise([str(texts[pairs.languages[lang]][question]) for lang, question in drawn])
            pieces, places = chunk_rows([len(row) for row in rows], chunk_size)
            assert order.tolist() == places
            assert len(chunks) == len(pieces)
            for chunk, piece in zip(chunks, pieces, strict=True):
                slow = tokens.pad([rows[row] for row in piece])
                assert all(torch.equal(one, two) for one, two in zip(chunk, slow, strict=True))


def test_a_question_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    pairs = corpus()
    pairs.queries["de"][3] = pairs.passages["de"][3] = None  # type: ignore[index]
    collate = Collate(encoder().tokenization, [pairs], None)
    one = np.array([3])
    collate(Batch(0, "mono", 0, one, one * 0, one * 0))
    with pytest.raises(ValueError, match="does not exist in"):
        collate(Batch(0, "mono", 0, one, one * 0 + 1, one * 0 + 1))
    write_pairs(tmp_path / "pairs", pairs)
    collate = Collate(encoder().tokenization, [read_pairs(tmp_path / "pairs")], None)
    collate(Batch(0, "mono", 0, one, one * 0, one * 0))
    with pytest.raises(ValueError, match="does not exist in"):
        collate(Batch(0, "mono", 0, one, one * 0 + 1, one * 0 + 1))


def test_throughput_leaves_pauses_out_and_survives() -> None:
    now = iter([0.0, 10.0, 12.0, 13.0, 113.0, 114.0, 200.0, 203.0])
    meter = Throughput(clock=lambda: next(now))
    meter.start()  # at 10
    meter.count(pairs=8, tokens=30, padded=40)  # 2 seconds
    with meter.paused():  # from 13 to 113
        pass
    meter.count(pairs=8, tokens=30, padded=40)  # 1 second before the pause and 1 after it
    assert (meter.total.seconds, meter.total.pairs_per_second, meter.total.padding_share) == (4.0, 4.0, 0.25)
    assert meter.take_window().pairs == 16
    resumed = Throughput(clock=lambda: next(now))  # at 200
    resumed.load_state_dict(meter.state_dict())
    resumed.count(pairs=4, tokens=10, padded=10)
    assert (resumed.total.seconds, resumed.total.pairs, resumed.take_window().pairs) == (7.0, 20, 4)
