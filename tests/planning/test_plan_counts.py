"""Plans of the families in `conf/backbone/`: counted parameters, and FLOPs against closed formulas."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
import yaml
from measured_step import recipe_of, workload_of

from hybridret.encoders.counting import counted
from hybridret.encoders.dual import Body
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.transformer import Transformer
from hybridret.planning.plan import plan

pytestmark = pytest.mark.slow

CONF = Path(__file__).resolve().parents[2] / "conf" / "backbone"
# In billions, total and without token embeddings, as published or counted from the published configs.
PUBLISHED = {
    "xlmr": {"1b": (0.559, 0.303), "3b": (3.476, 2.834), "10b": (10.696, 9.668)},
    "mt5": {"1b": (0.564, 0.308), "3b": (1.670, 1.158), "10b": (5.655, 4.631)},
    "gemma3": {"1b": (1.000, 0.698), "3b": (3.880, 3.209), "10b": (11.766, 10.759)},
    "qwen3": {"1b": (1.721, 1.409), "3b": (4.022, 3.634), "10b": (7.568, 6.946)},
    "llama3": {"1b": (1.236, 0.973), "3b": (3.213, 2.819), "10b": (7.505, 6.980)},
    "xglm": {"1b": (1.733, 1.209), "3b": (2.942, 2.417), "10b": (7.493, 6.444)},
    "bloom": {"1b": (1.065, 0.680), "3b": (3.003, 2.360), "10b": (7.069, 6.041)},
    "eurobert": {"1b": (0.608, 0.460), "3b": (2.108, 1.812)},
}
POINTS = [(name, size) for name, sizes in PUBLISHED.items() for size in sizes]
WORK = workload_of(batch_size=100, query_tokens=32, passage_tokens=128)
ON_A_GPU = recipe_of(precision="bf16-mixed", chunk_size=10, recompute=True)


@cache
def family(name: str) -> tuple[HuggingFace, str]:
    stored = yaml.safe_load((CONF / f"{name}.yaml").read_text("utf-8"))
    left_out = ("_target_", "name", "default_size", "text")
    made = HuggingFace(**{key: value for key, value in stored.items() if key not in left_out})
    return made, str(stored["pooling"])


def test_every_family_with_these_sizes_is_here() -> None:
    named = {}
    for path in CONF.glob("*.yaml"):
        sizes = yaml.safe_load(path.read_text("utf-8")).get("sizes", {})
        found = [size for size in ("1b", "3b", "10b") if size in sizes]
        if found:
            named[path.stem] = found
    assert named == {name: list(sizes) for name, sizes in PUBLISHED.items()}


@pytest.mark.parametrize(("name", "size"), POINTS)
def test_parameters_are_the_published_ones(name: str, size: str) -> None:
    numbers = counted(family(name)[0].meta(size))
    assert tuple(round(numbers[key] / 1e9, 3) for key in ("total", "body")) == PUBLISHED[name][size]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_largest_of_each_family_is_planned(name: str) -> None:
    made, pooling = family(name)
    body = made.meta(list(PUBLISHED[name])[-1])
    planned = plan(body, pooling, ON_A_GPU, WORK)
    assert planned.parameters == counted(body)
    assert planned.flops_per_pair == pytest.approx(6 * 160 * planned.parameters["body"], rel=0.07)
    assert planned.flops_per_step_executed == pytest.approx(planned.flops_per_step * 4 / 3)
    assert planned.memory.weights == 4 * planned.parameters["total"]
    assert planned.memory.optimizer == 8 * planned.parameters["total"]
    assert planned.memory.total > 16 * planned.parameters["total"]


def plain(layers: int = 3) -> Transformer:
    with torch.device("meta"):
        return Transformer(vocabulary=100, width=48, layers=layers, heads=4, positions=64)


def multiplied(body: Body) -> int:
    """Weights of matrices that texts are multiplied with, all but the token and position tables."""
    layers = [one for layer in body.layers() for one in layer.parameters()]
    return sum(one.numel() for one in layers if one.ndim == 2)


def text_flops(body: Body, tokens: int, width: int = 48) -> int:
    """Forward: two per weight and token, and two products of all tokens with all in each layer."""
    return 2 * multiplied(body) * tokens + len(body.layers()) * 4 * tokens * tokens * width


@pytest.mark.parametrize("layers", [1, 5])
def test_flops_of_a_plain_transformer(layers: int) -> None:
    body = plain(layers)
    work = workload_of(batch_size=4, query_tokens=8, passage_tokens=24, negatives=1.5)
    pair = text_flops(body, 8) + 2.5 * text_flops(body, 24)
    planned = plan(body, "mean", recipe_of(), work)
    assert planned.flops_per_pair == 3 * pair
    assert planned.flops_per_step == planned.flops_per_step_executed == 4 * 3 * pair
    evaluation = {"evaluation_queries": 7, "evaluation_passages": 11, "vector_bytes": 2}
    planned = plan(body, "mean", recipe_of(), type(work)(**(vars(work) | evaluation)))
    assert planned.encoding_flops == 7 * text_flops(body, 8) + 11 * text_flops(body, 24)
    assert planned.index_bytes == 11 * 48 * 2


def test_what_is_computed_again_is_executed_and_no_model_flops() -> None:
    body, work = plain(), workload_of(batch_size=4, query_tokens=8, passage_tokens=24)
    once = plan(body, "mean", recipe_of(), work)
    chunks = plan(body, "mean", recipe_of(chunk_size=2, recompute=True), work)
    whole = plan(body, "mean", recipe_of(recompute=True), work)
    layers = plan(body, "mean", recipe_of(recompute_layers=True), work)
    assert chunks.flops_per_pair == layers.flops_per_pair == once.flops_per_pair
    assert chunks.flops_per_step_executed == pytest.approx(once.flops_per_step * 4 / 3)
    assert whole.flops_per_step_executed == once.flops_per_step  # two chunks are never computed again
    assert once.flops_per_step * 1.1 < layers.flops_per_step_executed <= once.flops_per_step * 4 / 3


def test_frozen_weights_pass_gradients_on_and_have_none() -> None:
    body = plain()
    for layer in body.layers():
        for one in layer.parameters():
            one.requires_grad_(False)
    planned = plan(body, "mean", recipe_of(), workload_of(4, 8, 8))
    layers = len(body.layers())
    attention = layers * 4 * 8 * 8 * 48
    assert planned.flops_per_pair == 2 * (2 * 2 * multiplied(body) * 8 + 3 * attention)
    for one in body.parameters():
        one.requires_grad_(False)
    for one in list(body.layers())[-1].parameters():
        one.requires_grad_(True)
    only_top = plan(body, "mean", recipe_of(), workload_of(4, 8, 8))
    assert only_top.flops_per_pair < planned.flops_per_pair
