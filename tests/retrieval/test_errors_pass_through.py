"""An error while encoding ends the work at once: nothing is tried again as if memory had run out.

See docs/pitfalls.md#out-of-memory.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hybridret.base.progress import Quiet
from hybridret.retrieval.encode import encode_texts


class Broken(torch.nn.Module):
    """Fails at each batch, and remembers the first text of each that it was asked for."""

    dimension = 4

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.error = error
        self.asked: list[int] = []
        self.tokenization: Any = SimpleNamespace(
            queries=lambda texts: [np.full(3, i, dtype=np.int32) for i in range(len(texts))],
            pad=lambda rows: (torch.from_numpy(np.stack(rows).astype(np.int64)), torch.ones(len(rows), 3)),
        )

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        self.asked.append(int(input_ids[0, 0]))
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("device-side assert"), torch.OutOfMemoryError("out of memory")])
def test_a_failing_batch_is_tried_once(error: Exception) -> None:
    encoder = Broken(error)
    with pytest.raises(type(error), match=str(error)):
        encode_texts(encoder, [f"text {i}" for i in range(9)], "query", 2, Quiet())
    # Other threads may have begun the batches behind the first one, and may be there before it.
    assert 0 in encoder.asked
    assert len(encoder.asked) == len(set(encoder.asked)) <= 5
