"""Two ranks that train the small run together, and what they must leave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from commands import Answer, Train, run_of, status

ALIKE = ("backbone.dropout=0.0", "trainer=cpu")
PAIR = (*ALIKE, "trainer.devices=2", "trainer.strategy=ddp")


@dataclass(frozen=True)
class Pair:
    """Runs the small run as two ranks: `pair(folder, hooks={rank: [...]})`. See `Commands.together`."""

    train: Train

    def __call__(
        self, folder: Path, *more: str, hooks: dict[int, list[dict[str, Any]]] | None = None, launcher: bool = False
    ) -> list[Answer]:
        arguments = (*self.train.arguments, *PAIR, *more)
        return self.train.command.together("run", *arguments, folder=folder, hooks=hooks or {}, launcher=launcher)


def state(run: Path) -> dict[str, Any]:
    """The content of last.ckpt."""
    found: dict[str, Any] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return found


def result(run: Path) -> dict[str, Any]:
    """The content of result.json."""
    content: dict[str, Any] = json.loads((run / "result.json").read_text())
    return content


def assert_finishes_as(pair: Pair, folder: Path, undisturbed: Path, step: int) -> None:
    """The same command goes on at `step` and ends bit for bit like the run that nothing disturbed."""
    again = pair(folder)
    assert [one.returncode for one in again] == [0, 0], again
    assert f"at step {step}" in again[0].stdout
    run = run_of(folder)
    torch.testing.assert_close(state(run)["state_dict"], state(undisturbed)["state_dict"], rtol=0, atol=0)
    assert result(run)["metrics"] == result(undisturbed)["metrics"]
    assert status(run)["state"] == "finished"
