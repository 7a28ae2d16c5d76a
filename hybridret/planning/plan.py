"""The plan of one point: a pure function of body, recipe and workload; nothing is computed but shapes."""

from __future__ import annotations

from dataclasses import dataclass

from hybridret.base.errors import UserError, nearest
from hybridret.base.ranges import Count, check_value
from hybridret.encoders.counting import counted
from hybridret.encoders.dual import Body
from hybridret.planning.collectives import collectives
from hybridret.planning.encoding import Encoding, unchanged
from hybridret.planning.fake import PRECISIONS
from hybridret.planning.memory import Memory
from hybridret.planning.recipe import Recipe
from hybridret.planning.step import Batches, parameter_groups, peak
from hybridret.planning.workload import Workload


@dataclass(frozen=True)
class Plan:
    """`parameters`: total, body, trainable. `flops_per_pair`: model FLOPs of a pair, forward and backward, its hard
    negatives included, recomputation not counted; `flops_per_step` of all its batches likewise,
    `flops_per_step_executed` with recomputation. `memory` of one device. `all_gathers` and `reduce_scatters` of FSDP2
    per step, of one parameter group each. `index_bytes` and `encoding_flops` of the evaluation.
    """

    parameters: dict[str, int]
    flops_per_pair: float
    flops_per_step: float
    flops_per_step_executed: float
    memory: Memory
    all_gathers: int
    reduce_scatters: int
    index_bytes: int
    encoding_flops: float


def plan(body: Body, pooling: str, recipe: Recipe, workload: Workload) -> Plan:
    """The plan of `body` on the meta device with its adapter applied: `requires_grad` marks what is trained, the dtype
    how it is held. Raises UserError for a recipe that no training could use.
    """
    check(recipe, workload)
    with unchanged(body):
        return _plan(body, pooling, recipe, workload)


def _plan(body: Body, pooling: str, recipe: Recipe, workload: Workload) -> Plan:
    batches = Batches.of(recipe, workload)
    encoding = Encoding(body, pooling, recipe)
    of_pair = _flops_of_pair(encoding, workload, False, False)
    of_query, of_passage = (
        encoding.flops(tokens, False, False).forward for tokens in (workload.query_tokens, workload.passage_tokens)
    )
    gathers, reductions = 0, 0
    if recipe.sharded:
        groups = parameter_groups(body)
        trained = sum(any(one.requires_grad for one in group) for group in groups)
        gathers, reductions = collectives(len(groups), trained, batches.chunks, batches.recomputed(recipe))
    return Plan(
        parameters=counted(body),
        flops_per_pair=of_pair,
        flops_per_step=workload.accumulate * workload.batch_size * of_pair,
        flops_per_step_executed=executed(body, pooling, recipe, workload),
        memory=peak(body, pooling, recipe, workload),
        all_gathers=workload.accumulate * gathers,
        reduce_scatters=reductions,
        index_bytes=workload.evaluation_passages * body.dimension * workload.vector_bytes,
        encoding_flops=workload.evaluation_queries * of_query + workload.evaluation_passages * of_passage,
    )


def executed(body: Body, pooling: str, recipe: Recipe, workload: Workload) -> float:
    """FLOPs of a step of all devices, all its batches, with what is computed again."""
    again = Batches.of(recipe, workload).recomputed(recipe)
    encoding = Encoding(body, pooling, recipe)
    pairs = workload.accumulate * workload.batch_size
    return pairs * _flops_of_pair(encoding, workload, again, recipe.recompute_layers)


def _flops_of_pair(encoding: Encoding, workload: Workload, recompute: bool, layers: bool) -> float:
    query = encoding.flops(workload.query_tokens, recompute, layers).step
    return query + (1 + workload.negatives) * encoding.flops(workload.passage_tokens, recompute, layers).step


def check(recipe: Recipe, workload: Workload) -> None:
    """Raises UserError for values that no training could use."""
    if recipe.precision not in PRECISIONS:
        raise UserError(f"trainer.precision={recipe.precision} is unknown. {nearest(recipe.precision, PRECISIONS)}")
    for key, value in (
        ("trainer.devices", recipe.devices),
        ("training.batch_size", workload.batch_size),
        ("text.query_length", workload.query_tokens),
        ("text.passage_length", workload.passage_tokens),
        ("training.chunk_size", recipe.chunk_size),
        ("training.chunk_tokens", recipe.chunk_tokens),
    ):
        check_value(Count | None, value, key)
