"""Configs of earlier runs: the one table of keys that came later, with the values that those runs worked with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Keys that came after the first runs, and what those runs did without them: with that value a key stays out of the
#: hash, so that the same command still finds its finished run. Any other value changes the result and enters.
ADDED_LATER: Mapping[str, Any] = {
    "adapter": {"_target_": "hybridret.encoders.adapters.full.Full"},  # every weight was trained
    "training.recompute_layers": False,  # layers kept what they computed
    "training.compile": False,  # and ran as they were written
    "data.ignore_pid": False,  # the pids of rows were taken as they are
    "backbone.stemmer": False,  # BM25 took words as they stand
    "backbone.stopwords": False,  # and all of them
    # published files were taken for published ones
    **{f"eval.{name}.allow_other": False for name in ("beir", "miracl", "mlqa_r", "mr_tydi", "xquad_r")},
}

#: Sections that no result depends on, and that a stored config may lack.
_WITHOUT_EFFECT: Mapping[str, Any] = {
    "plan": {"gpus": [], "price_per_gpu_hour": 0.0, "utilisation": 0.4, "reserve": 0.0, "refuse": False},
}


def with_later_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored config with the keys of today; what it has stays.

    Values of plug-ins are left out: their signatures know them.
    """
    filled: dict[str, Any] = {**_WITHOUT_EFFECT, **config}
    for name, value in ADDED_LATER.items():
        section, _, key = name.partition(".")
        if not key:
            filled.setdefault(section, value)
        elif section == "training" and isinstance(filled.get(section), Mapping):
            filled[section] = {key: value, **filled[section]}
    return filled
