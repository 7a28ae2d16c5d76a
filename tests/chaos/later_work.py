"""What later work reads of runs and caches, in one process: the same readers as those of the commands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hybridret.base.checksums import read_sealed
from hybridret.base.errors import UserError
from hybridret.components.open_run import open_run
from hybridret.data.arrow_table import read_table
from hybridret.encoders.folder import load_encoder
from hybridret.encoders.tokenizer_training import _cached
from hybridret.evaluation.tables import Evaluation
from hybridret.publish import _metrics
from hybridret.reporting.collect import collect
from hybridret.reporting.points import DAMAGED
from hybridret.reporting.sweep_facts import facts
from hybridret.reporting.write import all_tables
from hybridret.retrieval.tile_store import TileStore
from hybridret.runs import RunDirectory
from hybridret.training.checkpoints import WholeCheckpoints, saved_rows, saved_step

TEXTS = ["What is in box 3?", "Die Kiste enthält Nummer 5."]
VECTORS = np.linspace(-1, 1, 300 * 8, dtype=np.float32).reshape(300, 8)


def read_scene(place: Path, changed: Path | None = None) -> tuple[dict[str, Any], dict[str, str]]:
    """By name of a piece of work what it made of the files, and why it was refused; other errors pass. Of a `changed`
    file below `place` only those that may read it: of its run, or of the cache.
    """
    works: dict[str, Callable[[], Any]] = {"report": lambda: report(place / "out" / "s")}
    for run in sorted((place / "out" / "s").iterdir()):
        if not run.is_dir():
            continue
        if "seed-1" in run.name:
            works |= {
                f"open {run.name}": lambda run=run: opened(run),
                f"publish {run.name}": lambda run=run: published(run),
            }
            for folder in (run, run / "evaluations" / "heldout"):
                works[f"tables {folder.name} {run.name}"] = lambda folder=folder: tables(folder)
        else:
            works |= {
                f"resume {run.name}": lambda run=run: resumed(run),
                f"open {run.name}": lambda run=run: opened(run),
            }
    works["cache"] = lambda: cached(place / "cache")
    if changed is not None and changed.parts[0] == "cache":
        works = {"cache": works["cache"]}
    elif changed is not None and len(changed.parts) > 3:
        works = {name: work for name, work in works.items() if name == "report" or name.endswith(changed.parts[2])}
    found, refusals = {}, {}
    for name, work in works.items():
        try:
            found[name] = work()
        except UserError as error:
            refusals[name] = str(error)
    return found, refusals


def report(sweep: Path) -> list[str]:
    """Every table and fact of the report, and the curves."""
    one = collect(sweep)
    left_out = one.notes[one.notes["key"] == "left out"]["text"].tolist()
    left_out += one.failures[one.failures["state"] == DAMAGED]["reason"].tolist()
    if left_out:
        raise UserError("; ".join(left_out))
    said = facts(one)
    return [*(table.csv() for table in all_tables(one)), str(said.data), str(said.environment), one.history.to_csv()]


def opened(run: Path) -> list[Any]:
    """What search and evaluate start from."""
    one = open_run(run)
    tokens = [row.tolist() for row in one.encoder.tokenization.queries(TEXTS)]
    texts = [(list(each.query_ids), list(each.queries), list(each.passages)) for each in one.collections]
    return [one.config, one.encoder.weights_hash(), one.encoder.tokenization.text, tokens, texts]


def published(run: Path) -> list[Any]:
    """What a card says."""
    result = RunDirectory(run).read_result()
    return [result, _metrics(RunDirectory(run)).to_csv()]


def tables(folder: Path) -> list[str]:
    """The tables of an evaluation."""
    found = Evaluation.read(folder)
    return [found.metrics.to_csv(), found.queries.to_csv()]


def resumed(run: Path) -> list[Any]:
    """What a resumed training starts from, and the encoder that it may end with."""
    directory = RunDirectory(run)
    status = directory.read_status() or {}
    last = directory.last_checkpoint
    decision = directory.decide(str(status.get("config_hash")))
    held = read_sealed(directory.checkpoints / "data.json", "a fingerprint").get("fingerprint")
    step, rows = saved_step(last), saved_rows(last)
    kept = directory.truncate_history(step)
    if kept < rows:
        raise UserError(f"the curve has lost {rows - kept} rows")
    state = WholeCheckpoints().load_checkpoint(last)
    weights = load_encoder(directory.best_checkpoint).weights_hash()
    return [decision, status.get("state"), held, step, directory.read_history(), plain(state), weights]


def plain(value: Any) -> Any:
    """A nested state with tensors as bytes, so that == compares it."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def cached(cache: Path) -> list[Any]:
    """A corpus, its vectors, and tokenizers that are not the scene's; what is not whole is made again."""
    logging.getLogger("hybridret").setLevel(logging.ERROR)
    corpus = cache.parent.parent / "corpus.jsonl"
    if not corpus.exists():
        corpus.write_text("".join(f'{{"_id": "{i}", "text": "passage {i}"}}\n' for i in range(len(VECTORS))))
    rows = read_table([corpus], {"_id": True, "text": True}, "a corpus")
    store = TileStore(cache, {"weights": "w"}, len(VECTORS), VECTORS.shape[1], "float32")
    with store.lock():
        store.prepare()
        entries = store.entries()
        if not len(entries) or not store.verified(entries).any():
            store.add(0, VECTORS, 0)
    original = cache.parent.parent / "scene" / "cache" / "tokenizers"
    kept = {path.name: _cached(path) for path in (cache / "tokenizers").glob("*.json")}
    wrong = [name for name, text in kept.items() if text not in (None, _cached(original / name))]
    return [rows["_id"][:], rows["text"][:], store.vectors().rows(0, len(VECTORS)).tobytes(), wrong]
