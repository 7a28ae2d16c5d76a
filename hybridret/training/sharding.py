"""Training over shards: each of W processes holds 1/W of weights, gradients and optimizer states (FSDP2).

Layers are gathered one by one where they are computed. Under `bf16-mixed` they are gathered and computed in bf16 and
gradients are summed in fp32 (MixedPrecisionPolicy), with the weights of the optimizer in fp32; there is no autocast.
"""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from pytorch_lightning.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from hybridret.base.errors import UserError
from hybridret.encoders.dual import DualEncoder
from hybridret.training.sharded_reader import fill_state, seal_metadata
from hybridret.training.sharded_state import (
    BY_SHARD,
    SHARDS,
    check_layout,
    check_shapes,
    damaged,
    difference,
    move_into_place,
    named,
    next_folder,
    read_file,
    read_meta,
)

WRITERS = ("PytorchStreamWriter", "inline_container")
PRECISIONS = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16, "64-true": torch.float64}


class Sharded(ModelParallelStrategy):
    """Lightning's strategy for FSDP2 over all processes; `precision` as Lightning names it.

    Checkpoints are folders that any number of processes can read (`sharded_state`). Raises UserError for a precision
    that cannot be sharded.
    """

    def __init__(self, processes: int, precision: str) -> None:
        if precision not in PRECISIONS:
            raise UserError(
                f"trainer.precision={precision} does not work with trainer.strategy=fsdp, which computes in one "
                f"precision and needs no scaling of the loss. Choose one of {', '.join(PRECISIONS)}."
            )
        super().__init__(data_parallel_size=processes, tensor_parallel_size=1)
        self._dtype = PRECISIONS[precision]

    def shard(self, encoder: DualEncoder) -> None:
        """Shard `encoder` in place, each layer on its own; sharded parts are not changed."""
        if is_sharded(encoder):
            return
        fully_shard_body(encoder, self.device_mesh["data_parallel"], self._dtype)

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any | None = None) -> None:
        """Write a new folder and point `filepath` to it, or leave what was there. Raises UserError where the disk is
        full or cannot be written.
        """
        path = Path(filepath)
        checkpoint[SHARDS], checkpoint[BY_SHARD] = self.world_size, self._by_shard()
        folder = Path(self.broadcast(str(next_folder(path, int(checkpoint["global_step"])))))
        failed: BaseException | None = None
        try:
            super().save_checkpoint(checkpoint, folder)
            if self.global_rank == 0:
                seal_metadata(folder)
        except (OSError, CheckpointException) as error:
            failed = error
        except RuntimeError as error:  # the zip writer's error for a full disk
            if not any(word in str(error) for word in WRITERS):
                raise
            failed = error
        whole = self.reduce_boolean_decision(failed is None, all=True)  # the first process also writes its own file
        if not whole:
            reason = " ".join(str(failed or "another process could not").split())[:300]
            raise UserError(
                f"Cannot write {folder} ({reason}). Free some space or choose another folder (output=FOLDER), then run "
                f"the same command again; {path} is as it was."
            ) from failed
        if self.global_rank == 0:
            move_into_place(folder, path)
        self.barrier()

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a folder of any number of processes, or the file of one. Raises UserError when it is damaged or of
        another model.
        """
        path = Path(checkpoint_path)
        assert self.lightning_module is not None
        if not path.is_dir():
            check_layout(1, self.world_size, self._by_shard())
            return self._load_file(path)
        check_layout(int(read_meta(path)[SHARDS]), self.world_size, self._by_shard())
        check_shapes(path, {name: tuple(one.shape) for name, one in self.lightning_module.state_dict().items()})
        try:
            return self._load_folder(path)
        except CheckpointException as error:  # the content of the files; out of memory or a lost process is no damage
            if all(_of_files(failure[0]) for failure in error.failures.values()):
                raise damaged(path, error) from error
            raise RuntimeError("; ".join(str(failure[0]) for failure in error.failures.values())) from error
        except (OSError, ValueError, KeyError, EOFError, UnpicklingError) as error:
            if isinstance(error, UserError):
                raise
            raise damaged(path, error) from error

    def _by_shard(self) -> bool:
        return any(getattr(one, "states_of_a_shard", False) for one in self.optimizers)

    def _load_folder(self, path: Path) -> dict[str, Any]:
        """The state of several processes. Lightning does the same with torch's reader, which executes what it finds."""
        module: Any = self.lightning_module
        weights = {"state_dict": get_model_state_dict(module)}
        fill_state(weights, path)
        module.load_state_dict(weights["state_dict"], strict=module.strict_loading)
        for number, optimizer in enumerate(self.optimizers):  # after the weights, to which these states belong
            states = {f"optimizer_{number}": get_optimizer_state_dict(module, optimizer)}
            fill_state(states, path)
            options = StateDictOptions(cpu_offload=True)
            set_optimizer_state_dict(module, optimizer, states[f"optimizer_{number}"], options=options)
        return read_meta(path)

    def _load_file(self, path: Path) -> dict[str, Any]:
        """The state of one process, read by all. Lightning's own way assumes that the optimizer's parameters are in
        the order of the model, which is wrong for groups with rates of their own.
        """
        module: Any = self.lightning_module
        (optimizer,) = self.optimizers
        checkpoint = read_file(path, mmap=True)
        state = module.frozen.complete_state(checkpoint.pop("state_dict"), module.state_dict())
        mine = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
        if message := difference({name: tuple(tensor.shape) for name, tensor in state.items()}, mine):
            raise UserError(message)
        names = {id(parameter): name for name, parameter in module.named_parameters()}
        order = [names[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]
        options = StateDictOptions(full_state_dict=True, strict=False)  # frozen weights are there already
        trained = {name: tensor for name, tensor in state.items() if not isinstance(tensor, DTensor)}
        set_model_state_dict(module, trained, options=options)
        set_optimizer_state_dict(
            module, optimizer, named(checkpoint.pop("optimizer_states")[0], order), options=options
        )
        return checkpoint


def _of_files(error: BaseException) -> bool:
    """Whether reading a checkpoint failed because of its content, not because of memory or another process."""
    return not (isinstance(error, torch.OutOfMemoryError | MemoryError | torch.distributed.DistError))


def fully_shard_body(encoder: DualEncoder, mesh: DeviceMesh, dtype: torch.dtype) -> None:
    """FSDP2 over `mesh`: every layer a group, the rest (embeddings, last norm) another; computed in `dtype`."""
    trained = next((one.dtype for one in encoder.parameters() if one.requires_grad), torch.float32)
    mixed = dtype == torch.bfloat16
    policy = MixedPrecisionPolicy(dtype if mixed else None, torch.float32 if mixed else trained)
    for layer in encoder.body.layers():
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(encoder.body, mesh=mesh, mp_policy=policy)


def is_sharded(encoder: DualEncoder) -> bool:
    """Whether FSDP2 shards the encoder: all processes must then encode equally often, since it is a collective."""
    return isinstance(encoder.body, FSDPModule)


def whole_state(module: nn.Module, keep: bool) -> dict[str, Tensor]:
    """The state dict of `module` on the CPU, with shards put together; a collective where there are any.

    `keep`: whether this process wants the result (others get an empty one): one copy of a 10b is 40 GB.
    """
    whole: dict[str, Tensor] = {}
    for name, tensor in module.state_dict().items():
        full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
        if keep:
            whole[name] = full.detach().cpu()
    return whole
