"""The commands whose files are frozen here, so that a later version is compared with what an earlier one wrote."""

from __future__ import annotations

import platform
from pathlib import Path

#: Of every training; `data.path` is relative, so that the config, and its hash, is the same in every folder.
TRAINING = (
    "model=nano", "logger=none", "data=jsonl", "data.path=boxes", "backbone.vocabulary_size=300",
    "training.batch_size=8", "training.validate_every=3", "training.validation_batches=2",
)  # fmt: skip

#: Run directories of `kept/`: a finished run, one that was stopped after four of six steps, one of LoRA, and BM25.
FINISHED = (*TRAINING, "sweep=kept", "training.steps=6", "training.checkpoint_every=3")
STOPPED = (*FINISHED, "seed=2")
LORA = (*FINISHED, "adapter=lora")
BM25 = ("backbone=bm25", "logger=none", "eval=[heldout]", "data=jsonl", "data.path=boxes", "sweep=kept")
BEFORE_STEP_5 = {"target": "hybridret.training.checkpoints:Checkpoints.on_train_batch_end", "call": 4, "signal": 15}

#: Training curves of 30 steps.
CURVES = {
    "mono": ("batching=mono",),
    "cross": ("batching=cross",),
    "hybrid": ("batching=hybrid",),
    "lora": ("batching=hybrid", "adapter=lora"),
}
STEPS = (*TRAINING, "sweep=curves", "training.steps=30", "training.checkpoint_every=30")
TIMES = ("seconds", "pairs_per_second", "crc32")  # of a row of history.jsonl that no two runs share

ENTRIES = ("run", "evaluate", "merge")  # whose options are a config
TOOLS = (
    "prepare",
    "mine",
    "translate",
    "plan",
    "report",
    "analyse",
    "search",
    "publish",
    "status",
    "resume",
    "cancel",
    "retry",
    "clean",
)  # whose options are words


def processor() -> list[str]:
    """Which generation of processor this is: torch and its BLAS choose their code by it, so last bits follow it."""
    wanted = ("vendor_id", "cpu family", "model", "stepping")
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return [platform.processor()]
    named = dict(line.replace("\t", "").partition(":")[::2] for line in lines)
    return [f"{key} {named[key].strip()}" for key in wanted if key in named]
