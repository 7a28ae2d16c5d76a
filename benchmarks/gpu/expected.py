"""What `hybridret.planning` says of a case on a card: which recipe fits, its bytes, and its seconds."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gpu.case import Way
from gpu.networks import PASSAGE, QUERY, body
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.losses.infonce import InfoNCE
from hybridret.planning.cost import fits
from hybridret.planning.encoding import Encoding
from hybridret.planning.gpus import GPUS, Gpu
from hybridret.planning.plan import Plan, plan
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload

RESERVE = 0.05  # of the card, for the gaps of the allocator
UTILISATION = 0.4  # of the card's dense peak, for the seconds that are expected
UNKNOWN = GPUS["a100"]  # the speed of a card that the package does not know
LIGHTNING = 3.0  # seconds around the steps of a training: trainer, texts, loader
BUILDING = 1.5  # seconds for each 1e9 weights that are made
COMPILING = 60.0
RESTART = 12.0  # seconds until the process that follows has imported torch
CARDS = {"44": "l40s", "80": "h100", "141": "h200"}
_LOSS = InfoNCE(0.05)  # one object: what is measured of it is kept


@dataclass(frozen=True)
class Card:
    """What cases are planned for. `gpu`: memory that is free, and the peak of its kind."""

    gpu: Gpu
    tiny: bool = False

    @property
    def flops(self) -> float:
        """FLOP/s of large products in bf16."""
        return self.gpu.bf16_flops

    def seconds(self, flops: float) -> float:
        """Seconds in which the card does `flops`."""
        return flops / (self.flops * UTILISATION)


def card_by_size(gigabytes: str) -> Card:
    """The card of `CARDS`, without having one."""
    return Card(GPUS[CARDS[gigabytes]])


@functools.cache
def _shape(written: str) -> HuggingFaceBody:
    return body(json.loads(written), "meta")


def shape(options: Mapping[str, Any]) -> HuggingFaceBody:
    """The network on the meta device; the same object whenever it is asked for again, which keeps its measurements."""
    named = ("family", "size", "config", "adapter", "frozen")
    return _shape(json.dumps({key: options[key] for key in named if key in options}, sort_keys=True))


def planned(options: Mapping[str, Any], pairs: int) -> Plan:
    """The plan of a training in `options` with `pairs` a step; `devices` of FSDP2 where that is named."""
    devices = options.get("devices", 1)
    recipe = Recipe(
        devices=devices, sharded=options.get("strategy") == "fsdp", precision=options["precision"],
        optimizer=options["optim"], adapter=options["adapter"], chunk_size=options["chunk_size"],
        recompute=options["recompute"], recompute_layers=options["recompute_layers"], compile=options["compile"],
        attention=None,
    )  # fmt: skip
    work = Workload(pairs, QUERY, PASSAGE, 0.0, 1, 0, 0, 4, _LOSS)
    return plan(shape(options), "mean", recipe, work)


def recipes(options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """`options`, then with more computed again and smaller chunks, until little memory is left to save."""
    yield dict(options)
    for layers, size in ((True, 100), (True, 50), (True, 25), (True, 10)):
        yield dict(options) | {"recompute_layers": layers, "chunk_size": min(size, options["chunk_size"])}


def fitting(options: Mapping[str, Any], pairs: int, card: Card) -> dict[str, Any] | None:
    """The first recipe that fits the card with `pairs` a step, None where none does."""
    for recipe in recipes(options):
        if card.tiny or fits(planned(recipe, pairs), card.gpu, RESERVE):
            return recipe
    return None


def training_way(options: Mapping[str, Any], pairs: int, card: Card) -> Way:
    """Steps of `pairs`; a large batch has fewer of them, behind a step of few pairs."""
    steps = 1 if pairs > 100 else options["steps"]
    warmup = 1 if pairs > 100 else options["warmup"]
    found = planned(options, pairs)
    of_pair = found.flops_per_step_executed / pairs
    done = (warmup * min(pairs, 100) + steps * pairs) * of_pair
    weights = found.parameters["total"]
    seconds = LIGHTNING + BUILDING * weights / 1e9 + card.seconds(done) + pairs / 2000
    seconds += COMPILING if options["compile"] else 0.0
    expected = {"parameters": weights, "trainable": found.parameters["trainable"]}
    if options.get("lengths", "equal") == "equal":  # the plan takes every text for as long as it may be
        expected["planned_bytes"] = found.memory.total
        expected["flops_per_step"] = found.flops_per_step
        expected["flops_per_step_executed"] = found.flops_per_step_executed
    return Way({**options, "batch_size": pairs, "steps": steps, "warmup": warmup}, round(seconds, 1), expected)


def forward_flops(options: Mapping[str, Any], tokens: int) -> float:
    """FLOPs of one text in the forward pass."""
    recipe = Recipe(1, False, "bf16-mixed", "adamw", "full", None, False, False, False, None)
    return Encoding(shape(options), "mean", recipe).flops(tokens, False, False).forward


def weight_bytes(options: Mapping[str, Any]) -> int:
    """Bytes of the weights in fp32."""
    return sum(one.numel() for one in shape(options).parameters()) * 4


def card_of(machine: Mapping[str, Any], tiny: bool) -> Card:
    """The card that a process found (`gpu.machine`), with the memory that is free on it."""
    words = re.split(r"[^a-z0-9]+", machine["device"].lower())
    like = next((gpu for name, gpu in GPUS.items() if name in words), replace(UNKNOWN, name=machine["device"]))
    return Card(replace(like, memory_bytes=int(machine.get("free_bytes", like.memory_bytes))), tiny)
