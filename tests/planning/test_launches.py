"""What counts as a wait of the host, and what as a copy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from hybridret.planning.launches import Launches

WAITS: dict[str, Callable[[Tensor], object]] = {
    "item": lambda x: x[0].item(),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "cpu": lambda x: x.cpu(),
    "bool": lambda x: bool(x[0] > 0),
    "if": lambda x: 1 if x.sum() > 0 else 0,
    "int": lambda x: int(x[0]),
    "float": lambda x: float(x[0]),
    "an index": lambda x: [1, 2, 3][x[0].long()],
    "np.asarray": lambda x: np.asarray(x),
    "nonzero": lambda x: x.nonzero(),
    "a mask as index": lambda x: x[x > 1],
    "a mask that is written to": lambda x: x.clone().__setitem__(x > 1, torch.ones(1)),
    "masked_select": lambda x: x.masked_select(x > 1),
    "unique": lambda x: x.unique(),
    "repeats without their sum": lambda x: x.repeat_interleave(x.long()),
    "equal": lambda x: torch.equal(x, x + 1),
}
FREE: dict[str, Callable[[Tensor], object]] = {
    "integers as index": lambda x: x[torch.arange(3)],
    "where": lambda x: torch.where(x > 1, x, 0.0),
    "masked_fill": lambda x: x.masked_fill(x > 1, 0.0),
    "repeats with their sum": lambda x: x.repeat_interleave(x.long(), output_size=6),
    "clip": lambda x: torch.nn.utils.get_total_norm([x]),
    "shape": lambda x: x.view(1, -1).shape[1],
}


@pytest.mark.parametrize("name", WAITS)
def test_a_wait_is_counted_once(name: str) -> None:
    values = torch.tensor([1.0, 2.0, 3.0])
    with Launches() as found:
        WAITS[name](values)
    assert sum(found.waits.values()) == 1, found.waits
    assert "test_launches.py" in found.where[0][1][-1]


@pytest.mark.parametrize("name", FREE)
def test_what_a_gpu_does_alone_is_no_wait(name: str) -> None:
    values = torch.tensor([1.0, 2.0, 3.0])
    with Launches() as found:
        FREE[name](values)
    assert not found.waits
    assert not found.copies


def test_copies() -> None:
    with Launches() as found:
        values = torch.tensor([1.0, 2.0])
        values.to("meta")
        torch.zeros(2)
        values.to(torch.float64)
    assert found.copies == {"from the host": 1, "between devices": 1}


def test_kernels_in_both_directions_and_views() -> None:
    weight = torch.ones(3, 3, requires_grad=True)
    with Launches() as found:
        (weight @ weight.T).view(9).sum().backward()
    assert found.kernels["aten::mm"] == 3
    assert not {"aten::view", "aten::t", "aten::expand"} & set(found.kernels)
    assert found.fp32["aten::mm"] == 3
