"""Trains a few real steps and prints the memory that they took: `python measured_step.py '{"kind": ...}'`.

Writes `{"peak": bytes above what the process held before the model was built}`. Start it with the environment
`ENVIRONMENT`, which lets the C library give memory back as soon as it is free.
"""

from __future__ import annotations

import functools
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from hybridret.base.settings import LearningRateSettings, TextSettings
from hybridret.encoders.dual import Body, DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.token_batch import make_token_batch
from hybridret.encoders.tokenization import Tokenization
from hybridret.encoders.transformer import Transformer
from hybridret.losses.infonce import InfoNCE
from hybridret.planning.recipe import Recipe
from hybridret.planning.workload import Workload
from hybridret.training.module import RetrieverModule

LOSS = InfoNCE()
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}


def body_of(spec: dict[str, Any]) -> Body:
    """On torch's current device; `kind` is `scratch` or a model type of transformers."""
    numbers = {key: value for key, value in spec.items() if key != "kind"}
    if spec["kind"] == "scratch":
        return Transformer(**numbers)
    from transformers import AutoConfig

    config = AutoConfig.for_model(spec["kind"], **numbers)
    config.use_cache = False
    return HuggingFaceBody.untrained(config, False, "sdpa")


def recipe_of(**changes: Any) -> Recipe:
    plain = {
        "devices": 1, "sharded": False, "precision": "32-true", "optimizer": "adamw", "adapter": "full",
        "chunk_size": None, "recompute": False, "recompute_layers": False, "compile": False, "attention": None,
    }  # fmt: skip
    return Recipe(**(plain | changes))  # type: ignore[arg-type]


def workload_of(batch_size: int, query_tokens: int, passage_tokens: int, negatives: float = 0) -> Workload:
    return Workload(batch_size, query_tokens, passage_tokens, negatives, 10, 0, 0, 4, LOSS)


def field(name: str) -> int:
    """Bytes of a line of /proc/self/status."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def main(spec: dict[str, Any]) -> None:
    recipe, work = recipe_of(**spec["recipe"]), workload_of(**spec["workload"])
    warm = torch.nn.Linear(64, 64)
    warm(torch.ones(1, 64)).sum().backward()
    torch.optim.AdamW(warm.parameters(), fused=True).step()
    before = field("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the high-water mark starts anew

    torch.manual_seed(0)
    body = body_of(spec["body"])
    text = TextSettings("", "", work.query_tokens, work.passage_tokens)
    tokenization = Tokenization.__new__(Tokenization)
    tokenization.text = text
    encoder = DualEncoder(body, "mean", tokenization).train()
    if recipe.recompute_layers:
        for layer in body.layers():
            layer.forward = functools.partial(checkpoint, layer.forward, use_reentrant=False)
    make = {"adamw": functools.partial(torch.optim.AdamW, fused=True), "sgd": torch.optim.SGD}[recipe.optimizer]
    module = RetrieverModule(
        encoder, InfoNCE(), make, LearningRateSettings(0.0, "constant", None), 10, 1.0, 0, recipe.recompute
    )
    batch = make_batch(work, recipe.chunk_size)
    optimizer = make(encoder.parameters(), lr=1e-4)
    for _ in range(spec["steps"]):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16) if recipe.precision == "bf16-mixed" else nullcontext():
            loss = module.batch_loss(batch, gather=False)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(encoder.parameters()), 1.0)
        optimizer.step()
    sys.stdout.write(json.dumps({"peak": field("VmHWM") - before}) + "\n")


def make_batch(work: Workload, chunk_size: int | None) -> Any:
    class Padding:
        pad_id = 0

    class Batch:
        rows: Any
        groups: Any

    random = np.random.default_rng(0)
    passages = round(work.batch_size * (1 + work.negatives))

    def rows(count: int, tokens: int) -> list[Any]:
        return list(random.integers(5, 50, size=(count, tokens)).astype(np.int32))

    made = Batch()
    made.rows = make_token_batch(
        rows(work.batch_size, work.query_tokens),
        rows(passages, work.passage_tokens),
        np.arange(work.batch_size),
        np.arange(work.batch_size),
        np.arange(passages),
        Padding(),  # type: ignore[arg-type]
        chunk_size,
    )
    made.groups = made.rows.passage_groups
    return made


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
