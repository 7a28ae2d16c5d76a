"""The plan of one point: a pure function of body, recipe and workload; nothing is computed but shapes."""

from __future__ import annotations

from dataclasses import dataclass

from hybridret.encoders.dual import Body
from hybridret.planning.memory import Memory
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload


@dataclass(frozen=True)
class Plan:
    """`parameters`: total, body, trainable. `flops_per_pair`: model FLOPs of a pair, forward and backward, its hard
    negatives included, recomputation not counted; `flops_per_step` of the whole batch likewise,
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
    """The plan of `body` on the meta device with its adapter applied: `requires_grad` tells what is trained, the dtype
    how it is held. Raises UserError for a recipe that no training could use.
    """
    raise NotImplementedError
