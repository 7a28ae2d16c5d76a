"""What a run says before it starts, and that it refuses what cannot fit the machine."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from commands import Commands, Train, paragraph
from hydra import compose, initialize_config_dir

from hybridret.base.errors import UserError
from hybridret.base.machine import available_memory
from hybridret.components.components import Components
from hybridret.config.entry import config_folder
from hybridret.config.validate import read_settings, resolved
from hybridret.planning.gpus import GPUS
from hybridret.planning.recipe import Recipe
from hybridret.preflight.estimate import gpu_estimate
from hybridret.preflight.memory_check import check_fits, check_gpu, memory_check, upper_bound
from hybridret.preflight.out_of_memory import OutOfMemory, explain_out_of_memory
from hybridret.preflight.plan_inputs import plan_inputs
from hybridret.preflight.suggestion import command_with

pytestmark = pytest.mark.slow

GIB = 2**30
SMALL = ("model=base", "training.batch_size=16", "training.chunk_size=8", "plan.gpus=[h100]")


def components(*overrides: str) -> Components:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return Components(read_settings(resolved(compose("config", overrides=list(overrides)))))


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the memory of this machine, in bytes."""
    return lambda size: monkeypatch.setattr("hybridret.preflight.memory_check.available_memory", lambda: int(size))


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
    found = check_fits(components(*SMALL), SMALL)
    assert f"{found.plan.memory.total / GIB:.1f} GiB" in found.text() or found.tiny


def test_a_point_that_cannot_fit_is_refused_with_a_command(memory: Any) -> None:
    memory(0.03 * GIB)
    with pytest.raises(UserError) as refused:
        check_fits(components(*SMALL), SMALL)
    said = str(refused.value)
    assert said.startswith("scratch base (5.24M parameters) does not fit:")
    assert "this machine's free memory is 0.030 GiB" in said
    assert "`python -m hybridret.run model=base training.batch_size=16" in said
    assert "plan.refuse=false" in said


def test_the_border_is_the_plan_and_its_reserve(memory: Any) -> None:
    """The slow twin of the refusal: the same point, a byte more or less."""
    memory(1)
    needed = memory_check(components(*SMALL), SMALL).plan.memory.total
    memory(needed / (1 - 0.05) + 2)
    check_fits(components(*SMALL), SMALL)
    memory(needed / (1 - 0.05) - 2)
    with pytest.raises(UserError, match="does not fit"):
        check_fits(components(*SMALL), SMALL)
    check_fits(components(*SMALL, "plan.reserve=0"), SMALL)


def test_told_to_go_on_it_goes_on(memory: Any) -> None:
    memory(0.01 * GIB)
    found = check_fits(components(*SMALL, "plan.refuse=false"), SMALL)
    assert found.text().endswith("does not fit, but plan.refuse=false.")


def test_processes_of_a_machine_share_its_memory(memory: Any) -> None:
    memory(4 * GIB)
    two = (*SMALL, "trainer.devices=2", "trainer.strategy=ddp")
    assert memory_check(components(*two), two).target.memory_bytes == 2 * GIB


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
    found = memory_check(components(*overrides), overrides)
    assert found.plan.memory.total < upper_bound(found.inputs)


def test_a_tiny_point_is_not_planned(memory: Any) -> None:
    memory(64 * GIB)
    found = check_fits(components("model=nano"), ())
    assert "a small part of this machine's free memory" in found.text()
    assert "plan" not in vars(found)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_said_first(command: Commands, tmp_path: Path) -> None:
    arguments = ("trainer=gpu", "model=nano", "data=jsonl", "data.path=nowhere", "plan.gpus=[l40s]")
    answer = command("run", *arguments, folder=tmp_path)
    assert answer.returncode == 2
    assert paragraph(answer).startswith("Error: trainer.accelerator=gpu: torch sees no GPU on this machine")
    assert "one l40s as asked" in paragraph(answer)
    assert list(tmp_path.iterdir()) == []


def test_the_cpu_needs_no_gpu() -> None:
    check_gpu(components("model=nano"), ())


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
    assert command_with(overrides, other, plan_inputs(components("model=3b"))) == (
        "torchrun --nproc-per-node=8 -m hybridret.run model=3b trainer.workers=2 'data.path=a b' trainer=fsdp "
        "trainer.devices=8 trainer.precision=bf16-mixed optim=adam8bit training.chunk_size=32 training.recompute=true"
    )
    asked = plan_inputs(components("trainer.precision=bf16-mixed"))
    assert command_with(["trainer.precision=bf16-mixed"], asked.recipe, asked, move=False) == (
        "python -m hybridret.run trainer.precision=bf16-mixed"
    )


def suggested(change: dict[str, Any], *overrides: str) -> list[str]:
    """The words of the command for a point of `overrides` with its recipe changed."""
    point = plan_inputs(components(*overrides))
    return shlex.split(command_with(overrides, replace(point.gpu_recipe, **change), point))


def test_several_machines_are_asked_of_slurm() -> None:
    words = suggested({"devices": 16, "sharded": True}, "model=10b", "text.query_prefix='to $ask: '")
    assert words[:5] == ["python", "-m", "hybridret.run", "-m", "hydra/launcher=slurm"]
    assert words[5:7] == ["model=10b", "text.query_prefix='to $ask: '"]
    assert {"trainer=fsdp", "trainer.devices=8", "trainer.nodes=2"} <= set(words)
    assert components(*words[5:]).settings.text.query_prefix == "to $ask: "


def test_the_same_devices_stay_where_they_are() -> None:
    spread = ("model=3b", "trainer=ddp", "trainer.devices=2", "trainer.nodes=3")
    kept = set(suggested({"recompute": True}, *spread))
    assert {"hydra/launcher=slurm", "trainer=ddp", "trainer.nodes=3", "trainer.devices=2"} <= kept
    wide = ("model=3b", "trainer=ddp", "trainer.devices=20")
    words = suggested({"optimizer": "adam8bit"}, *wide)
    assert words[:2] == ["torchrun", "--nproc-per-node=20"]
    assert "trainer.devices=20" in words


def test_keys_of_another_optimizer_are_left_out() -> None:
    asked = ("model=3b", "optim.fused=false", "optim.weight_decay=0.1", "+optim.betas=[0.8,0.9]")
    words = suggested({"optimizer": "adam8bit"}, *asked)
    told = words[words.index("hybridret.run") + 1 :]
    assert "optim.fused=false" not in told
    optim = components(*told).settings.optim
    assert (optim["weight_decay"], optim["betas"]) == (0.1, [0.8, 0.9])


def test_lora_brings_its_learning_rate() -> None:
    lora = {"adapter": "lora"}
    told = [text for text in suggested(lora, "model=10b") if text.startswith("optim.lr=")]
    point = components("model=10b")
    assert [float(text.partition("=")[2]) for text in told] == [pytest.approx(10 * point.settings.optim["lr"])]
    assert suggested(lora, "model=10b", "optim.lr=3e-4").count("optim.lr=3e-4") == 1
    assert [text for text in suggested(lora, "model=10b", "optim.lr=3e-4") if "optim.lr" in text] == ["optim.lr=3e-4"]


@pytest.mark.parametrize(("there", "here"), [(1, False), (2, True)])
def test_no_more_devices_are_proposed_here_than_there_are(
    monkeypatch: pytest.MonkeyPatch, there: int, here: bool
) -> None:
    point = ("trainer=gpu", *SMALL)
    found = memory_check(components(*point), point)
    other = gpu_estimate(found.inputs, replace(found.inputs.recipe, devices=2, sharded=True), GPUS["h100"])
    monkeypatch.setattr("hybridret.preflight.memory_check.cheapest_gpu_estimate", lambda *arguments, **named: other)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    assert found.smaller(64 * GIB).startswith("It fits here with FSDP2 over 2" if here else "It fits one h100 as asked")


def test_the_cpu_is_not_offered_eight_bit_adam(memory: Any) -> None:
    found = memory_check(components(*SMALL), SMALL)
    spare = replace(found.inputs.recipe, chunk_size=1, recompute=True, recompute_layers=True, optimizer="adam8bit")
    needed = found.inputs.plan_of(spare).memory.total
    assert "optim=adam8bit" not in found.smaller(1.1 * needed)


def test_a_gpu_that_is_not_there_is_said_even_of_what_cannot_be_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Any:
        raise NotImplementedError("no fake for this kernel")

    monkeypatch.setattr("hybridret.preflight.plan_inputs.plan", fails)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"sees no GPU .* cannot be planned \(NotImplementedError: no fake"):
        check_gpu(components("trainer=gpu", "model=nano"), ())


def test_vectors_of_no_known_type_are_the_users_error() -> None:
    with pytest.raises(UserError, match=r"evaluation\.vectors=fp16: choose one of"):
        plan_inputs(components("evaluation.vectors=fp16"))


def test_hard_negatives_that_are_not_counted_are_said(memory: Any) -> None:
    memory(GIB)
    for data, said in (((), False), (("data=jsonl", "data.path=FOLDER"), True)):
        found = memory_check(components(*SMALL, *data), SMALL)
        assert not found.tiny
        assert ("hard negatives not counted" in found.text()) == said


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
    monkeypatch.setattr("hybridret.preflight.plan_inputs.plan", fails)
    found = check_fits(components(*SMALL), SMALL)
    assert "Memory: it cannot be planned (NotImplementedError: no fake for this kernel)." in found.text()
    with pytest.raises(OutOfMemory, match=r"could not be planned .*training\.recompute_layers=true"):
        with explain_out_of_memory(found, dict):
            raise MemoryError("no room")
