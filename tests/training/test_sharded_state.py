"""State of a sharded training: resumed at any number of processes, as one file, and whole or absent.

See docs/pitfalls.md#resume and docs/pitfalls.md#checkpoint-names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ranks import together, train_ranks
from safetensors.torch import load_file
from training_helpers import equal

from hybridret.base.errors import UserError
from hybridret.encoders.folder import load_encoder
from hybridret.training.checkpoints import WholeCheckpoints, best_path, last_path, saved_step

pytestmark = pytest.mark.slow

# eps: Adam makes a step of any gradient, also of rounding, which is all that the gradient of a key's bias is.
STEPS: dict[str, Any] = {
    "chunk_size": 3, "layers": 2, "dropout": 0.1, "checkpoint_every": 2, "validate_every": 2, "eps": 1e-3,
}  # fmt: skip
FP32: dict[str, Any] = {"precision": "32-true", **STEPS}


def last(folder: Path) -> dict[str, Any]:
    return WholeCheckpoints().load_checkpoint(last_path(folder))


def same_state(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return all(equal(left[key], right[key]) for key in ("state_dict", "optimizer_states", "lr_schedulers"))


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sharded training of two processes that was stopped after two of four steps."""
    folder = tmp_path_factory.mktemp("half")
    together(2, train_ranks, folder, 2, "fsdp", steps=4, stop_at=2, **FP32)
    return folder


def copied(folder: Path, place: Path) -> Path:
    """`cp -r`: links stay links."""
    import shutil

    shutil.copytree(folder, place, symlinks=True)
    return place


def test_it_is_a_link_to_one_folder(half: Path) -> None:
    assert last_path(half).is_symlink()
    assert {path.name for path in (half / "checkpoints").iterdir()} == {"last.ckpt", "sharded-2", "best"}
    assert saved_step(last_path(half)) == 2


def test_the_same_number_of_processes_goes_on_bit_by_bit(half: Path, tmp_path: Path) -> None:
    together(2, train_ranks, tmp_path / "whole", 2, "fsdp", steps=4, **FP32)
    halved = copied(half, tmp_path / "half")
    together(2, train_ranks, halved, 2, "fsdp", steps=4, seed=9, **FP32)
    assert same_state(last(halved), last(tmp_path / "whole"))
    assert {path.name for path in (halved / "checkpoints").iterdir()} == {"last.ckpt", "sharded-4", "best"}


@pytest.mark.parametrize(("world", "strategy"), [(3, "fsdp"), (1, "fsdp"), (1, "auto"), (2, "ddp")])
def test_other_numbers_of_processes_hold_the_same_state(half: Path, tmp_path: Path, world: int, strategy: str) -> None:
    """Loaded and saved again without a step it is the same to the bit; later steps are those of two processes."""
    again = copied(half, tmp_path / "again")
    together(world, resave, again, world, strategy)
    assert same_state(last(again), last(half))
    on, straight = copied(half, tmp_path / "on"), copied(half, tmp_path / "straight")
    options = {**FP32, "dropout": 0.0}
    together(world, train_ranks, on, world, strategy, steps=6, **options)
    together(2, train_ranks, straight, 2, "fsdp", steps=6, **options)
    assert last(on)["global_step"] == 6
    for name, weight in last(straight)["state_dict"].items():
        torch.testing.assert_close(last(on)["state_dict"][name], weight, rtol=1e-5, atol=1e-5)


def resave(folder: Path, world: int, strategy: str) -> None:
    """Load the state, and save it without a step in between."""
    import hybridret.training.checkpoints as checkpoints
    from hybridret.training.history import History

    def save_and_stop(self: Any, trainer: Any, module: Any) -> None:
        original(self, trainer, module)
        trainer.save_checkpoint(last_path(folder))
        trainer.should_stop = True

    original = History.on_train_start
    History.on_train_start = save_and_stop  # type: ignore[method-assign]
    checkpoints.Checkpoints.on_train_batch_end = lambda *unused: None  # type: ignore[method-assign]
    train_ranks(folder, world, strategy, steps=4, seed=5, **FP32)


def test_a_training_of_one_process_goes_on_in_shards(tmp_path: Path) -> None:
    train_ranks(tmp_path / "file", 1, "auto", steps=4, stop_at=2, **FP32)
    before = last(tmp_path / "file")
    again = copied(tmp_path / "file", tmp_path / "again")
    together(3, resave, again, 3, "fsdp")
    assert last_path(again).is_symlink()
    assert same_state(last(again), before)


def test_best_is_one_safetensors_file_of_the_same_weights(half: Path) -> None:
    kept = load_file(best_path(half) / "model.safetensors")
    state = {name.removeprefix("encoder.body."): one for name, one in last(half)["state_dict"].items()}
    assert equal(kept, state)


@pytest.mark.parametrize("damage", ["shard", "meta", "metadata", "missing"])
def test_damage_is_named(half: Path, tmp_path: Path, damage: str) -> None:
    folder = copied(half, tmp_path / "damaged")
    state = folder / "checkpoints" / "sharded-2"
    name = {"shard": "__1_0.distcp", "missing": "__1_0.distcp", "meta": "meta.pt", "metadata": ".metadata"}[damage]
    content = (state / name).read_bytes()
    (state / name).unlink()
    if damage != "missing":
        (state / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"last\.ckpt cannot be read .*Delete it"):
        last(folder)
    with pytest.raises(AssertionError, match=r"last\.ckpt cannot be read .*Delete it"):
        together(2, train_ranks, folder, 2, "fsdp", steps=4, **FP32)
    assert saved_again(folder) == {"last.ckpt", "sharded-2", "best"}


def saved_again(folder: Path) -> set[str]:
    return {path.name for path in (folder / "checkpoints").iterdir()}


def test_state_of_another_model_is_refused(half: Path, tmp_path: Path) -> None:
    folder = copied(half, tmp_path / "other")
    with pytest.raises(AssertionError, match=r"of another model: \d+ tensors differ, such as encoder\.body\.blocks\.1"):
        together(2, train_ranks, folder, 2, "fsdp", steps=4, **{**FP32, "layers": 1})


def test_mixed_precision_learns(tmp_path: Path) -> None:
    """bf16 layers, fp32 sums: near the fp32 steps, and not equal to them."""
    for precision in ("32-true", "bf16-mixed"):
        options = {**STEPS, "dropout": 0.0, "precision": precision}
        together(2, train_ranks, tmp_path / precision, 2, "fsdp", steps=4, **options)
    exact, mixed = (last(tmp_path / name)["state_dict"] for name in ("32-true", "bf16-mixed"))
    assert all(weight.dtype == torch.float32 for weight in mixed.values())
    differences = [float((exact[name] - mixed[name]).abs().max()) for name in exact]
    assert 0 < max(differences) < 0.05


def test_a_precision_that_cannot_be_sharded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"trainer\.precision=16-mixed .*32-true, bf16-mixed"):
        train_ranks(tmp_path, 1, "fsdp", precision="16-mixed")


@pytest.mark.parametrize("recipe", ["lora", "lora in bf16", "adam8bit", "layers"])
def test_every_recipe_goes_on_bit_by_bit(tmp_path: Path, recipe: str) -> None:
    options: dict[str, Any] = {
        "lora": {"lora": "fp32", "precision": "32-true"},
        "lora in bf16": {"lora": "bf16", "precision": "bf16-mixed"},
        "adam8bit": {"eight_bits": True, "width": 128, "precision": "32-true"},
        "layers": {"recompute_layers": True, "precision": "32-true"},
    }[recipe]
    options = {**STEPS, **options}
    together(2, train_ranks, tmp_path / "whole", 2, "fsdp", steps=4, **options)
    together(2, train_ranks, tmp_path / "half", 2, "fsdp", steps=4, stop_at=2, **options)
    together(2, train_ranks, tmp_path / "half", 2, "fsdp", steps=4, **options)
    states = [last(tmp_path / name) for name in ("half", "whole")]
    assert same_state(*states)
    kept = load_encoder(best_path(tmp_path / "half"))  # an ordinary encoder
    assert not any("lora" in name for name in kept.state_dict())
    if recipe.startswith("lora"):
        assert len(states[0]["optimizer_states"][0]["state"]) < len(states[0]["state_dict"])


@pytest.mark.parametrize(("world", "strategy"), [(3, "fsdp"), (1, "auto")])
def test_states_in_blocks_need_the_same_shards(tmp_path: Path, world: int, strategy: str) -> None:
    options = {**FP32, "eight_bits": True, "width": 128}
    together(2, train_ranks, tmp_path, 2, "fsdp", steps=4, stop_at=2, **options)
    with pytest.raises(AssertionError, match=r"8-bit states of the optimizer in 2 shards, and now they would be in"):
        together(world, train_ranks, tmp_path, world, strategy, steps=4, **options)
    assert saved_step(last_path(tmp_path)) == 2


@pytest.mark.parametrize("error", ["OutOfMemoryError", "OSError"])
def test_what_is_no_damage_is_not_called_so(half: Path, tmp_path: Path, error: str) -> None:
    """Out of memory while the state is read, or a disk that is full for one process: nothing tells to delete it."""
    folder = copied(half, tmp_path / "copied")
    said = {"OutOfMemoryError": r"OutOfMemoryError: no room", "OSError": r"Cannot write .*last\.ckpt is as it was"}[
        error
    ]
    with pytest.raises(AssertionError, match=said):
        together(2, failing, folder, error)
    assert saved_step(last_path(folder)) == 2


def failing(folder: Path, error: str) -> None:
    """Train on, where reading the state fails on both processes or writing it on the first."""
    from pytorch_lightning.strategies import ModelParallelStrategy

    from hybridret.training.sharding import Sharded

    def load(self: Any, *arguments: Any, **options: Any) -> Any:
        raise torch.OutOfMemoryError("no room")

    def save(self: Any, *arguments: Any, **options: Any) -> None:
        if self.global_rank == 0:
            raise OSError("No space left on device")

    if error == "OSError":
        ModelParallelStrategy.save_checkpoint = save  # type: ignore[method-assign]
    else:
        Sharded._load_folder = load  # type: ignore[method-assign]
    train_ranks(folder, 2, "fsdp", steps=4, **FP32)
