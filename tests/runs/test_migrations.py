"""A config of an earlier run, filled with what that run worked with, has the hash that it had."""

from __future__ import annotations

from hybridret.runs import config_hash
from hybridret.runs.migrations import with_later_keys

EARLIER = {
    "seed": 1,
    "training": {"steps": 10},
    "backbone": {"_target_": "hybridret.retrieval.bm25.Bm25"},
    "data": {"path": "x"},
    "eval": {"beir": {"names": ["scifact"]}},
}


def test_filled_and_bare_have_one_hash() -> None:
    filled = with_later_keys(EARLIER)
    assert config_hash(filled) == config_hash(EARLIER)
    assert filled["training"] == {
        "steps": 10,
        "compile": False,
        "recompute_layers": False,
        "validate_retrieval": 0,
        "validation_benchmark": None,
        "monitor": "loss",
        "hard_negatives": None,
        "mined": None,
        "chunk_tokens": None,
        "accumulate": 1,
        "ema": 0,
    }
    assert filled["adapter"] == {"_target_": "hybridret.encoders.adapters.full.Full"}
    assert filled["plan"]["refuse"] is False
    assert filled["backbone"] == EARLIER["backbone"]


def test_what_is_there_stays() -> None:
    training: dict[str, object] = {
        "compile": True,
        "recompute_layers": True,
        "validate_retrieval": 9,
        "monitor": "mono",
    }
    training |= {"validation_benchmark": "xquad_r", "hard_negatives": 2, "mined": "hard", "ema": 9, "accumulate": 2}
    training["chunk_tokens"] = 64
    today = {"training": training, "adapter": {"_target_": "x"}, "plan": {}}
    assert with_later_keys(today) == today
