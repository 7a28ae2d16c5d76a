"""What a run directory, checkpoint, data file or cache of somebody else can try: each attack works elsewhere."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed.checkpoint import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict
from torch.distributed.checkpoint.state_dict_saver import _save_state_dict

from hybridret.errors import UserError
from hybridret.training.sharded_reader import check_plain
from hybridret.training.sharded_state import META, check_shapes, consolidated


class Touch:
    """Unpickling it makes a file: code of somebody else has run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """Where an attack that succeeds leaves its trace."""
    return tmp_path / "attacked"


def sharded(folder: Path, extra: Any = 3) -> Path:
    """A sharded state with one tensor and one entry that is no tensor."""
    state = {
        "state_dict": {"weight": torch.ones(2, 3)},
        "optimizer_0": {"param_groups": [{"lr": extra, "params": ["weight"]}]},
    }
    _save_state_dict(state, FileSystemWriter(folder), no_dist=True)
    torch.save({"loops": {}}, folder / META)
    return folder


def naive(folder: Path) -> None:
    """torch's own way to read it."""
    planner = _EmptyStateDictLoadPlanner()  # type: ignore[no-untyped-call]
    _load_state_dict({}, storage_reader=FileSystemReader(folder), planner=planner, no_dist=True)


def readers(folder: Path) -> list[Any]:
    return [
        lambda: consolidated(folder),
        lambda: check_shapes(folder, {"weight": (2, 3)}),
        lambda: check_plain(folder),
    ]


def test_a_sharded_state_is_read(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "good")
    check_plain(folder)
    check_shapes(folder, {"weight": (2, 3)})
    state = consolidated(folder)
    assert torch.equal(state["state_dict"]["weight"], torch.ones(2, 3))
    assert state["optimizer_states"][0]["param_groups"] == [{"lr": 3, "params": [0]}]


def test_pickled_metadata_of_a_sharded_state_runs_nothing(tmp_path: Path, mark: Path) -> None:
    folder = sharded(tmp_path / "bad")
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    metadata.storage_meta = Touch(mark)
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    for read in readers(folder):
        with pytest.raises((UserError, pickle.UnpicklingError), match=r"posix\.mkdir"):
            read()
    assert not mark.exists()
    FileSystemReader(folder).read_metadata()
    assert mark.exists()  # the attack is real


def test_pickled_entries_of_a_sharded_state_run_nothing(tmp_path: Path, mark: Path) -> None:
    folder = sharded(tmp_path / "bad", Touch(mark))
    for read in (consolidated, check_plain):
        with pytest.raises((UserError, pickle.UnpicklingError)):
            read(folder)
    assert not mark.exists()
    naive(folder)
    assert mark.exists()


def test_metadata_names_no_file_outside_of_its_folder(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "bad")
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    for stored in metadata.storage_data.values():
        stored.relative_path = "../elsewhere"
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    for read in readers(folder):
        with pytest.raises((UserError, pickle.UnpicklingError), match="outside of its folder"):
            read()
