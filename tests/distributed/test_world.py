"""Which process of how many: torchrun's variables, or those of a srun step of several tasks."""

from __future__ import annotations

import os

import pytest

from hybridret.base.errors import UserError
from hybridret.distributed.world import ProcessInfo, export_torchrun_variables, first_node, process_info

ALONE = ProcessInfo(0, 0, 1, 1)
STEP = {
    "SLURM_JOB_ID": "4321007",
    "SLURM_JOB_NAME": "hybridret-x",
    "SLURM_NTASKS": "7",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "7",
    "SLURM_STEP_TASKS_PER_NODE": "3(x2),1",
    "SLURM_STEP_NODELIST": "gpu[003-004,007]",
    "SLURM_PROCID": "4",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of torchrun's or SLURM's, and whatever a test writes is undone."""
    kept = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")
    for name in {*kept, *(name for name in os.environ if name.startswith("SLURM_"))}:
        monkeypatch.setenv(name, "")  # known to monkeypatch, which takes it back afterwards
        monkeypatch.delenv(name)


def tell(monkeypatch: pytest.MonkeyPatch, *without: str, **variables: str) -> None:
    for name, value in {**STEP, **variables}.items():
        if name not in without:
            monkeypatch.setenv(name, value)


def test_alone() -> None:
    assert process_info() == ALONE
    assert process_info().first


def test_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "here", "MASTER_PORT": "1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert process_info() == ProcessInfo(3, 1, 4, None)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    tell(monkeypatch)  # torchrun inside a job of SLURM
    assert process_info() == ProcessInfo(3, 1, 4, 2)
    assert os.environ["MASTER_ADDR"] == "here"


def test_a_task_of_srun_is_told_what_torchrun_would_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch)
    assert process_info() == ProcessInfo(4, 1, 7, 3)
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "MASTER_ADDR", "MASTER_PORT")
    assert not {*names} & {*os.environ}  # asking changes nothing
    export_torchrun_variables()
    assert [os.environ[name] for name in names] == ["4", "1", "7", "3", "1", "gpu003", "16007"]
    assert process_info() == ProcessInfo(4, 1, 7, 3)


def test_the_last_node_of_an_uneven_step(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, SLURM_NODEID="2", SLURM_PROCID="6", SLURM_LOCALID="0")
    assert process_info() == ProcessInfo(6, 0, 7, 1)


def test_two_steps_of_a_job_meet_at_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, SLURM_STEP_ID="1")
    export_torchrun_variables()
    assert os.environ["MASTER_PORT"] == "16108"


def test_what_the_user_says_of_the_master_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, MASTER_ADDR="10.0.0.1", MASTER_PORT="77")
    export_torchrun_variables()
    assert (os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]) == ("10.0.0.1", "77")


@pytest.mark.parametrize(
    ("without", "variables"),
    [
        (("SLURM_STEP_NUM_TASKS", "SLURM_STEP_ID"), {}),  # the batch script of a job of several tasks
        ((), {"SLURM_STEP_NUM_TASKS": "1"}),  # srun -n 1
        ((), {"SLURM_JOB_NAME": "bash"}),  # srun --pty bash
        ((), {"SLURM_JOB_NAME": "interactive"}),  # salloc
    ],
)
def test_a_process_inside_a_job_is_not_always_a_task(
    monkeypatch: pytest.MonkeyPatch, without: tuple[str, ...], variables: dict[str, str]
) -> None:
    tell(monkeypatch, *without, **variables)
    assert process_info() == ALONE
    assert "WORLD_SIZE" not in os.environ


def test_half_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, "SLURM_PROCID")
    with pytest.raises(UserError, match="SLURM_PROCID is not set"):
        process_info()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match=r"not RANK, MASTER_ADDR, MASTER_PORT.*torchrun"):
        process_info()
    for name, value in {"RANK": "one", "MASTER_ADDR": "a", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="RANK=one"):
        process_info()


@pytest.mark.parametrize(
    "nodes",
    ["gpu003", "gpu[003-004,007]", "gpu[12]", "a-1,b-2", "rack1-[07,09-11],rack2-3", "n1 n2", "x[1-2]-ib", "10.0.0.1"],
)
def test_the_first_node_is_that_of_lightning(nodes: str) -> None:
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

    assert first_node({"SLURM_STEP_NODELIST": nodes}) == SLURMEnvironment.resolve_root_node_address(nodes)
