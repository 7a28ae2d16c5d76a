"""The numbers of a plan in words: units, assumptions, and the verdict on a point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

from hybridret.planning.gpus import GIB, Gpu
from hybridret.planning.recipe import Recipe
from hybridret.preflight.estimate import Estimate, GpuEstimate
from hybridret.preflight.estimate_groups import EstimateGroup
from hybridret.preflight.suggestion import command_with


def count(number: float) -> str:
    """Parameters: 559M, 3.48B.

    >>> count(558_840_832), count(3_475_929_600)
    ('559M', '3.48B')
    """
    if number >= 999.5e6:
        return f"{number / 1e9:,.2f}B"
    return f"{number / 1e6:,.0f}M" if number >= 9.95e6 else f"{number / 1e6:,.2f}M"


def gib(number: float) -> str:
    """Bytes in GiB, without the unit."""
    value = number / GIB
    return f"{value:,.0f}" if value >= 99.95 else f"{value:,.1f}" if value >= 0.05 or not number else f"{value:.3f}"


def share_of(number: float, gpu: Gpu) -> str:
    """Bytes of a GPU's memory, both in GiB."""
    return f"{gib(number)} of {gib(gpu.memory_bytes)}"


def teraflops(number: float) -> str:
    """FLOPs in units of 10^12, without the unit."""
    value = number / 1e12
    return f"{value:,.2f}" if value >= 0.1 else f"{value:.2g}"


def duration(seconds: float) -> str:
    """The duration of a step, with its unit."""
    return f"{seconds:,.1f} s" if seconds >= 10 else f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1e3:.2g} ms"


def hours(number: float) -> str:
    """Hours; minutes below one.

    >>> hours(0.5), hours(12.34)
    ('30 min', '12.3 h')
    """
    if number >= 1:
        return f"{number:,.1f} h"
    return f"{number * 60:.0f} min" if number * 60 >= 1 else f"{number * 3600:.2g} s"


def money(number: float) -> str:
    """A cost in the currency of the price."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"


def communication(label: str, estimate: Estimate) -> str:
    """How often FSDP2 gathers weights and sums gradients in a step."""
    plan = estimate.plan
    return (
        f"FSDP2, {label} as asked: {plan.all_gathers:,} all-gathers of a layer in each step, and gradients are summed "
        f"once ({plan.reduce_scatters} reduce-scatters). Their time is not counted."
    )


def changed(asked: Recipe, other: Recipe) -> str:
    """The differences of `other` from `asked`."""
    differ = {one.name for one in fields(Recipe) if getattr(asked, one.name) != getattr(other, one.name)}
    words = []
    if differ & {"devices", "sharded"}:
        spread = "FSDP2" if other.sharded else "DDP"
        words.append("1 GPU" if other.devices == 1 else f"{spread} over {other.devices}")
    if "precision" in differ:
        words.append(other.precision)
    if "optimizer" in differ:
        words.append(other.optimizer)
    if "adapter" in differ:
        words.append("all weights" if other.adapter == "full" else other.adapter)
    if differ & {"chunk_size", "chunk_tokens"}:
        words.append(other.spell_chunks())
    again = {"chunks": "recompute", "layers": "recompute_layers"}
    now = [what for what, name in again.items() if name in differ and getattr(other, name)]
    words += [f"recompute {' and '.join(now)}"] if now else []
    words += [f"{what} not recomputed" for what, name in again.items() if name in differ and what not in now]
    if "compile" in differ:
        words.append("compiled" if other.compile else "not compiled")
    if "attention" in differ:
        words.append(f"attention {other.attention}")
    return ", ".join(words) or "as asked"


def verdict(group: EstimateGroup) -> str:
    """One line: whether a point fits as asked and for how much, else the command of the cheapest recipe that fits."""
    point, estimate = group.first, group.first.estimate
    if estimate is None:
        return f"{group.label}: {'skipped' if point.skipped else 'cannot be planned'}: {' '.join(point.reason.split())}"
    asked, best, recipe = estimate.best_as_asked, estimate.best, estimate.inputs.gpu_recipe
    if asked is not None:
        line = f"{group.label}: fits {_devices(recipe)} {asked.gpu.name} as asked, {_for(asked)}."
        if best is None or best.all_gpu_hours > 0.95 * asked.all_gpu_hours:
            return line
        return f"{line} Cheaper: {suggestion(point.overrides, estimate, best)}."
    names = ", ".join(option.gpu.name for option in estimate.asked)
    each = f"{gib(estimate.plan.memory.total)} GiB" + (f" on each of {recipe.devices}" if recipe.devices > 1 else "")
    line = f"{group.label}: fits none of {names} as asked ({each})"
    if best is None:
        return f"{line}, and no recipe that plan knows fits either: choose a smaller model or batch."
    return f"{line}. The cheapest recipe that fits: {suggestion(point.overrides, estimate, best)}."


def total(groups: Sequence[EstimateGroup]) -> str:
    """The total of all points, each as asked where that fits and else with the cheapest recipe that fits."""
    chosen = [(len(group.points), group.chosen) for group in groups if group.chosen is not None]
    number = sum(size for size, _ in chosen)
    spent = sum(size * option.all_gpu_hours for size, option in chosen if option is not None)
    cost = sum(size * option.cost for size, option in chosen if option is not None)
    return f"All {number} points that fit: {spent:,.1f} GPU hours, cost {money(cost)}."


def suggestion(overrides: Sequence[str], estimate: Estimate, best: GpuEstimate) -> str:
    """A recipe, where it fits, what it costs, and the command that trains the point of `overrides` with it."""
    recipe = estimate.inputs.gpu_recipe
    command = command_with(overrides, best.recipe, estimate.inputs)
    what = changed(recipe, best.recipe).replace(f" over {best.recipe.devices}", "")
    return f"{_devices(best.recipe)} {best.gpu.name} {_how(what)}, {_for(best)}: `{command}`"


def assumptions(made: Sequence[tuple[str, Estimate]]) -> list[str]:
    """The assumptions of labelled estimates; where these differ, a line for each."""
    estimates = [estimate for _, estimate in made]
    texts = sorted({(one.inputs.workload.query_tokens, one.inputs.workload.passage_tokens) for one in estimates})
    batches = sorted({(one.inputs.workload.batch_size, one.inputs.workload.steps) for one in estimates})
    lengths = ", ".join(f"{query} + {passage}" for query, passage in texts)
    steps = ", ".join(f"{size:,} pairs, {number:,} steps" for size, number in batches)
    hard = sorted({int(one.inputs.workload.negatives) for one in estimates})
    negatives = ", ".join(f"{number or 'no'} hard negatives" for number in hard)
    lines = [
        f"Assumed: every text has all the tokens that text.query_length + text.passage_length allow ({lengths}), an "
        f"upper bound; {negatives}; {steps}.",
        *_distinct(made, _prices),
    ]
    if any(one.inputs.on_cpu for one in estimates):
        lines.append("trainer=cpu was asked for: GPUs are planned with what trainer=gpu brings (bf16-mixed, one GPU).")
    lines += _distinct([(label, one) for label, one in made if one.inputs.workload.evaluation_passages], _evaluation)
    if unknown := sorted({name for one in estimates for name in one.inputs.unknown}):
        lines.append(f"Not in encoding and index: {', '.join(unknown)}, whose size only reading tells.")
    return lines


def _distinct(made: Sequence[tuple[str, Estimate]], sentence: Callable[[Estimate], str]) -> list[str]:
    """The sentences for the estimates, each sentence once; with their labels where it is not the same for all."""
    sentences: dict[str, list[str]] = {}
    for label, one in made:
        sentences.setdefault(sentence(one), []).append(label)
    if len(sentences) == 1:
        return list(sentences)
    return [f"{text} This holds for: {', '.join(labels)}." for text, labels in sentences.items()]


def _prices(estimate: Estimate) -> str:
    settings = estimate.inputs.settings.plan
    return (
        f"Time: {settings.utilisation:.0%} of the GPU's dense peak is reached (plan.utilisation). Cost: "
        f"{settings.price_per_gpu_hour:g} for each GPU hour of training and encoding (plan.price_per_gpu_hour), the "
        f"same for all GPUs. Fits: {settings.reserve:.0%} of the memory stay free (plan.reserve)."
    )


def _evaluation(estimate: Estimate) -> str:
    settings, passages = estimate.inputs.settings.evaluation, estimate.inputs.workload.evaluation_passages
    faster = "; bf16 takes less time" if settings.precision == "fp32" else ""
    return (
        f"Evaluation: {passages:,} passages as published, encoded once in {settings.precision} (evaluation.precision"
        f"{faster}) on one GPU, and that GPU's hours are in the cost; index: their vectors in {settings.vectors}."
    )


def _for(option: GpuEstimate) -> str:
    spent = f"{hours(option.hours + option.encoding_hours)}, cost {money(option.cost)}"
    return f"{share_of(option.plan.memory.total, option.gpu)} GiB, {spent}"


def _how(what: str) -> str:
    return what if what == "as asked" else f"with {what}"


def _devices(recipe: Recipe) -> str:
    return "one" if recipe.devices == 1 else str(recipe.devices)
