"""Which config a run directory holds, as a short hash of everything that changes the result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybridret.base.files import hash_json
from hybridret.runs.migrations import ADDED_LATER

#: Keys for where a run works, where it writes and how it is watched. The result does not depend on them, so a run may
#: be resumed with other values. Each is a dotted key, or a section with all that is below it. `trainer.precision` is
#: not among them.
NOT_HASHED = (
    "hydra",
    "output",
    "sweep",
    "logger",
    "plan",
    "data.leaks",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.nodes",
    "trainer.strategy",
    "trainer.workers",
    "trainer.threads",
    "evaluation.cache",
    "evaluation.cache_from",
    "evaluation.trec",
    "evaluation.mteb",
)


def config_hash(config: Mapping[str, Any]) -> str:
    """16 hex digits. Two configs share them exactly when they differ only in two ways: in keys of `NOT_HASHED`, and in
    keys that one config lacks and that have their value of `ADDED_LATER` in the other.

    `config` is the resolved config as plain dicts and lists. The order of keys does not matter, and 1.0 equals 1, as
    both spell the same value of a float.
    """
    return hash_json(_hashed(config, ""))


def _hashed(value: Any, prefix: str) -> Any:
    if isinstance(value, Mapping):
        pairs = ((f"{prefix}{key}", key, child) for key, child in value.items())
        return {str(key): _hashed(child, f"{name}.") for name, key, child in pairs if _enters(name, child)}
    if isinstance(value, list | tuple):
        return [_hashed(child, f"{prefix}[].") for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _enters(name: str, value: Any) -> bool:
    if name in ADDED_LATER:
        before = ADDED_LATER[name]
        # 0 does not count as false: the run refuses it. But 0 is 0.0: a number has one hash, however it is spelled.
        return not (isinstance(value, bool) is isinstance(before, bool) and value == before)
    return name not in NOT_HASHED
