"""What a run says before it starts, and that it refuses what cannot fit the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from commands import Commands, Train, paragraph
from hydra import compose, initialize_config_dir

from hybridret.build import admission
from hybridret.build.admission import admit, check_gpu, expectation, upper_bound
from hybridret.build.config import read_settings, resolved
from hybridret.build.entry import config_folder
from hybridret.build.exhausted import OutOfMemory, memory_told
from hybridret.build.machine import available_memory
from hybridret.build.parts import Parts
from hybridret.build.suggested import command_with
from hybridret.errors import UserError
from hybridret.planning.recipe import Recipe

GIB = 2**30
SMALL = ("model=base", "training.batch_size=16", "training.chunk_size=8", "plan.gpus=[h100]")
RECIPE = Recipe(1, False, "bf16-mixed", "adamw", "full", 64, False, False, False, "sdpa")


def parts(*overrides: str) -> Parts:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return Parts(read_settings(resolved(compose("config", overrides=list(overrides)))))


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the memory of this machine, in bytes."""
    return lambda size: monkeypatch.setattr(admission, "available_memory", lambda: int(size))


def test_a_run_says_its_recipe_once_and_before_anything_else(train: Train, tmp_path: Path) -> None:
    answer = train(tmp_path, "training.chunk_size=4")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith(
        "Recipe: 1 process on the CPU, 32-true, adamw, all weights, chunks of 4 (chosen by "
    )
    assert "training.chunk_size=4" in answer.stdout.splitlines()[0]
    assert answer.stdout.count("Recipe:") == 1


def test_a_point_that_fits_is_told_with_its_parts(memory: Any) -> None:
    memory(64 * GIB)
    found = admit(parts(*SMALL), SMALL)
    assert f"{found.plan.memory.total / GIB:.1f} GiB" in found.told() or found.tiny


def test_a_point_that_cannot_fit_is_refused_with_a_command(memory: Any) -> None:
    memory(0.03 * GIB)
    with pytest.raises(UserError) as refused:
        admit(parts(*SMALL), SMALL)
    said = str(refused.value)
    assert said.startswith("scratch base (5.24M parameters) does not fit:")
    assert "this machine's free memory is 0.030 GiB" in said
    assert "`python -m hybridret.run model=base training.batch_size=16" in said
    assert "plan.refuse=false" in said


def test_the_border_is_the_plan_and_its_reserve(memory: Any) -> None:
    """The slow twin of the refusal: the same point, a byte more or less."""
    memory(1)
    needed = expectation(parts(*SMALL), SMALL).plan.memory.total
    memory(needed / (1 - 0.05) + 2)
    admit(parts(*SMALL), SMALL)
    memory(needed / (1 - 0.05) - 2)
    with pytest.raises(UserError, match="does not fit"):
        admit(parts(*SMALL), SMALL)
    admit(parts(*SMALL, "plan.reserve=0"), SMALL)


def test_told_to_go_on_it_goes_on(memory: Any) -> None:
    memory(0.01 * GIB)
    found = admit(parts(*SMALL, "plan.refuse=false"), SMALL)
    assert found.told().endswith("does not fit, but plan.refuse=false.")


def test_processes_of_a_machine_share_its_memory(memory: Any) -> None:
    memory(4 * GIB)
    two = (*SMALL, "trainer.devices=2", "trainer.strategy=ddp")
    assert expectation(parts(*two), two).place.memory_bytes == 2 * GIB


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=nano",),
        ("model=base", "training.chunk_size=null"),
        ("model=tiny", "training.batch_size=512", "text.passage_length=128"),
        ("backbone=minilm", "training.chunk_size=null", "text.passage_length=512"),
        ("backbone=minilm", "training.recompute=true", "training.recompute_layers=true"),
    ],
    ids=lambda overrides: " ".join(overrides),
)
def test_the_bound_that_spares_the_plan_is_above_it(overrides: tuple[str, ...]) -> None:
    found = expectation(parts(*overrides), overrides)
    assert found.plan.memory.total < upper_bound(found.planned)


def test_a_tiny_point_is_not_planned(memory: Any) -> None:
    memory(64 * GIB)
    found = admit(parts("model=nano"), ())
    assert "a small part of this machine's free memory" in found.told()
    assert "plan" not in vars(found)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said_first(command: Commands, tmp_path: Path) -> None:
    arguments = (
        "trainer=ddp",
        "trainer.devices=2",
        "model=nano",
        "data=jsonl",
        "data.path=nowhere",
        "plan.gpus=[l40s]",
    )
    answer = command("run", *arguments, folder=tmp_path)
    assert answer.returncode == 2
    assert paragraph(answer).startswith("Error: trainer.accelerator=gpu: torch sees no GPU on this machine")
    assert "2 l40s as asked" in paragraph(answer)
    assert list(tmp_path.iterdir()) == []


def test_the_cpu_needs_no_gpu() -> None:
    check_gpu(parts("model=nano"), ())


def test_a_command_keeps_what_the_user_chose_besides_the_recipe() -> None:
    overrides = [
        "model=3b",
        "trainer=cpu",
        "trainer.workers=2",
        "training.chunk_size=64",
        "data.path=a b",
        "plan.refuse=true",
    ]
    other = Recipe(8, True, "bf16-mixed", "adam8bit", "full", 32, True, False, False, "sdpa")
    assert command_with(overrides, other, RECIPE) == (
        "torchrun --nproc-per-node=8 -m hybridret.run model=3b trainer.workers=2 'data.path=a b' trainer=fsdp "
        "trainer.devices=8 trainer.precision=bf16-mixed optim=adam8bit training.chunk_size=32 training.recompute=true"
    )
    assert command_with(["trainer.precision=bf16-mixed"], RECIPE, RECIPE, move=False) == (
        "python -m hybridret.run trainer.precision=bf16-mixed"
    )


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_memory_is_the_least_of_kernel_and_limits(tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", "MemTotal: 2000 kB\nMemAvailable:   1000 kB\n")
    assert available_memory(tmp_path) == 1_024_000
    write(tmp_path, "proc/self/cgroup", "0::/jobs/one\n")
    write(tmp_path, "sys/fs/cgroup/jobs/one/memory.max", "max\n")
    write(tmp_path, "sys/fs/cgroup/jobs/one/memory.current", "5\n")
    assert available_memory(tmp_path) == 1_024_000
    write(tmp_path, "sys/fs/cgroup/jobs/memory.max", "700000\n")  # of the group above
    write(tmp_path, "sys/fs/cgroup/jobs/memory.current", "500000\n")
    write(tmp_path, "sys/fs/cgroup/jobs/memory.stat", "anon 1\ninactive_file 100000\n")
    assert available_memory(tmp_path) == 300_000


def test_memory_with_the_older_interface(tmp_path: Path) -> None:
    write(tmp_path, "proc/self/cgroup", "3:cpu:/x\n2:memory:/job\n")
    write(tmp_path, "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "900\n")
    write(tmp_path, "sys/fs/cgroup/memory/job/memory.usage_in_bytes", "400\n")
    assert available_memory(tmp_path) == 500


def test_this_machine_has_memory() -> None:
    assert 2**20 < available_memory() < 2**50


def test_a_model_that_cannot_be_planned_is_trained_all_the_same(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Any:
        raise NotImplementedError("no fake for this kernel")

    memory(0.03 * GIB)
    monkeypatch.setattr("hybridret.build.planned.plan", fails)
    found = admit(parts(*SMALL), SMALL)
    assert "Memory: it cannot be planned (NotImplementedError: no fake for this kernel)." in found.told()
    with pytest.raises(OutOfMemory, match=r"could not be planned .*training\.recompute_layers=true"):
        with memory_told(found, dict):
            raise MemoryError("no room")
