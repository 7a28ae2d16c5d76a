"""From the settings of a point to the inputs of a plan: its body on the meta device, its recipe, its workload.

No training data are read, no tokenizer is trained and no weights are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hybridret.base.errors import UserError
from hybridret.base.settings import Settings
from hybridret.components.components import Components
from hybridret.components.hub_cache import hub_is_reachable, is_here, offline
from hybridret.config.entry import config_folder
from hybridret.config.instantiate import make
from hybridret.encoders.adapters.adapter import Adapter
from hybridret.encoders.adapters.full import Full
from hybridret.encoders.backbone import Backbone
from hybridret.encoders.dual import Body
from hybridret.encoders.sizes import resolve_size
from hybridret.evaluation.check import check_settings
from hybridret.planning.plan import Plan, plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload

BYTES = {"float32": 4, "float16": 2}


@dataclass(frozen=True)
class PlanInputs:
    """`body_of(adapter)`: the body on the meta device with `full`, `lora` or the point's own adapter applied.
    `plan_of(recipe)`: the plan. Both are made once per argument. `recipe` and `workload` are those of the point.
    `unknown`: benchmarks whose size is known only after reading them.
    """

    settings: Settings
    body_of: Callable[[str], Body]
    plan_of: Callable[[Recipe], Plan]
    pooling: str
    recipe: Recipe
    workload: Workload
    unknown: tuple[str, ...]

    @property
    def on_cpu(self) -> bool:
        return self.settings.trainer.accelerator == "cpu"

    @property
    def gpu_recipe(self) -> Recipe:
        """The recipe on a GPU; a point that asks for the CPU gets the precision of `trainer=gpu`."""
        plain = self.on_cpu and self.recipe.precision == "32-true"
        return replace(self.recipe, precision="bf16-mixed") if plain else self.recipe


def plan_inputs(components: Components) -> PlanInputs:
    """Raises UserError for a backbone that is not trained, and the errors of its size, adapter and config."""
    family, settings = components.backbone, components.settings
    check_settings(settings.evaluation)
    if not isinstance(family, Backbone):
        raise UserError(f"backbone={settings.backbone.get('name')} has nothing to train, so there is nothing to plan.")

    @cache
    def body_of(adapter: str) -> Body:
        asks = _asks_the_hub(family.sizes[resolve_size(family.sizes, settings.model.size)])
        with nullcontext() if not asks or hub_is_reachable() else offline():
            body = family.meta(settings.model.size)
        _adapter(adapter, components).apply(body, settings.seed)
        return body

    @cache
    def plan_of(recipe: Recipe) -> Plan:
        return plan(body_of(recipe.adapter), family.pooling, recipe, workload)

    workload, unknown = _workload(components)
    return PlanInputs(settings, body_of, plan_of, family.pooling, recipe_of(components), workload, unknown)


def _asks_the_hub(entry: Mapping[str, Any]) -> bool:
    """Whether the architecture of a size is known only from its checkpoint, and this is not a folder here."""
    checkpoint = entry.get("checkpoint")
    return entry.get("config") is None and checkpoint is not None and not is_here(str(checkpoint))


def recipe_of(components: Components) -> Recipe:
    """The recipe that the config asks for."""
    trainer, training = components.settings.trainer, components.settings.training
    family = components.backbone
    optimizer = str(components.settings.optim["_target_"]).rpartition(".")[2].lower()
    return Recipe(
        devices=trainer.devices * trainer.nodes,
        sharded=trainer.strategy == "fsdp",
        precision=trainer.precision,
        optimizer="adam8bit" if "8bit" in optimizer else optimizer,
        adapter=components.adapter.name,
        chunk_size=training.chunk_size,
        recompute=training.recompute,
        recompute_layers=training.recompute_layers,
        compile=training.compile,
        attention=family.attention if isinstance(family, Backbone) else None,
        chunk_tokens=training.chunk_tokens,
    )


def _workload(components: Components) -> tuple[Workload, tuple[str, ...]]:
    settings = components.settings
    sizes = {name: benchmark.published() for name, benchmark in components.benchmarks.items()}
    known = [size for size in sizes.values() if size is not None]
    workload = Workload(
        batch_size=settings.training.batch_size,
        query_tokens=settings.text.query_length,
        passage_tokens=settings.text.passage_length,
        negatives=float(settings.training.hard_negatives or 0),
        steps=settings.training.steps,
        evaluation_queries=sum(queries for queries, _ in known),
        evaluation_passages=sum(passages for _, passages in known),
        vector_bytes=BYTES[settings.evaluation.vectors],
        loss=components.loss,
        averaged=settings.training.ema > 0,
        accumulate=settings.training.accumulate,
    )
    return workload, tuple(name for name, size in sizes.items() if size is None)


def _adapter(name: str, components: Components) -> Adapter:
    """The point's own adapter where it is the one that is named, else that of the yaml."""
    if name == components.adapter.name:
        return components.adapter
    if name == Full.name:
        return Full()
    path = Path(config_folder()) / "adapter" / f"{name}.yaml"
    if not path.is_file():
        raise UserError(f"adapter={name}: there is no {path}.")
    section: Any = OmegaConf.to_container(OmegaConf.load(path))
    adapter: Adapter = make(section, "adapter")
    return adapter
