"""Every case of the check for a card. `worth` is what decides, with the expected seconds, which come first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gpu.case import KINDS, Case, Way
from gpu.expected import RESERVE, RESTART, Card, fitting, forward_flops, planned, training_way, weight_bytes
from gpu.networks import TINY
from gpu.stand_ins import there

ADAMW: dict[str, Any] = {
    "family": "xlmr", "precision": "bf16-mixed", "optim": "adamw", "adapter": "full", "recompute": True,
    "recompute_layers": False, "compile": False, "chunk_size": 100, "warmup": 2, "steps": 5,
}  # fmt: skip
LORA = {**ADAMW, "adapter": "lora", "frozen": "bf16", "chunk_size": 50}
LARGE = (8192, 4096, 2048, 1024)
FITS_NOT = "no recipe of this size fits the card"
SECONDS = 3.0  # of each measurement of encoding


def all_cases(card: Card) -> list[Case]:
    """In the order in which equals are taken."""
    return [*exactness(card), *trainings(card), *encodings(card), *searches(card), *shards(card)]


def exactness(card: Card) -> Iterator[Case]:
    """What must be right before speed means anything; and the card's own peaks, which speeds are divided by."""
    peak = {"width": 256, "bytes": 1 << 20} if card.tiny else {"width": 8192, "bytes": 1 << 32}
    yield Case("peaks of the card", "peak", 100, (Way(peak, 3.0),), first=True)
    checks: list[tuple[str, dict[str, str], float]] = [
        ("gradients of XLM-R's shape", {"check": "gradients", "family": "xlmr"}, 8.0),
        ("gradients of Qwen3's shape", {"check": "gradients", "family": "qwen3"}, 5.0),
        ("dropout drawn again", {"check": "dropout", "family": "xlmr"}, 3.0),
        ("InfoNCE at temperature .02", {"check": "infonce"}, 1.0),
        ("search against numpy", {"check": "search"}, 2.0),
        ("3 + 3 steps against 6", {"check": "resume"}, 6.0),
    ]
    for name, options, seconds in checks:
        yield Case(f"exact: {name}", "exact", 50, (Way(options, seconds),), first=True)


def trainings(card: Card) -> Iterator[Case]:
    """Full AdamW at 1b and 3b, LoRA and 8-bit Adam at 10b: 100 pairs, and as many as the seconds allow."""
    yield from _family("1b adamw", {**ADAMW, "size": "1b"}, card, (6, 8), LARGE)
    yield from _family("3b adamw", {**ADAMW, "size": "3b"}, card, (25, 30), LARGE)
    yield from _attention("3b adamw", {**ADAMW, "size": "3b"}, card)
    for kind in ("sdpa", "packed"):
        mixed = {**ADAMW, "size": "1b", "attention": kind, "lengths": "mixed", "chunk_size": 25}
        yield _one(f"1b adamw, 100 pairs of mixed lengths, {kind}", mixed, card, 3)
    yield from _family("10b lora", {**LORA, "size": "10b"}, card, (25, 25), (*LARGE, 512))
    eight = {**ADAMW, "size": "10b", "optim": "adam8bit", "recompute_layers": True}
    yield from _family("10b adam8bit", eight, card, (15, 10), (*LARGE, 512), needs="torchao")


def _family(
    name: str, options: dict[str, Any], card: Card, worth: tuple[float, float], large: tuple[int, ...], needs: str = ""
) -> Iterator[Case]:
    """A batch of 100 and a large one, in the same recipe: that in which the largest fits."""
    options = _sized(options, card)
    large = tuple(count // 128 for count in large) if card.tiny else large
    few = 8 if card.tiny else 100
    recipe = fitting(options, large[0], card)
    missing = None if recipe else FITS_NOT
    if needs and not there(needs):
        missing = f"{needs} is not installed"
    if missing or recipe is None:
        yield Case(f"{name}, 100 pairs", "train", worth[0], (), missing)
        yield Case(f"{name}, large batch", "train", worth[1], (), missing)
        return
    yield Case(f"{name}, 100 pairs", "train", worth[0], (training_way(recipe, few, card),))
    ways = tuple(training_way(recipe, count, card) for count in large)
    yield Case(f"{name}, large batch", "train", worth[1], ways, after=(f"{name}, 100 pairs",))


def _attention(name: str, options: dict[str, Any], card: Card) -> Iterator[Case]:
    """The other kinds of attention, and the best of all compiled."""
    others = [f"{name}, 100 pairs, {kind}" for kind in KINDS]
    for other, kind in zip(others, KINDS, strict=True):
        yield _one(other, {**options, "attention": kind}, card, 6)
    best = {**options, "attention": "best", "compile": True}
    yield _one(f"{name}, 100 pairs, best attention, compiled", best, card, 30, after=(f"{name}, 100 pairs", *others))


def _one(name: str, options: dict[str, Any], card: Card, worth: float, after: tuple[str, ...] = ()) -> Case:
    options = _sized(options, card)
    recipe = fitting(options, LARGE[0] if "3b" in name else 100, card)
    if recipe is None:
        return Case(name, "train", worth, (), FITS_NOT, after=after)
    return Case(name, "train", worth, (training_way(recipe, 8 if card.tiny else 100, card),), after=after)


def encodings(card: Card) -> Iterator[Case]:
    """1b and 3b in bf16, passages of 128 and of 512 tokens."""
    for size, worth in (("1b", 8), ("3b", 20)):
        for tokens in (128, 512):
            options = _sized({"family": "xlmr", "size": size, "tokens": tokens, "precision": "bf16"}, card)
            flops = forward_flops(options, tokens)
            batch = 32_768 // tokens
            count = 48 if card.tiny else max(4 * batch, int(card.seconds(1.0) ** -1 * SECONDS / flops))
            batch = 8 if card.tiny else batch
            room = weight_bytes(options) * 1.5 * 1.2
            missing = None if card.tiny or room < card.gpu.memory_bytes * (1 - RESERVE) else FITS_NOT
            way = Way(
                {**options, "count": count, "batch_size": batch},
                round(3.0 + 3.5 * card.seconds(flops * count) + weight_bytes(options) / 4e9 * 1.5, 1),
                {"flops_per_passage": flops, "parameters": weight_bytes(options) // 4},
            )
            yield Case(f"encode {size}, {tokens} tokens", "encode", worth, (way,) if not missing else (), missing)


def searches(card: Card) -> Iterator[Case]:
    """The best 1,000 for 1,000 queries among 10 million vectors, or fewer where memory or seconds are short."""
    counts = (4000, 2000) if card.tiny else (10_000_000, 5_000_000, 2_000_000, 1_000_000)
    base = {"queries": 20, "dimension": 32, "k": 10} if card.tiny else {"queries": 1000, "dimension": 768, "k": 1000}
    for where, precision, worth in (("card", "fp32", 10), ("card", "bf16", 8), ("package", "fp32", 8)):
        ways = []
        for count in counts:
            size = count * base["dimension"] * (2 if precision == "bf16" else 4)
            if where == "card" and not card.tiny and 1.25 * size > card.gpu.memory_bytes * (1 - RESERVE):
                continue
            seconds = 2.0 + count / 1e6 * (0.8 if where == "card" else 5.0)
            flops = 2.0 * base["queries"] * count * base["dimension"]
            options = {**base, "passages": count, "precision": precision, "from": where}
            ways.append(Way(options, round(seconds, 1), {"flops": flops}))
        name = f"search {precision}, vectors on the card" if where == "card" else "search fp32, by the package"
        yield Case(name, "search", worth, tuple(ways), None if ways else FITS_NOT)


def shards(card: Card) -> Iterator[Case]:
    """FSDP2 with one process, and the memory of one of eight that do not talk."""
    one = _sized({**ADAMW, "size": "1b", "strategy": "fsdp"}, card)
    way = training_way(one, 8 if card.tiny else 100, card)
    way = replace(way, seconds=way.seconds + RESTART)
    yield Case("1b adamw, 100 pairs, FSDP2 with one process", "train", 8, (way,), alone=True)
    eight = _sized({**ADAMW, "size": "10b", "strategy": "fsdp", "devices": 8, "recompute_layers": True}, card)
    pairs = 16 if card.tiny else 800
    eight["chunk_size"] = 4 if card.tiny else 50
    found = planned(eight, pairs)
    room = max(found.memory.total, weight_bytes(eight) * 1.1)
    fits_it = card.tiny or room < card.gpu.memory_bytes * (1 - RESERVE)
    expected = {"planned_bytes": found.memory.total, "parameters": found.parameters["total"]}
    seconds = RESTART + weight_bytes(eight) / 4e9 * 1.5 + 2 * card.seconds(found.flops_per_step_executed / 8)
    shard = Way({**eight, "batch_size": pairs}, round(seconds, 1), expected)
    name = "10b adamw, one of 8 processes of FSDP2"
    yield Case(name, "shard", 8, (shard,) if fits_it else (), None if fits_it else FITS_NOT, alone=True)


def _sized(options: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """The real network, or a tiny one in the same recipe."""
    tiny = {"config": TINY, "chunk_size": 4, "warmup": 1, "steps": 1, "compile": False}
    return dict(options) | (tiny if card.tiny else {})
