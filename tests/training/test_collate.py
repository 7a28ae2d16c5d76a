from __future__ import annotations

import numpy as np
import pytest
import torch
from training_helpers import corpus, encoder
from two_ranks import with_negatives

from hybridret.batching.hybrid import Hybrid
from hybridret.training.collate import Collate, TrainingBatch
from hybridret.training.throughput import Throughput
from hybridret.training.token_cache import ROW_OVERHEAD, TokenCache


def original(chunks: list[tuple[torch.Tensor, torch.Tensor]], order: torch.Tensor) -> list[list[int]]:
    rows = [ids[mask.bool()].tolist() for chunk in chunks for ids, mask in zip(*chunk, strict=True)]
    return [rows[index] for index in order.tolist()]


@pytest.mark.parametrize("world_size", [1, 2, 4])
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_ranks_share_the_batch(world_size: int, chunk_size: int | None) -> None:
    """Every query with its own passage and groups, whatever the number of ranks; texts looked up the slow way."""
    pairs = with_negatives(corpus())
    schedule = Hybrid(alpha=0.5).schedule((pairs,), 8)
    tokens = encoder().tokenization
    for step in range(4):
        batch = schedule(1, step)
        parts = [Collate(tokens, [pairs], chunk_size, rank, world_size)(batch) for rank in range(world_size)]
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


def test_cache_tokenises_a_text_once_and_stays_small() -> None:
    calls: list[str] = []

    def tokenise(texts: object) -> list[np.ndarray]:
        calls.extend(texts)  # type: ignore[arg-type]
        return [np.full(len(text), 7, dtype=np.int32) for text in texts]  # type: ignore[attr-defined]

    roomy = TokenCache(tokenise, limit=10**6)
    assert [len(row) for row in roomy.rows(["a", "bb", "a"])] == [1, 2, 1]
    assert [len(row) for row in roomy.rows(["bb", "ccc"])] == [2, 3]
    assert calls == ["a", "bb", "ccc"]
    calls.clear()
    tight = TokenCache(tokenise, limit=2 * (ROW_OVERHEAD + 4))
    for _ in range(2):
        assert [len(row) for row in tight.rows(["a", "b", "c"])] == [1, 1, 1]
    assert calls == ["a", "b", "c", "c"]


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
