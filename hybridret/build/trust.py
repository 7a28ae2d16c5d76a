"""What a stored config may ask for. A run directory can come from somebody else: it must never start code, read the
environment, or widen its own rights. Only `conf/` and the user's own command line grant something.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hybridret.errors import UserError

REMOTE_CODE = "remote_code"
TRUST_HELP = "let the run also start this plug-in (its _target_), or remote_code: code that its model brings"
GROUPS = ("data", "batching", "loss", "optim", "backbone", "adapter", "index")
LISTS = ("eval",)  # groups whose section holds one plug-in for each chosen option


def check_stored(config: Mapping[str, Any], file: Path, conf: Path, granted: Sequence[str] = ()) -> None:
    """Raise UserError where the config of `file` names a plug-in that no yaml of its group in `conf` names, or asks for
    remote code, unless `granted` (from the user's command line) lists the plug-in, or `remote_code`.
    """
    for key, group, section in _sections(config):
        target = section.get("_target_")
        if target is not None and target not in declared(conf, group) and target not in granted:
            raise UserError(
                f"{file}: {key}._target_={target} is no plug-in of conf/{group}/, so it is not started. If you trust "
                f"it, name it yourself: trust=[{target}] (search, publish and report: --trust {target})."
            )
        if section.get("trust_remote_code") not in (None, False) and REMOTE_CODE not in granted:
            raise UserError(
                f"{file}: {key}.trust_remote_code is set, but only you can allow a model's own code to run. If you "
                f"trust it, add trust=[{REMOTE_CODE}] (search and publish: --trust {REMOTE_CODE})."
            )


def check_plain(config: Any, file: Path, key: str = "") -> None:
    """Raise UserError where a value, `config` being a stored config that is not resolved yet, calls a resolver, such as
    `oc.env` that reads the environment. Interpolations of other keys stay.
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


def _sections(config: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for group in GROUPS:
        if isinstance(section := config.get(group), Mapping):
            yield group, group, section
    for group in LISTS:
        if isinstance(chosen := config.get(group), Mapping):
            for name, section in chosen.items():
                if isinstance(section, Mapping):
                    yield f"{group}.{name}", group, section
