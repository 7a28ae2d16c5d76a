from __future__ import annotations

import pytest
import torch

from hybridret.base.errors import UserError
from hybridret.encoders.pooling import pooling_by_name

HIDDEN = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]], [[5.0, 50.0], [7.0, 70.0], [9.0, 90.0]]])
MASK = torch.tensor([[1, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean", [[1.5, 15.0], [7.0, 70.0]]),
        ("cls", [[1.0, 10.0], [5.0, 50.0]]),
        ("last", [[2.0, 20.0], [9.0, 90.0]]),
    ],
)
def test_hand_cases(name: str, expected: list[list[float]]) -> None:
    torch.testing.assert_close(pooling_by_name(name)(HIDDEN, MASK), torch.tensor(expected))


@pytest.mark.parametrize("name", ["mean", "cls", "last"])
def test_padding_side_width_and_neighbours_do_not_matter(name: str) -> None:
    pool = pooling_by_name(name)
    tokens = torch.randn(3, 4)
    expected = pool(tokens[None], torch.ones(1, 3, dtype=torch.long))
    for left, right in [(0, 0), (0, 5), (4, 0), (2, 3)]:
        width = left + 3 + right
        hidden = 100 * torch.randn(2, width, 4)  # padding and the neighbour hold large numbers
        mask = torch.ones(2, width, dtype=torch.long)
        hidden[0, left : left + 3] = tokens
        mask[0, :left] = 0
        mask[0, left + 3 :] = 0
        torch.testing.assert_close(pool(hidden, mask)[:1], expected)


def test_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'mean'"):
        pooling_by_name("maen")
