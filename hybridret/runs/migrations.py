"""Configs of earlier runs: the table of keys that were added later, with the values that those runs worked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Keys that were added after the first runs, with the values that stand for what those runs did. A key with this value
#: is left out of the hash, so that the same command still finds its finished run. Any other value is hashed.
ADDED_LATER: Mapping[str, Any] = {
    "adapter": {"_target_": "hybridret.encoders.adapters.full.Full"},  # every weight was trained
    "training.recompute_layers": False,  # layers kept their activations
    "training.compile": False,  # layers were not compiled
    "training.validate_retrieval": 0,  # a validation was a loss and ranked no questions
    "training.validation_benchmark": None,  # validation looked at held-out pairs alone
    "training.monitor": "loss",  # the loss selected the best encoder
    "training.hard_negatives": None,  # a step used all hard negatives that the data gave
    "training.mined": None,  # none were mined
    "training.chunk_tokens": None,  # chunks were cut by texts alone
    "training.accumulate": 1,  # a step was one batch
    "training.ema": 0,  # the weights of the last step were validated and kept, not an average
    "data.training_share": 1.0,  # the built-in corpus was used whole
    "data.ignore_pid": False,  # the pids of rows were used
    "data.equal_ids": "checked",  # equal ids were translations; only their number was not checked
    # sizes of `scratch` did not end there; no other run depends on this one
    "backbone.sizes.pico": {"width": 8, "layers": 1, "heads": 2, "lr": 0.024, "embedding_lr": 0.16},
    "backbone.stemmer": False,  # BM25 did not stem words
    "backbone.stopwords": False,  # BM25 dropped no stop words
    "batching.language_exponent": 0.0,  # languages of mono batches were drawn uniformly
    "batching.pairs": "all",  # cross batches were drawn from all language pairs, uniformly
    # published files were taken for published ones
    **{f"eval.{name}.allow_other": False for name in ("beir", "miracl", "mlqa_r", "mr_tydi", "xquad_r")},
}

#: Sections that no result depends on, and that a stored config may lack.
_WITHOUT_EFFECT: Mapping[str, Any] = {
    "data.leaks": {"check": False, "allowed": 1.0, "threshold": 0.8, "permutations": 128, "near_up_to": 0},
    "plan": {"gpus": [], "price_per_gpu_hour": 0.0, "utilisation": 0.4, "reserve": 0.0, "refuse": False},
}


def with_later_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config with the keys of this version added; its own values stay.

    Keys of plug-ins are not added: their signatures have the values.
    """
    filled: dict[str, Any] = dict(config)
    for name, value in _WITHOUT_EFFECT.items():
        section, _, key = name.partition(".")
        if not key:
            filled.setdefault(section, value)
        elif isinstance(filled.get(section), Mapping):
            filled[section] = {key: value, **filled[section]}
    for name, value in ADDED_LATER.items():
        section, _, key = name.partition(".")
        if not key:
            filled.setdefault(section, value)
        elif section == "training" and isinstance(filled.get(section), Mapping):
            filled[section] = {key: value, **filled[section]}
    return filled
