"""Gradients are synchronised once per step and not per chunk; plan counts FSDP2's gathers rightly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ranks import together, train_ranks

from hybridret.planning.collectives import collectives

pytestmark = pytest.mark.slow


def counted(folder: Path, layers: int, **changes: Any) -> None:
    """Train two steps and write what the last one communicated, as seen inside of FSDP2."""
    import torch.distributed.fsdp._fully_shard._fsdp_param_group as fsdp

    from hybridret.training.module import RetrieverModule

    seen = {"foreach_all_gather": 0, "foreach_reduce": 0}

    def watched(name: str) -> None:
        original = getattr(fsdp, name)

        def call(*arguments: Any, **options: Any) -> Any:
            seen[name] += 1
            return original(*arguments, **options)

        setattr(fsdp, name, call)

    original_step = RetrieverModule.optimizer_step

    def step(self: Any, epoch: int, batch: int, optimizer: Any, closure: Any = None) -> None:
        def closed() -> Any:
            seen.update(dict.fromkeys(seen, 0))
            result = closure()
            if self.global_rank == 0:
                found = [self._batch.calls, *seen.values()]
                (folder / "seen.json").write_text(json.dumps(found))
            return result

        original_step(self, epoch, batch, optimizer, closed)

    for name in seen:
        watched(name)
    RetrieverModule.optimizer_step = step  # type: ignore[method-assign]
    train_ranks(folder, 2, "fsdp", precision="32-true", layers=layers, steps=2, **changes)


@pytest.mark.parametrize(
    ("layers", "chunk_size", "recompute"), [(2, 3, True), (3, 6, True), (2, 3, False), (2, None, False)]
)
def test_counts(tmp_path: Path, layers: int, chunk_size: int | None, recompute: bool) -> None:
    together(2, counted, tmp_path, layers, chunk_size=chunk_size, recompute=recompute)
    chunks, gathers, reductions = json.loads((tmp_path / "seen.json").read_text())
    assert chunks == (2 if chunk_size is None else chunks) > 1
    assert reductions == layers + 1  # whatever the number of chunks
    assert (gathers, reductions) == collectives(layers + 1, layers + 1, chunks, recompute)
