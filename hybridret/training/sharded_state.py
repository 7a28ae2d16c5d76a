"""`last.ckpt` of a sharded training: a folder in torch's distributed checkpoint format, whole or absent.

Every process writes its own shards, and any number of processes can read them. `last.ckpt` is then a link to the folder
`sharded-STEP` beside it: a link is replaced in one step, so a reader finds the old state or the new one.
"""

from __future__ import annotations

import os
import pickle
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.api import CheckpointException

from hybridret.base.errors import UserError
from hybridret.training.archive_records import check_archive
from hybridret.training.sharded_reader import ShardedReader, read_state

PREFIX = "sharded-"
UNREADABLE = (
    OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error,
    struct.error,
)  # fmt: skip
SHARDS = "shards"  # how many processes wrote it
BY_SHARD = "by_shard"  # whether states of the optimizer fit these shards only
META = "meta.pt"  # Lightning's name: everything that is not a tensor of the model or of the optimizer


def next_folder(path: Path, step: int) -> Path:
    """A new folder beside `path` for the state of `step`; remains of an earlier attempt are removed first."""
    current = path.resolve() if path.is_symlink() else None
    found = [path.parent / f"{PREFIX}{step}{suffix}" for suffix in ("", "b")]
    folder = next(one for one in found if current is None or one.resolve() != current)
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def move_into_place(folder: Path, path: Path) -> None:
    """Let the link `path` point to `folder`, in one step, and remove its earlier target."""
    link = path.with_name(f".{path.name}.link")
    with suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(folder.name)
    os.replace(link, path)
    forget_others(path)


def forget_others(path: Path) -> None:
    """Remove the sharded folders beside `path` to which it does not point."""
    current = path.resolve()
    for other in path.parent.glob(f"{PREFIX}*"):
        if other.resolve() != current:
            shutil.rmtree(other, ignore_errors=True)


def read_file(path: Path, mmap: bool, whole: bool = True) -> dict[str, Any]:
    """The state of one process; `mmap`: tensors are read when they are used. Raises UserError when it is damaged, even
    by a single bit. `whole=False` checks only the values beside the tensors, and reads little.
    """
    try:
        check_archive(path, whole)
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except UNREADABLE as error:
        raise damaged(path, error) from error
    if not isinstance(checkpoint, dict) or "loops" not in checkpoint:
        raise UserError(f"{path} is not a training checkpoint. Delete it; training then starts from step 0.")
    return checkpoint


def read_meta(folder: Path) -> dict[str, Any]:
    """Counters, schedules and callbacks of a sharded state, without tensors of the model. Raises UserError."""
    try:
        check_archive(folder / META)
        meta: dict[str, Any] = torch.load(folder / META, map_location="cpu", weights_only=True)
    except (Exception, CheckpointException) as error:  # the latter is no Exception
        raise damaged(folder, error) from error
    return meta


def consolidated(folder: Path) -> dict[str, Any]:
    """A sharded state as one process would have saved it: full tensors on the CPU, optimizer states by number.

    Needs no process group. Raises UserError when the folder is damaged.
    """
    checkpoint = read_meta(folder)
    try:
        loaded = read_state(folder)
    except (Exception, CheckpointException) as error:  # the latter is no Exception
        raise damaged(folder, error) from error
    checkpoint["state_dict"] = loaded.pop("state_dict")
    names = sorted(loaded, key=lambda name: int(name.rpartition("_")[2]))
    checkpoint["optimizer_states"] = [_numbered(loaded[name]) for name in names]
    return checkpoint


def _numbered(state: dict[str, Any]) -> dict[str, Any]:
    """Optimizer states by the index of the parameter in the groups, as torch keeps them, from sharded ones by name."""
    groups: list[dict[str, Any]] = []
    positions: dict[str, int] = {}
    number = 0
    for group in state["param_groups"]:
        names = list(group["params"])
        positions |= {name: number + position for position, name in enumerate(names)}
        groups.append({**group, "params": [positions[name] for name in names]})
        number += len(names)
    return {
        "state": {positions[name]: values for name, values in state.get("state", {}).items()},
        "param_groups": groups,
    }


def named(state: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The inverse: an optimizer's state by number becomes one by name; `names` are in the order of the groups."""
    groups = [{**group, "params": [names[number] for number in group["params"]]} for group in state["param_groups"]]
    return {"state": {names[number]: values for number, values in state["state"].items()}, "param_groups": groups}


def check_shapes(folder: Path, mine: Mapping[str, tuple[int, ...]]) -> None:
    """Raise UserError unless the folder holds exactly the tensors of this model: loading is strict
    (docs/pitfalls.md#resume).
    """
    try:
        metadata = ShardedReader(folder).read_metadata().state_dict_metadata
    except (Exception, CheckpointException) as error:  # the latter is no Exception
        raise damaged(folder, error) from error
    prefix = "state_dict."
    saved = {
        name.removeprefix(prefix): tuple(getattr(one, "size", ()))
        for name, one in metadata.items()
        if name.startswith(prefix)
    }
    if message := difference(saved, mine):
        raise UserError(message)


def difference(saved: Mapping[str, tuple[int, ...]], mine: Mapping[str, tuple[int, ...]]) -> str | None:
    """The message for a checkpoint whose tensor shapes `saved` are not the model's, `mine`; None where they agree."""
    wrong = sorted(name for name in saved.keys() | mine.keys() if saved.get(name) != mine.get(name))
    if not wrong:
        return None
    return (
        f"checkpoints/last.ckpt is of another model: {len(wrong)} tensors differ, such as {wrong[0]} with shape "
        f"{saved.get(wrong[0])} instead of {mine.get(wrong[0])}. Use the config that it was made with, or delete it to "
        f"start from step 0."
    )


def check_layout(saved: int, mine: int, by_shard: bool) -> None:
    """Raise UserError where states of the optimizer fit only the shards that they were made with, and those are gone.

    `saved` and `mine` are numbers of shards, 1 for an unsharded state; `by_shard`: whether states depend on shards.
    """
    if by_shard and saved != mine:
        spelled = {number: f"{number} shards" if number > 1 else "one piece" for number in (saved, mine)}
        raise UserError(
            f"checkpoints/last.ckpt holds 8-bit states of the optimizer in {spelled[saved]}, and now they would be in "
            f"{spelled[mine]}: their blocks do not fit. Go on with trainer.strategy and trainer.devices as before; "
            f"with optim=adamw they may change on the way."
        )


def damaged(path: Path, error: BaseException) -> UserError:
    """The error for a checkpoint that cannot be read."""
    reason = _reason(error)
    if isinstance(error, CheckpointException):
        reason = "; ".join(f"rank {rank}: {_reason(failure[0])}" for rank, failure in error.failures.items())[:300]
    return UserError(
        f"{path} cannot be read ({reason}): it is truncated or not a checkpoint. Delete it and run the same command "
        f"again; training then starts from step 0."
    )


def _reason(error: BaseException) -> str:
    """The first line only: torch's own text about code in a file advises to run that code."""
    text = str(error) or type(error).__name__
    if "weights_only" in text and isinstance(error, pickle.UnpicklingError):
        named = re.search(r"GLOBAL ([\w.]+)", text)
        return f"it names {named[1] if named else 'something'}, which is not part of a checkpoint"
    return text.splitlines()[0][:300]
