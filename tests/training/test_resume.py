"""N + N steps equal 2N steps bit by bit, however the first N ended (docs/pitfalls.md#resume)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_helpers import Run, encoder, equal, run, stop_after

from hybridret.base.errors import UserError
from hybridret.encoders.folder import load_encoder
from hybridret.training.checkpoints import WholeCheckpoints, best_path

pytestmark = pytest.mark.slow

STATE = ("state_dict", "optimizer_states", "lr_schedulers", "global_step")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that nothing stopped, with dropout."""
    return run(tmp_path_factory.mktemp("whole"))


def same(left: Run, right: Run) -> bool:
    states = all(equal(left.last[key], right.last[key]) for key in STATE)
    best = (load_encoder(best_path(one.folder)).state_dict() for one in (left, right))
    decided = left.last["callbacks"]["Validation"] == right.last["callbacks"]["Validation"]
    mixed = left.result.mix == right.result.mix
    return states and equal(*best) and decided and mixed and left.curve() == right.curve()


def test_the_whole_run_learns(whole: Run) -> None:
    start, end = encoder().state_dict(), {k[8:]: v for k, v in whole.last["state_dict"].items() if k[:8] == "encoder."}
    assert start.keys() == end.keys()
    assert not any(torch.equal(start[key], end[key]) for key in start)
    assert len(whole.last["optimizer_states"][0]["state"]) == len(start)


def test_a_seed_decides_everything(whole: Run, tmp_path: Path) -> None:
    assert same(whole, run(tmp_path / "again"))
    other = run(tmp_path / "other", seed=6)
    assert not equal(whole.last["state_dict"], other.last["state_dict"])


def test_dropout_is_part_of_it(whole: Run, tmp_path: Path) -> None:
    assert not equal(whole.last["state_dict"], run(tmp_path, dropout=0.0).last["state_dict"])


@pytest.mark.parametrize("workers", [0, 2])
def test_interrupted_runs_go_on_exactly(whole: Run, tmp_path: Path, workers: int) -> None:
    random = np.random.default_rng(workers)
    for round_ in range(2):
        rows: list[dict[str, Any]] = []
        folder = tmp_path / str(round_)
        first, second = int(random.integers(1, 6)), int(random.integers(1, 6))
        for reached, more, weights in ((first, first, 0), (first + second, second, 7)):  # a resumed run loads its own
            stopped = run(folder, rows=rows, workers=workers, should_stop=stop_after(more), model=encoder(seed=weights))
            assert (stopped.result.stopped, stopped.result.steps) == ("interrupted", reached)
            torch.rand(reached)  # what the caller does with random numbers must not matter
        resumed = run(folder, rows=rows, workers=workers, model=encoder(seed=99))
        assert resumed.result.stopped == "steps"
        assert same(whole, resumed)


def test_a_killed_process_goes_on_exactly(whole: Run, tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from training_helpers import run
every_step = dict(steps=4000, checkpoint_every=1, validate_every=3, log_every=1, decay="constant", warmup=0)
run(Path(sys.argv[1]), **every_step, on_row=lambda row: print(row["step"], flush=True))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "killed")]
    kill_at = int(np.random.default_rng().integers(4, 30))  # a new one every time: any step must do
    with subprocess.Popen(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= kill_at:
                process.kill()
                break
    assert process.wait() == -9
    saved = torch.load(tmp_path / "killed/checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert saved >= kill_at - 1
    changes: dict[str, Any] = {"steps": saved + 5, "checkpoint_every": 1, "validate_every": 3, "decay": "constant"}
    changes["warmup"] = 0.0  # a share of the steps: it must not depend on how many there are
    resumed = run(tmp_path / "killed", **changes)
    straight = run(tmp_path / "straight", **changes)
    assert equal(resumed.last["state_dict"], straight.last["state_dict"])


def test_a_finished_run_is_left_alone(whole: Run) -> None:
    before = (whole.folder / "checkpoints/last.ckpt").read_bytes()
    again = run(whole.folder, model=encoder(seed=4))
    assert again.rows == []
    assert again.result == whole.result
    assert (whole.folder / "checkpoints/last.ckpt").read_bytes() == before


def test_a_run_that_stopped_early_is_left_alone(tmp_path: Path) -> None:
    first = run(tmp_path, patience=1, lr=0.5, validate_every=1)
    assert first.result.stopped == "early"
    again = run(tmp_path, patience=1, lr=0.5, validate_every=1)
    assert again.rows == []
    assert again.result == first.result


def test_only_two_names_are_written(whole: Run) -> None:
    assert {path.name for path in (whole.folder / "checkpoints").iterdir()} == {"last.ckpt", "best"}
    assert {path.name for path in whole.folder.iterdir()} == {"checkpoints"}


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "foreign"])
def test_damaged_state_is_named(tmp_path: Path, damage: str) -> None:
    path = run(tmp_path, steps=2).folder / "checkpoints/last.ckpt"
    data = path.read_bytes()
    if damage == "foreign":
        torch.save({"weights": torch.zeros(2)}, path)
    else:
        path.write_bytes({"truncated": data[: len(data) // 2], "empty": b"", "text": b"not a checkpoint\n"}[damage])
    with pytest.raises(UserError, match=r"last\.ckpt .*Delete it"):
        run(tmp_path, steps=4)


def test_state_of_another_model_is_refused(tmp_path: Path) -> None:
    run(tmp_path, steps=2)
    wider = encoder()
    wider.body.norm = torch.nn.LayerNorm(16, bias=False)
    with pytest.raises(UserError, match=r"another model: 1 tensors differ, such as encoder\.body\.norm\.bias"):
        run(tmp_path, steps=4, model=wider)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (tmp_path.joinpath("sprung").touch, ())

    path = tmp_path / "last.ckpt"
    torch.save({"loops": Trap()}, path)
    with pytest.raises(UserError, match="cannot be read"):
        WholeCheckpoints().load_checkpoint(path, weights_only=False)
    assert not (tmp_path / "sprung").exists()


def test_a_full_disk_keeps_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    files = WholeCheckpoints()
    files.save_checkpoint({"loops": {}, "step": 1}, path)

    def full(value: Any, target: Path) -> None:
        target.write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file data/1: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match=r"Cannot write .*last\.ckpt"):
        files.save_checkpoint({"loops": {}, "step": 2}, path)
    assert files.load_checkpoint(path)["step"] == 1
    assert [one.name for one in tmp_path.iterdir()] == ["last.ckpt"]
