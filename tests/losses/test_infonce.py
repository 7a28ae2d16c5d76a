from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from hybridret.base.errors import UserError
from hybridret.losses.infonce import InfoNCE


def slow_twin(
    queries: Tensor,
    passages: Tensor,
    positives: Tensor,
    query_groups: Tensor,
    passage_groups: Tensor,
    temperature: float,
    mask: bool,
) -> float:
    total = 0.0
    for i in range(len(queries)):
        own = int(positives[i])
        weights = []
        for p in range(len(passages)):
            same = int(query_groups[i]) >= 0 and int(query_groups[i]) == int(passage_groups[p])
            if p == own or not (mask and same):
                weights.append(math.exp(float(queries[i] @ passages[p]) / temperature))
        total -= math.log(math.exp(float(queries[i] @ passages[own]) / temperature) / sum(weights))
    return total / len(queries)


def random_batch(count: int = 7, hard: int = 5) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(3)

    def unit(rows: int) -> Tensor:
        return F.normalize(torch.randn(rows, 6, generator=generator, dtype=torch.float64), dim=-1)

    positives = torch.randperm(count + hard, generator=generator)[:count]
    passage_groups = torch.randint(-1, 4, (count + hard,), generator=generator)
    return unit(count), unit(count + hard), positives, passage_groups[positives], passage_groups


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize("hard", [0, 5])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_equals_the_slow_twin(temperature: float, hard: int, mask: bool) -> None:
    batch = random_batch(hard=hard)
    found = InfoNCE(temperature, mask)(*batch)
    assert found.dtype == torch.float64
    assert float(found) == pytest.approx(slow_twin(*batch, temperature, mask), abs=1e-12)


def test_masking_changes_the_random_batch() -> None:
    batch = random_batch()
    assert abs(float(InfoNCE(1.0, True)(*batch) - InfoNCE(1.0, False)(*batch))) > 1e-2


def case(passage_groups: list[int], query_group: int = 4, mask: bool = True) -> float:
    """One query whose cosine with its own passage is 1 and with two others 0, temperature 1."""
    query = torch.tensor([[1.0, 0.0]])
    passages = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    loss = InfoNCE(1.0, mask)
    return float(loss(query, passages, torch.tensor([0]), torch.tensor([query_group]), torch.tensor(passage_groups)))


def test_hand_cases() -> None:
    with_two, with_one = -math.log(math.e / (math.e + 2)), -math.log(math.e / (math.e + 1))
    assert case([4, 5, 6]) == pytest.approx(with_two, abs=1e-6)
    assert case([4, 4, 6]) == pytest.approx(with_one, abs=1e-6)  # a translation of the answer is no negative
    assert case([4, 4, 4]) == pytest.approx(0, abs=1e-6)  # no negative left
    assert case([4, 4, 6], mask=False) == pytest.approx(with_two, abs=1e-6)
    assert case([-1, -1, -1], query_group=-1) == pytest.approx(with_two, abs=1e-6)  # unknown groups are never masked
    assert case([4, -1, 6]) == pytest.approx(with_two, abs=1e-6)


def test_no_gradient_reaches_a_masked_passage() -> None:
    query = torch.tensor([[0.6, 0.8]])
    passages = torch.eye(2).repeat(2, 1).requires_grad_()
    groups = torch.tensor([1, 1, 2, -1])
    InfoNCE(0.05)(query, passages, torch.tensor([0]), torch.tensor([1]), groups).backward()
    assert passages.grad is not None
    assert passages.grad.isfinite().all()
    assert (passages.grad.abs().sum(dim=1) > 0).tolist() == [True, False, True, True]


def test_rows_may_move_inside_the_batch() -> None:
    queries, passages, positives, query_groups, passage_groups = random_batch()
    expected = InfoNCE()(queries, passages, positives, query_groups, passage_groups)
    rows, columns = torch.randperm(len(queries)), torch.randperm(len(passages))
    moved = InfoNCE()(
        queries[rows],
        passages[columns],
        columns.argsort()[positives[rows]],
        query_groups[rows],
        passage_groups[columns],
    )
    torch.testing.assert_close(moved, expected)


def test_fp32_under_autocast_and_for_bf16_vectors() -> None:
    queries, passages, *rest = random_batch()
    loss = InfoNCE(0.01)
    expected = loss(queries.float(), passages.float(), *rest)
    assert float(expected) == pytest.approx(float(loss(queries, passages, *rest)), rel=1e-5)  # bf16 is off by 1e-2
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(queries.float(), passages.float(), *rest)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
    halves = queries.bfloat16(), passages.bfloat16()
    assert torch.equal(loss(*halves, *rest), loss(halves[0].float(), halves[1].float(), *rest))


@pytest.mark.parametrize("temperature", [0.0, -0.05, math.nan, math.inf, 1.5e300])
def test_bad_temperatures_are_user_errors(temperature: float) -> None:
    with pytest.raises(UserError, match=r"loss.temperature="):
        InfoNCE(temperature)
