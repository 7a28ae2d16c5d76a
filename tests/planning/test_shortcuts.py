"""Plans on shape tensors against the same plans on torch's fake tensors, to the byte and the FLOP."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from measured_step import recipe_of, workload_of
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from hybridret.encoders.adapters.lora import LoRA
from hybridret.encoders.dual import Body
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.transformer import Transformer
from hybridret.planning import encoding, loss_memory
from hybridret.planning.modes import FakeMode, followed
from hybridret.planning.plan import Plan, plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.shape_tensors import NotFollowed, ShapeTensor
from hybridret.planning.shapes import ShapeMode

pytestmark = pytest.mark.slow

CONF = Path(__file__).resolve().parents[2] / "conf" / "backbone"
NAMES = [
    "bloom",
    "eurobert",
    "gemma3",
    "labse",
    "llama3",
    "minilm",
    "mt5",
    "qwen3",
    "qwen3-packed",
    "scratch",
    "xglm",
    "xlmr",
]
WORK = workload_of(batch_size=12, query_tokens=9, passage_tokens=9)
RECIPES = {
    "whole, fp32": recipe_of(),
    "ddp, chunks, lora": recipe_of(devices=2, precision="bf16-mixed", chunk_size=2, adapter="lora"),
    "chunks again": recipe_of(precision="bf16-mixed", chunk_size=2, recompute=True),
    "layers again, lora": recipe_of(precision="16-mixed", chunk_size=4, recompute_layers=True, adapter="lora"),
    "fsdp, all again": recipe_of(
        devices=2, sharded=True, precision="bf16-mixed", chunk_size=2, recompute=True, recompute_layers=True
    ),
}


@cache
def families() -> dict[str, HuggingFace]:
    """Those of `conf/backbone/` whose architecture stands in their yaml."""
    left_out = ("_target_", "name", "default_size", "text")
    found = {}
    for path in sorted(CONF.glob("*.yaml")):
        stored = yaml.safe_load(path.read_text("utf-8"))
        sizes = stored.get("sizes") or {}
        if any(one.get("config") for one in sizes.values()) and "checkpoint" not in stored:
            found[path.stem] = HuggingFace(**{key: one for key, one in stored.items() if key not in left_out})
    packed = yaml.safe_load((CONF / "qwen3.yaml").read_text("utf-8")) | {"attention": "packed"}
    found["qwen3-packed"] = HuggingFace(**{key: one for key, one in packed.items() if key not in left_out})
    return found


@cache
def body(name: str, lora: bool) -> Body:
    if name == "scratch":
        with torch.device("meta"):
            made: Body = Transformer(vocabulary=100, width=48, layers=5, heads=4, positions=64)
    else:
        family = families()[name]
        made = family.meta(next(size for size, one in family.sizes.items() if one.get("config")))
    if lora:
        LoRA(rank=4, alpha=8, dropout=0.1, targets=None, frozen="bf16").apply(made, 1)
    return made


def planned(body: Body, recipe: Recipe, measured: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Made anew, each measurement by `measured`."""
    for module in (encoding, loss_memory):
        monkeypatch.setattr(module, "followed", measured)
        getattr(module, "_KEPT").clear()  # noqa: B009 -- private, and only here
    return plan(body, "mean", recipe, WORK)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
@pytest.mark.parametrize("name", NAMES)
def test_shape_tensors_are_fake_tensors_to_the_byte(name: str, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    made = body(name, recipe.adapter == "lora")
    fast = planned(made, recipe, lambda measure: measure(False), monkeypatch)
    assert fast == planned(made, recipe, lambda measure: measure(True), monkeypatch)


def test_every_family_is_compared() -> None:
    assert sorted(NAMES) == sorted([*families(), "scratch"])


def test_private_names_of_torch_are_as_shape_tensors_expect() -> None:
    """Fails after an upgrade of torch that needs another `hybridret/planning/shapes.py`."""
    made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
        ShapeTensor, (2, 3), (3, 1), 0, None, torch.float32, torch.strided, torch.device("cpu")
    )
    assert isinstance(made, FakeTensor)
    assert (made.device.type, tuple(made.shape), made.stride()) == ("cpu", (2, 3), (3, 1))
    assert torch._C._current_graph_task_id() == -1
    for name, composite in (("aten::silu_backward", True), ("aten::mm", False)):
        assert torch._C._dispatch_has_kernel_for_dispatch_key(name, "CompositeImplicitAutograd") is composite
    with FakeTensorMode():
        base = torch.empty(4)
        assert base.untyped_storage()._cdata == base[1:].untyped_storage()._cdata
        assert base.untyped_storage()._cdata != base.clone().untyped_storage()._cdata


def test_storages_live_and_die_as_those_of_fake_tensors() -> None:
    def recorded(mode: Any) -> list[Any]:
        with mode:
            weight, text = torch.empty(8, 8, requires_grad=True), torch.empty(3, 8)
            with mode.recording([weight]) as record, torch.autocast("cpu", torch.bfloat16):
                halves = (text @ weight).chunk(2, dim=1)
                one = halves[0].abs().relu_().t()
                del halves
                total = (one.float() @ text[:, :4]).sum() + weight.sum()
                total.backward()
                del one, total
            return [(vars(each)["size"], each.copy, each.died == -1) for each in record.allocations]

    assert recorded(ShapeMode()) == recorded(FakeMode())


@pytest.mark.parametrize(
    "operation",
    [
        lambda one: one.sum().item(),
        lambda one: one.nonzero(),
        lambda one: one.unsqueeze_(0),
        lambda one: one.to_sparse(),
    ],
    ids=["a value", "a size that depends on values", "another shape of an argument", "another layout"],
)
def test_what_shapes_do_not_tell_is_measured_on_fake_tensors(operation: Callable[[torch.Tensor], Any]) -> None:
    used = []

    def measure(slow: bool) -> str:
        used.append(slow)
        if not slow:
            with ShapeMode():
                with contextlib.suppress(NotFollowed):  # as code of a checkpoint may do: it is void all the same
                    operation(torch.ones(3, 4))
        return "measured"

    assert followed(measure) == "measured"
    assert used == [False, True]
