"""What a run directory, checkpoint, data file or cache of somebody else can try: each attack works elsewhere."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch.distributed.checkpoint import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict
from torch.distributed.checkpoint.state_dict_saver import _save_state_dict

from hybridret.base.errors import UserError
from hybridret.base.files import file_name
from hybridret.components import open_run
from hybridret.components.open_run import read_config
from hybridret.config.entry import config_folder, guarded
from hybridret.config.validate import resolved
from hybridret.reporting.table import Cell, Column, Table
from hybridret.runs import RunDirectory
from hybridret.training.checkpoints import saved_step
from hybridret.training.sharded_reader import fill_state
from hybridret.training.sharded_state import META, check_shapes, consolidated, read_file

REFUSED = (UserError, CheckpointException)


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
        lambda: fill_state(empty(), folder),
    ]


def empty() -> dict[str, Any]:
    """The state of a model and its optimizer, before it is filled from a folder."""
    groups = [{"lr": 0, "params": ["weight"]}]
    return {"state_dict": {"weight": torch.zeros(2, 3)}, "optimizer_0": {"param_groups": groups}}


def test_a_sharded_state_is_read(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "good")
    check_shapes(folder, {"weight": (2, 3)})
    filled = empty()
    fill_state(filled, folder)
    assert torch.equal(filled["state_dict"]["weight"], torch.ones(2, 3))
    assert filled["optimizer_0"]["param_groups"] == [{"lr": 3, "params": ["weight"]}]
    state = consolidated(folder)
    assert torch.equal(state["state_dict"]["weight"], torch.ones(2, 3))
    assert state["optimizer_states"][0]["param_groups"] == [{"lr": 3, "params": [0]}]


def test_pickled_metadata_of_a_sharded_state_runs_nothing(tmp_path: Path, mark: Path) -> None:
    folder = sharded(tmp_path / "bad")
    metadata = pickle.loads((folder / ".metadata").read_bytes())
    metadata.storage_meta = Touch(mark)
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    for read in readers(folder):
        with pytest.raises(REFUSED, match=r"posix\.mkdir"):
            read()
    assert not mark.exists()
    FileSystemReader(folder).read_metadata()
    assert mark.exists()  # the attack is real


def test_pickled_entries_of_a_sharded_state_run_nothing(tmp_path: Path, mark: Path) -> None:
    folder = sharded(tmp_path / "bad", Touch(mark))
    with pytest.raises(UserError, match=r"it names posix\.mkdir, which is not part of a checkpoint") as told:
        consolidated(folder)
    assert "weights_only" not in str(told.value)  # torch advises to read it without its restricted unpickler
    with pytest.raises(CheckpointException, match="UnpicklingError"):
        fill_state(empty(), folder)
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
        with pytest.raises(REFUSED, match="outside of its folder"):
            read()


def test_a_pickled_state_of_one_process_runs_nothing(tmp_path: Path, mark: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save({"loops": {}, "global_step": Touch(mark)}, path)
    for read in (lambda: read_file(path, mmap=False), lambda: saved_step(path)):
        with pytest.raises(UserError, match=r"it names posix\.mkdir"):
            read()
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists()


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A run directory of somebody else, up to where its config is read."""
    run = tmp_path / "run"
    run.mkdir()
    return run


def config(run: Path, **sections: Any) -> RunDirectory:
    adapter = {"_target_": "hybridret.encoders.adapters.full.Full"}
    (run / "config.yaml").write_text(yaml.safe_dump({"adapter": adapter, **sections}))
    return RunDirectory(run)


HELDOUT = "hybridret.data.benchmarks.heldout.Heldout"
PROCESSES = "hybridret.sweep.rank_processes.RankProcesses"  # starts whatever `command` is


@pytest.mark.parametrize(
    ("group", "target"),
    [
        ("data", PROCESSES),
        ("backbone", PROCESSES),
        ("index", PROCESSES),
        ("loss", "os.system"),
        ("batching", "hybridret.data.jsonl.JsonlPairs"),  # a plug-in, of another group
        ("optim", "torch.optim.lr_scheduler.LambdaLR"),
    ],
)
def test_a_stored_config_starts_only_plug_ins_of_their_own_group(foreign: Path, group: str, target: str) -> None:
    run = config(foreign, **{group: {"_target_": target, "command": ["touch", "attacked"]}})
    with pytest.raises(UserError, match=rf"config\.yaml: {group}\._target_={target} is no plug-in of conf/{group}/"):
        read_config(run)
    assert read_config(run, [target])[group]["_target_"] == target


@pytest.mark.parametrize(
    "sections",
    [
        {"backbone": {"_target_": HELDOUT, "x": [{"y": {"_target_": PROCESSES}}]}},
        {"eval": {"heldout": {"_target_": HELDOUT, "reader": {"_target_": PROCESSES}}}},
        {"data": {"_target_": [PROCESSES]}},
        {"model": {"_target_": PROCESSES}},
        {"../tests/security": {"_target_": PROCESSES}},  # a folder of somebody's own is no group
    ],
)
def test_targets_are_found_at_any_depth(foreign: Path, sections: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"_target_=.*is no plug-in"):
        read_config(config(foreign, **sections))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # `on_end` is no function
def test_a_stored_config_starts_no_process(foreign: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = {"command": ["mkdir", str(mark)], "logs": [str(foreign / "log")], "environment": {}, "on_end": "x"}
    (foreign / "config.yaml").write_text(OmegaConf.to_yaml(composed() | {"data": {"_target_": PROCESSES, **command}}))
    with pytest.raises(UserError, match=r"data\._target_"):
        open_run.open_run(foreign)
    assert not mark.exists()
    started: list[Any] = []
    monkeypatch.setattr(open_run, "check_stored", lambda *unused: None)
    monkeypatch.setattr(
        "hybridret.components.evaluate_components.read_collections",
        lambda _, source, progress: started.append(source) or (),
    )
    monkeypatch.setattr("hybridret.encoders.folder.load_encoder", lambda *unused: None)
    earlier = set(threading.enumerate())
    open_run.open_run(foreign)
    for thread in set(threading.enumerate()) - earlier:
        thread.join()  # its exception belongs to this test, not to the next one
    assert mark.exists()


def composed() -> dict[str, Any]:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return resolved(compose("config"))


def test_a_stored_benchmark_is_checked_too(foreign: Path) -> None:
    run = config(foreign, eval={"x": {"_target_": PROCESSES}, "heldout": {"_target_": HELDOUT}})
    with pytest.raises(UserError, match=r"eval\.x\._target_"):
        read_config(run)
    read_config(config(foreign, eval={"heldout": {"_target_": HELDOUT}}))


@pytest.mark.parametrize("value", [True, "yes", 1])
def test_a_stored_config_cannot_trust_its_own_code(foreign: Path, value: object) -> None:
    section = {"_target_": "hybridret.encoders.huggingface.HuggingFace", "trust_remote_code": value}
    with pytest.raises(UserError, match="only you can allow"):
        read_config(config(foreign, backbone=section))
    assert read_config(config(foreign, backbone=section), ["remote_code"])["backbone"] == section


@pytest.mark.parametrize(
    "value", ["${oc.env:HF_TOKEN}", "${ oc.env :HF_TOKEN}", "${oc.decode:'1'}", "${${a}:x}", "x ${oc.env:HOME}"]
)
def test_a_stored_config_calls_no_resolver(foreign: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    with pytest.raises(UserError, match=r"sweep\.0\.name calls a resolver") as told:
        read_config(config(foreign, a="oc.env", sweep={"0": {"name": value}}))
    assert "secret" not in str(told.value)


def test_that_attack_is_real(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    stored = OmegaConf.load(config(foreign, sweep="${oc.env:HF_TOKEN}").config)
    assert OmegaConf.to_container(stored, resolve=True)["sweep"] == "secret"


@pytest.mark.parametrize("option", ["--experimental-rerun=x.pickle", "--exp", "--experimental-rerun"])
def test_no_pickled_config_is_run_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["run", option, "x.pickle"])
    assert guarded(lambda: pytest.fail("it was run")) == 2
    assert "unpickle" in capsys.readouterr().err


def test_plain_interpolation_is_read(foreign: Path) -> None:
    assert read_config(config(foreign, seed=3, other="${seed}"))["other"] == 3


def test_every_entry_reads_stored_configs_through_this_door() -> None:
    """No other module reads a stored config with OmegaConf; two read yamls of conf/."""
    package = Path(open_run.__file__).parent.parent
    found = {path.name for path in package.rglob("*.py") if "OmegaConf.load(" in path.read_text(encoding="utf-8")}
    assert found == {"open_run.py", "plan_inputs.py", "suggestion.py"}


HOSTILE = "<img src=x onerror=alert(1)>|[x](javascript:alert(1))`\n# title \x1b[2J"


def test_a_foreign_name_is_no_markup_in_tables() -> None:
    columns = [Column(HOSTILE, str), Column("value", str)]
    text = Table("t", HOSTILE, columns, [[Cell(HOSTILE), Cell(0.5)]]).markdown()
    caption, *_, row = text.strip().split("\n")
    for part in (caption, row):
        assert "<img" not in part
        assert "\x1b" not in part
        assert r"\[x\](javascript" in part
    assert row.replace(r"\|", "").count("|") == 3
    assert "\n#" not in text


def test_a_foreign_name_is_no_path() -> None:
    assert file_name("../../etc/passwd").startswith("_.._etc_passwd-")
    assert "/" not in file_name("/abs")
    assert file_name("a/b") != file_name("a_b") == "a_b"
