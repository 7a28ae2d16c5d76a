"""The mined hard negatives that a training asks for, and the command that mines them where there are none."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from hybridret.base.errors import UserError
from hybridret.config.instantiate import locate, plugin_name
from hybridret.data.prepared.mined import ABOUT, MinedSet, mined_folder, mined_names, read_mined
from hybridret.data.prepared.source import PreparedSource
from hybridret.runs.naming import folder_name


def mined_negatives(source: PreparedSource, name: str, data: Mapping[str, Any]) -> MinedSet:
    """The set `name` beside the copy of `source`, whose section of the config is `data`. Raises UserError where there
    is none, with the command that mines it, and for one that is damaged.
    """
    if text := missing_negatives(source, name, data):
        raise UserError(text)
    return read_mined(mined_folder(source.path, name), source.fingerprint())


def missing_negatives(source: PreparedSource, name: str, data: Mapping[str, Any]) -> str:
    """What to do where there is no set `name`; empty where there is one. No text is read."""
    name = folder_name(name, "training.mined")
    if (mined_folder(source.path, name) / ABOUT).is_file():
        return ""
    known = mined_names(source.path)
    others = f" There are {', '.join(known)}." if known else ""
    return (
        f"training.mined={name}: no negatives of this name were mined for these data (other files, other settings or "
        f"changed files of the data need their own).{others} Mine them, with a backbone or a run of yours: python -m "
        f"hybridret.mine name={name} backbone=bm25 {data_overrides(data)}"
    )


def data_overrides(data: Mapping[str, Any]) -> str:
    """The section `data` as overrides, without values that are the source's own defaults; of nested sections only that
    they belong there.
    """
    parameters = inspect.signature(locate(data["_target_"], "data")).parameters
    found = [f"data={plugin_name(data)}"]
    for key, value in data.items():
        if key in parameters and not isinstance(value, Mapping) and _plain(value) != _plain(parameters[key].default):
            found.append(f"data.{key}={_plain(value)}")
    text = " ".join(map(shlex.quote, found))
    return f"{text} (and the rest of data)" if any(isinstance(value, Mapping) for value in data.values()) else text


def _plain(value: Any) -> str:
    """A value as an override spells it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_plain, value))}]"
    return _as_text(value) if isinstance(value, str) else str(value)


def _as_text(value: str) -> str:
    """With quotes where Hydra would read something else."""
    try:
        plain = OverridesParser.create().parse_override(f"key={value}").value() == value
    except HydraException:
        plain = False
    return value if plain else QuotedString(value, Quote.single).with_quotes()
