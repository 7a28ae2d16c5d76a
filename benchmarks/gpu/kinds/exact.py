"""Is what a GPU computes what a CPU computes in fp64? Small networks; each check has a bound, and says what it found.

`run` returns `bounds`: a list of what was checked, the value, the bound, and whether it holds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from gpu.kinds.train import prepared, train
from gpu.networks import TINY, TINY_QWEN, encoder, mixed, texts
from hybridret.base.progress import Quiet
from hybridret.distributed.process_group import SingleProcess
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.layers import recompute_layers
from hybridret.encoders.token_batch import TokenBatch, make_token_batch
from hybridret.losses.infonce import InfoNCE
from hybridret.retrieval.exact_search import search_top_k
from hybridret.retrieval.indexes.exact import Exact
from hybridret.retrieval.search_request import SearchRequest
from hybridret.retrieval.vectors import ArrayVectors
from hybridret.training.checkpoints import last_path

PAIRS, CHUNK = 24, 5
SIZES = {"xlmr": "base", "qwen3": "large"}
Bounds = list[dict[str, Any]]


def run(options: Mapping[str, Any], device: str) -> dict[str, Any]:
    torch.set_float32_matmul_precision("highest")
    checks: dict[str, Callable[[Mapping[str, Any], str], Bounds]] = {
        "gradients": gradients,
        "dropout": dropout,
        "infonce": infonce,
        "search": search,
        "resume": resume,
    }
    found = checks[options["check"]](options, device)
    return {"bounds": found, "holds": all(one["holds"] for one in found)}


def at_most(what: str, value: float, bound: float) -> dict[str, Any]:
    return {"what": what, "value": float(value), "bound": bound, "least": False, "holds": bool(value <= bound)}


def at_least(what: str, value: float, bound: float) -> dict[str, Any]:
    return {"what": what, "value": float(value), "bound": bound, "least": True, "holds": bool(value >= bound)}


def small(options: Mapping[str, Any], device: str, attention: str = "sdpa", rate: float = 0.0) -> DualEncoder:
    """XLM-R's or Qwen3's shape with two layers; heads are wide enough for the kernels of a GPU."""
    family = options["family"]
    config = {"xlmr": TINY, "qwen3": TINY_QWEN}[family] | {"hidden_size": 128, "num_attention_heads": 2}
    config |= {"head_dim": 64} if family == "qwen3" else {}
    network = {"family": family, "size": SIZES[family], "config": config, "attention": attention, "dropout": rate}
    # Made on the CPU, so that the weights are the same everywhere.
    return encoder(network, "cpu").train().to(device)


def batch(made: DualEncoder, chunk_size: int | None) -> TokenBatch:
    rows = (
        made.tokenization.queries(texts(mixed(PAIRS, 32, 1), 2)),
        made.tokenization.passages(texts(mixed(PAIRS, 128, 3), 4)),
    )
    each = np.arange(PAIRS)
    return make_token_batch(*rows, each, each, each, made.tokenization, chunk_size)


def gradient(made: DualEncoder, device: str, chunk_size: int | None, recompute: bool, autocast: bool = False) -> Tensor:
    """All gradients of InfoNCE at temperature .02, as one vector in fp64 on the CPU."""
    data = batch(made, chunk_size).to(device)
    made.zero_grad(set_to_none=True)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=autocast):
        vectors = encode_chunks(made, [*data.query_chunks, *data.passage_chunks], recompute)
        queries, passages = vectors[data.query_order], vectors[data.passage_order + len(data.query_order)]
        loss = InfoNCE(0.02)(queries, passages, data.positives, data.query_groups, data.passage_groups)
    loss.backward()
    return flat(made)


def flat(made: nn.Module) -> Tensor:
    grads = [one.grad for one in made.parameters() if one.grad is not None]
    return torch.cat([one.detach().double().cpu().flatten() for one in grads])


def distance(one: Tensor, other: Tensor) -> float:
    """|one - other| / |other|."""
    return float((one - other).norm() / other.norm())


def gradients(options: Mapping[str, Any], device: str) -> Bounds:
    """fp32 and bf16-mixed, whole, in chunks that are computed again, and packed, against fp64 on the CPU."""
    truth = gradient(small(options, "cpu").double(), "cpu", None, False)
    found = []
    for attention in ("sdpa", "packed"):
        made = small(options, device, attention)
        for how, chunk_size, again in (("whole", None, False), (f"chunks of {CHUNK}", CHUNK, True)):
            for precision, bound in (("fp32", 1e-4), ("bf16-mixed", 6e-2)):
                value = distance(gradient(made, device, chunk_size, again, precision == "bf16-mixed"), truth)
                found.append(at_most(f"{attention}, {how}, {precision}: |g - g64| / |g64|", value, bound))
    layered = small(options, device)
    recompute_layers(layered.body)
    value = distance(gradient(layered, device, CHUNK, True), truth)
    found.append(at_most("sdpa, layers and chunks computed again, fp32: |g - g64| / |g64|", value, 1e-4))
    return found


def dropout(options: Mapping[str, Any], device: str) -> Bounds:
    """Chunks and layers that are computed again draw the same dropout; another seed draws another."""

    def seeded(seed: int, recompute: bool, layers: bool = False) -> Tensor:
        made = small(options, device, rate=0.1)
        if layers:
            recompute_layers(made.body)
        torch.manual_seed(seed)
        return gradient(made, device, CHUNK, recompute)

    once = seeded(1, False)
    return [
        at_most("chunks computed again: |g - g'| / |g'|", distance(seeded(1, True), once), 1e-5),
        at_most("layers computed again: |g - g'| / |g'|", distance(seeded(1, False, True), once), 1e-5),
        at_least("another seed: |g - g'| / |g'|", distance(seeded(2, False), once), 1e-2),
    ]


def infonce(options: Mapping[str, Any], device: str) -> Bounds:
    """Value and gradient at temperature .02, also under autocast, against fp64 on the CPU."""
    generator = torch.Generator().manual_seed(0)
    sides = [
        nn.functional.normalize(torch.randn(512, 256, generator=generator, dtype=torch.float64), dim=1)
        for _ in range(2)
    ]
    groups = torch.arange(512) // 2

    def value(dtype: torch.dtype, where: str, autocast: bool) -> tuple[float, Tensor]:
        queries, passages = (one.to(where, dtype).clone().requires_grad_() for one in sides)
        each = torch.arange(512, device=where)
        with torch.autocast(where, dtype=torch.bfloat16, enabled=autocast):
            loss = InfoNCE(0.02)(queries, passages, each, groups.to(where), groups.to(where))
        loss.backward()
        assert queries.grad is not None
        assert passages.grad is not None
        return float(loss.detach()), torch.cat([queries.grad, passages.grad]).double().cpu()

    true, slope = value(torch.float64, "cpu", False)
    found = []
    for autocast in (False, True):
        mine, grad = value(torch.float32, device, autocast)
        where = " under autocast" if autocast else ""
        found.append(at_most(f"loss{where}, relative", abs(mine - true) / true, 1e-6))
        found.append(at_most(f"gradient{where}, relative", distance(grad, slope), 1e-5))
    return found


def search(options: Mapping[str, Any], device: str) -> Bounds:
    """`Exact` against numpy. Small whole numbers have exact products in any order and many ties: bit for bit. Unit
    vectors: the same passages but where scores differ in their last bits.
    """
    random = np.random.default_rng(0)
    ties = random.permutation(20_000)

    def best(queries: Any, passages: Any) -> Any:
        request = SearchRequest(queries, ArrayVectors(passages), 0, len(passages), ties, 100, device)
        return Exact(64, 4096).search(request, SingleProcess(), Quiet())

    whole = [random.integers(-2, 3, (count, 64)).astype(np.float32) for count in (50, 20_000)]
    columns, scores = search_top_k(whole[0] @ whole[1].T, 100, ties)
    hits = best(*whole)
    found = [
        at_most("whole numbers: passages that differ from numpy's", int((hits.passages != columns).sum()), 0),
        at_most("whole numbers: scores that differ in a bit", int((hits.scores != scores).sum()), 0),
        at_least("whole numbers: ties among the best 100", int((np.diff(scores, axis=1) == 0).sum()), 100),
    ]
    unit = [random.standard_normal((count, 64)).astype(np.float32) for count in (50, 20_000)]
    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in unit]
    exact = unit[0].astype(np.float64) @ unit[1].astype(np.float64).T
    hits = best(*unit)
    kth = np.sort(exact, axis=1)[:, -100]
    lost = kth - np.take_along_axis(exact, hits.passages, axis=1).min(axis=1)
    found.append(at_most("unit vectors: score lost at rank 100", float(lost.max()), 1e-6))
    off = np.abs(hits.scores - np.take_along_axis(exact, hits.passages, axis=1)).max()
    return [*found, at_most("unit vectors: error of a score", float(off), 1e-6)]


class _Saved(pl.Callback):
    """Saves the state after step `step`."""

    def __init__(self, folder: Path, step: int) -> None:
        self._folder, self._step = folder, step

    def on_train_batch_end(self, trainer: pl.Trainer, *unused: Any) -> None:
        if trainer.global_step == self._step:
            trainer.save_checkpoint(last_path(self._folder))


def resume(options: Mapping[str, Any], device: str) -> Bounds:
    """3 + 3 steps, with dropout, against 6: weights."""
    case = {
        "family": "xlmr", "size": "base", "config": TINY, "dropout": 0.1, "compile": False, "recompute_layers": False,
        "optim": "adamw", "batch_size": 16, "chunk_size": 4, "recompute": True, "warmup": 6, "precision": "bf16-mixed",
    }  # fmt: skip

    def trained(folder: Path, *parts: int) -> dict[str, Tensor]:
        for steps in parts:
            made = prepared(case, device)
            fresh = deepcopy(made.state_dict())
            train(case, device, made, [_Saved(folder, steps)], steps, folder)
        after = made.state_dict()
        return {name: after[name].detach().double().cpu() - fresh[name].double().cpu() for name in after}

    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole, parts = trained(Path(one), 6), trained(Path(other), 3, 6)
    moved = torch.cat([change.flatten() for change in whole.values()])
    resumed = torch.cat([change.flatten() for change in parts.values()])
    return [
        at_most("3 + 3 steps against 6: |d - d'| / |d'| of the change of the weights", distance(resumed, moved), 1e-4),
        at_most("3 + 3 steps against 6: weights that differ in a bit", float((resumed != moved).double().mean()), 1.0),
        at_least("6 steps: root mean square change of a weight", float(moved.square().mean().sqrt()), 1e-8),
    ]
