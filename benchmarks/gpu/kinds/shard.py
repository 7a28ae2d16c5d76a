"""The memory of one of several processes of FSDP2 on one card: a process group that does not talk.

torch's fake process group takes every collective for done, so that process 0 of several runs alone. Its shards, its
gathered layers and its buffers are those of a real one; the values in them are not, and neither is the time of talk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh

from gpu.kinds.train import SPARE, batches, optimizer, prepared
from gpu.networks import parallel_pairs
from gpu.stopwatch import forget_peak, peak_bytes
from hybridret.base.settings import LearningRateSettings
from hybridret.losses.infonce import InfoNCE
from hybridret.training.collate import Collate
from hybridret.training.module import RetrieverModule
from hybridret.training.optimisation import parameter_groups
from hybridret.training.sharding import fully_shard_body


def run(options: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Two steps of process 0 of `devices`: bytes that its tensors take at most. Ends with the group still there."""
    from torch.testing._internal.distributed.fake_pg import FakeStore

    devices = options["devices"]
    dist.init_process_group("fake", rank=0, world_size=devices, store=FakeStore())
    encoder = prepared(options, device)
    built = peak_bytes(device)
    mesh = init_device_mesh(device, (devices,))
    fully_shard_body(encoder, mesh, torch.bfloat16)
    pairs = parallel_pairs(options["batch_size"] + SPARE)
    rate = LearningRateSettings(warmup=0.0, decay="constant", embedding_lr=None)
    module = RetrieverModule(encoder, InfoNCE(0.05), optimizer(options), rate, 2, 1.0, 0, recompute=True)
    collate = Collate(encoder.tokenization, (pairs,), options["chunk_size"], 0, devices)
    batch = collate(batches(pairs, options["batch_size"], 0)(1, 0)).to(device)
    stepping = optimizer(options)(parameter_groups(encoder, None))
    before = peak_bytes(device)
    if device == "cuda":
        torch.cuda.empty_cache()
    forget_peak(device)
    for _ in range(2):
        module.batch_loss(batch, gather=True).backward()
        stepping.step()
        stepping.zero_grad(set_to_none=True)
    peak = peak_bytes(device)
    return {
        "processes": devices,
        "pairs": options["batch_size"],
        "chunk_size": options["chunk_size"],
        "recompute_layers": options["recompute_layers"],
        "peak_bytes": max(peak if device == "cuda" else peak - before, 1),
        "built_bytes": built,
    }
