"""What a stored config may request. A run directory can come from another person: it must never start code, read the
environment, or extend its own rights. Only `conf/` and the user's own command line grant something.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hybridret.base.errors import UserError

REMOTE_CODE = "remote_code"
TRUST_HELP = "let the run also start this plug-in (its _target_), or remote_code: code that its model brings"
GROUPS = ("data", "batching", "loss", "optim", "backbone", "adapter", "index", "eval")


def check_stored(config: Mapping[str, Any], file: Path, conf: Path, granted: Sequence[str] = ()) -> None:
    """Raise UserError where the config of `file` names a plug-in that no yaml of its group in `conf` names, or asks for
    remote code, at any depth, unless `granted` (from the user's command line) lists the plug-in, or `remote_code`.
    """
    for key, name, value in _asked(config):
        group = key.partition(".")[0]
        if name == "_target_" and not (
            isinstance(value, str) and (value in granted or (group in GROUPS and value in declared(conf, group)))
        ):
            raise UserError(
                f"{file}: {key}._target_={value} is no plug-in of conf/{group}/, so it is not started. If you trust "
                f"it, name it yourself: trust=[{value}] (search, publish and analyse: --trust {value})."
            )
        if name == "trust_remote_code" and value not in (None, False) and REMOTE_CODE not in granted:
            raise UserError(
                f"{file}: {key}.trust_remote_code is set, but only you can allow a model's own code to run. If you "
                f"trust it, add trust=[{REMOTE_CODE}] (search, publish and analyse: --trust {REMOTE_CODE})."
            )


def check_plain(config: Any, file: Path, key: str = "") -> None:
    """Raise UserError where a value of `config`, a stored config that is not resolved yet, calls a resolver, such as
    `oc.env`, which reads the environment. Interpolations of other keys are allowed.
    """
    if isinstance(config, Mapping):
        for name, value in config.items():
            check_plain(value, file, f"{key}.{name}" if key else str(name))
    elif isinstance(config, list):
        for number, value in enumerate(config):
            check_plain(value, file, f"{key}[{number}]")
    elif isinstance(config, str) and "${" in config and ":" in config.partition("${")[2]:
        raise UserError(
            f"{file}: {key} calls a resolver ({config[:80]!r}), and a stored config is read without them: they reach "
            f"the environment. Write the value itself into the file."
        )


@functools.cache
def declared(conf: Path, group: str) -> frozenset[str]:
    """The targets that the yamls of a group name."""
    found = set()
    for path in (conf / group).glob("*.yaml"):
        section = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(section, dict) and isinstance(section.get("_target_"), str):
            found.add(section["_target_"])
    return frozenset(found)


def _asked(value: Any, key: str = "") -> Iterator[tuple[str, str, Any]]:
    """Each `_target_` and `trust_remote_code` in a config: key of the section, name, value."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name in ("_target_", "trust_remote_code"):
                yield key, name, one
            yield from _asked(one, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _asked(one, f"{key}.{number}")
