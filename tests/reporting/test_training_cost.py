"""Pairs and FLOPs of a run from its records, against counts by hand."""

from __future__ import annotations

import copy
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from hybridret.reporting.collect import collect
from hybridret.reporting.training_cost import tokens_of_pair, training_cost

RESULT: dict[str, Any] = {
    "parameters": {"total": 900, "body": 1000, "trainable": 900},
    "training": {"steps": 100, "best_step": 80, "mix": {"batches": 100, "rows": 3200}},
    "text": {"query_length": 32, "passage_length": 20},
    "data": {
        "card": {
            "tokens": {
                "sample": 2000,
                "languages": {
                    "de": {"question": {"mean": 10.0}, "passage": {"mean": 40.0}},
                    "en": {"question": {"mean": 6.0}, "passage": {"mean": 50.0}},
                    "xx": {"question": None, "passage": None},
                },
            }
        }
    },
}


def changed(**paths: Any) -> dict[str, Any]:
    result = copy.deepcopy(RESULT)
    for path, value in paths.items():
        *outer, last = path.split("__")
        section = result
        for key in outer:
            section = section[key]
        section[last] = value
    return result


def test_pairs_count_up_to_the_evaluated_step() -> None:
    # 32 rows a batch, 80 steps; 8 tokens of a question, 20 of a passage that is cut.
    assert training_cost(RESULT, {}) == {"pairs": 2560.0, "flops": 6.0 * 1000 * 2560 * 28}
    assert training_cost(changed(training__best_step=None), {})["pairs"] == 3200.0


def test_what_is_not_recorded() -> None:
    without = changed(training__mix={})
    assert training_cost(without, {"training.batch_size": 16})["pairs"] == 1280.0
    assert math.isnan(training_cost(without, {})["pairs"])
    found = training_cost(changed(data__card={}), {})
    assert found["pairs"] == 2560.0
    assert math.isnan(found["flops"])
    assert all(math.isnan(one) for one in training_cost({"training": None, "data": None}, {}).values())


def test_hard_negatives_are_passages_too() -> None:
    mined = changed(data__mined={"name": "bm25"})
    assert tokens_of_pair(mined, {"training.hard_negatives": 3}) == 8 + 4 * 20
    assert tokens_of_pair(mined, {"training.hard_negatives": None}) == 28
    assert tokens_of_pair(RESULT, {"training.hard_negatives": 3}) == 28


def test_a_collected_sweep_has_them(small: Path, tmp_path: Path) -> None:
    sweep = shutil.copytree(small, tmp_path / "sweep")
    file = next(sweep.glob("batching-cross*seed-1/result.json"))
    result = json.loads(file.read_text("utf-8"))
    result["training"]["mix"] |= {"batches": 1200, "rows": 120_000}
    file.write_text(json.dumps(result), encoding="utf-8")
    runs = collect(sweep).runs.set_index("run")
    assert runs.loc[file.parent.name, "pairs"] == pytest.approx(100.0 * result["training"]["best_step"])
    assert runs["flops"].isna().all()  # no lengths are recorded
    assert runs.loc[~runs["trained"], "pairs"].isna().all()
