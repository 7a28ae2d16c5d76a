"""Time, cost, GPUs and the search for the cheapest recipe."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from measured_step import body_of, recipe_of, workload_of

from hybridret.base.errors import UserError
from hybridret.encoders.dual import Body
from hybridret.planning.cheapest import cheapest
from hybridret.planning.cost import encoding_hours, fits, gpu_hours, seconds_per_step
from hybridret.planning.gpus import GPUS, Gpu, gpu_by_name
from hybridret.planning.plan import plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.step import Batches

pytestmark = pytest.mark.slow

SCRATCH = {"kind": "scratch", "vocabulary": 3000, "width": 64, "layers": 4, "heads": 4, "positions": 32}
WORK = workload_of(64, 8, 32)
ASKED = recipe_of(precision="bf16-mixed", chunk_size=32)


@cache
def body(adapter: str) -> Body:
    """`lora` stands for any adapter that trains little: here the norms."""
    with torch.device("meta"):
        made = body_of(SCRATCH)
    if adapter == "lora":
        for one in made.parameters():
            one.requires_grad_(one.ndim == 1)
    return made


def gpu(memory: float) -> Gpu:
    return Gpu("small", int(memory), 1e12, 1e11)


def found(memory: float, asked: Recipe = ASKED) -> Recipe | None:
    return cheapest(body, "mean", asked, WORK, gpu(memory), 0.5, 0.0)


def total(recipe: Recipe) -> int:
    return plan(body(recipe.adapter), "mean", recipe, WORK).memory.total


def test_time_and_cost() -> None:
    planned = plan(body("full"), "mean", ASKED, WORK)
    seconds = seconds_per_step(planned, ASKED, gpu(1), 0.5)
    assert seconds == pytest.approx(planned.flops_per_step / 0.5e12)
    assert seconds_per_step(planned, replace(ASKED, precision="32-true"), gpu(1), 0.5) == pytest.approx(10 * seconds)
    assert seconds_per_step(planned, replace(ASKED, devices=4), gpu(1), 0.5) == pytest.approx(seconds / 4)
    assert gpu_hours(planned, replace(ASKED, devices=4), WORK, gpu(1), 0.5) == pytest.approx(10 * seconds / 3600)
    encoding = replace(planned, encoding_flops=3.6e15)
    for precision, hours in (("bf16", 2), ("fp16", 2), ("fp32", 20)):
        assert encoding_hours(encoding, precision, gpu(1), 0.5) == pytest.approx(hours)
    assert fits(planned, gpu(planned.memory.total / 0.9 + 1), 0.1)
    assert not fits(planned, gpu(planned.memory.total / 0.9 - 1), 0.1)


def test_gpus() -> None:
    assert list(GPUS) == ["h200", "h100", "a100", "l40s"]
    with pytest.raises(UserError, match="Did you mean 'h200'"):
        gpu_by_name("h20")


def test_a_recipe_that_fits_is_left_alone() -> None:
    assert found(total(ASKED)) == ASKED


def test_a_little_less_memory_takes_computing_again_in_the_largest_chunks() -> None:
    chosen = found(total(ASKED) - 1)
    assert chosen is not None
    assert chosen.recompute or chosen.recompute_layers
    assert (chosen.devices, chosen.optimizer, chosen.adapter) == (1, "adamw", "full")
    assert total(chosen) < total(ASKED)


def test_the_training_is_changed_only_where_nothing_else_helps() -> None:
    spare = replace(ASKED, chunk_size=2, recompute=True, recompute_layers=True)
    eight = found(total(spare) * 0.95)
    assert eight is not None
    assert eight.optimizer == "adam8bit"
    lora = found(total(replace(spare, adapter="lora")) * 1.02)
    assert lora is not None
    assert (lora.adapter, lora.devices) == ("lora", 1)
    assert found(1000) is None


def test_every_answer_fits_and_less_memory_never_costs_less() -> None:
    hours = []
    for share in (1.0, 0.8, 0.6, 0.4):
        memory = total(ASKED) * share
        chosen = found(memory, ASKED)
        if chosen is None or chosen.adapter == "lora":
            break
        assert total(chosen) <= memory
        hours.append(gpu_hours(plan(body("full"), "mean", chosen, WORK), chosen, WORK, gpu(1), 0.5))
    assert len(hours) > 1
    assert hours == sorted(hours)


def test_a_recipe_says_what_it_is_and_how_to_ask_for_it() -> None:
    one = recipe_of(precision="bf16-mixed", optimizer="adam8bit", chunk_size=100, recompute=True, attention="sdpa")
    assert one.spell() == ("1 GPU, bf16-mixed, adam8bit, all weights, chunks of 100, recomputed chunks, attention sdpa")
    assert "trainer=gpu" in one.overrides()
    assert "training.recompute=true" in one.overrides()
    many = replace(one, devices=16, sharded=True, chunk_size=None)
    assert {"trainer=fsdp", "trainer.devices=8", "trainer.nodes=2", "training.chunk_size=null"} <= set(many.overrides())
    assert many.spell().startswith("FSDP2 over 16 GPUs")
    cut = replace(one, chunk_size=None, chunk_tokens=4096)
    assert "chunks of 4096 tokens" in cut.spell()
    assert "chunks of 100 or 4096 tokens" in replace(one, chunk_tokens=4096).spell()
    assert "training.chunk_tokens=4096" in cut.overrides()


def test_a_chunk_of_tokens_is_one_of_as_many_full_texts() -> None:
    """A plan takes texts at their full length: 8 and 16 tokens here."""
    work = workload_of(12, 8, 16)
    tokens = recipe_of(chunk_tokens=48, recompute=True)
    assert Batches.of(tokens, work).queries.rows == 6
    assert Batches.of(tokens, work).passages.rows == 3
    assert Batches.of(replace(tokens, chunk_size=2), work).passages.rows == 2
    assert Batches.of(replace(tokens, chunk_tokens=5), work).passages.rows == 1
    assert Batches.of(tokens, work).chunks == 2 + 4


def test_the_cheapest_recipe_keeps_the_limit_of_tokens() -> None:
    asked = replace(ASKED, chunk_size=None, chunk_tokens=8 * WORK.passage_tokens)
    spare = replace(asked, chunk_size=2, recompute=True, recompute_layers=True)
    chosen = cheapest(body, "mean", asked, WORK, gpu(total(spare) * 1.01), 0.5, 0.0, eight_bit=False)
    assert chosen is not None
    assert chosen.chunk_tokens == asked.chunk_tokens
    assert (chosen.chunk_size or 8) <= 8


@pytest.mark.parametrize("devices", [*range(1, 40), 64])
def test_machines_of_at_most_eight_have_all_devices_between_them(devices: int) -> None:
    overrides = recipe_of(devices=devices, sharded=devices > 1).overrides()
    chosen = dict(text.split("=") for text in overrides)
    each, nodes = int(chosen.get("trainer.devices", "1")), int(chosen.get("trainer.nodes", "1"))
    assert each * nodes == devices
    assert each <= 8
    assert all(devices % fewer or devices // fewer > 8 for fewer in range(1, nodes))


def test_eight_bit_adam_can_be_left_out() -> None:
    spare = replace(ASKED, chunk_size=2, recompute=True, recompute_layers=True)
    chosen = cheapest(body, "mean", ASKED, WORK, gpu(total(spare) * 0.95), 0.5, 0.0, eight_bit=False)
    assert chosen is None or chosen.optimizer == "adamw"


@pytest.mark.parametrize(
    ("recipe", "key"), [({"precision": "bf16"}, "trainer.precision"), ({"chunk_size": 0}, "training.chunk_size")]
)
def test_a_recipe_that_no_training_could_use_is_refused(recipe: dict[str, object], key: str) -> None:
    with pytest.raises(UserError, match=key):
        plan(body("full"), "mean", recipe_of(**recipe), WORK)
