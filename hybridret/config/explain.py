"""Hydra's composition errors in one paragraph that offers the nearest right name.

Hydra reports that a key cannot be overridden and suggests to add it; the user needs to know the right name of the key.
A sweep needs the answer for each point, the entries for the whole command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hybridret.base.errors import UserError, nearest


def explain(error: Exception, overrides: Sequence[str], loader: ConfigLoader, config_name: str) -> str:
    """What is wrong with `overrides`, for which composing `config_name` raised `error`."""
    text = " ".join(str(error).split())
    if (ours := _ours(error)) is not None:
        return " ".join(str(ours).split())
    if (match := re.match(r"Error merging override (.+)", text)) and error.__cause__ is not None:
        return f"{match[1]}: {str(error.__cause__).splitlines()[0].rstrip('.')}."
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = str(error.missing_cfg_file).removesuffix(".yaml").rpartition("/")
        known = [str(option) for option in error.options or loader.get_group_options(group, ObjectType.CONFIG)]
        if known:
            return f"{group}={option}: there is no such option. {nearest(option, known)} All: {', '.join(known)}."
        return f"{error.missing_cfg_file} was not found in conf/."
    if match := re.search(r"Could not override '([^']+)'", text):
        return _of_swept(match[1], overrides, loader, config_name) or _unknown_key(
            match[1], overrides, loader, config_name
        )
    if match := re.search(r"Could not append to config[^']*'?([\w./@]+)'?", text):
        return f"+{match[1]}: that key exists already; set it without the plus sign."
    if "parse" in type(error).__name__.lower() or "mismatched input" in text or "LexerNoViableAlt" in text:
        return _unreadable(overrides) or (
            f"Cannot read an override: {str(error).splitlines()[0]}. They look like group=option or section.key=value."
        )
    cause = " ".join(str(error.__cause__ or "").split())
    return text if cause in text else f"{text} {cause}"


def _ours(error: BaseException) -> UserError | None:
    """The UserError that Hydra wrapped: a launcher refuses a value while Hydra builds it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, UserError):
        cause = cause.__cause__
    return cause


def _unreadable(overrides: Sequence[str]) -> str:
    """Which of `overrides` Hydra's parser rejects, and how to make it readable; "" where it accepts all."""
    for text in overrides:
        if text.startswith("-") or _readable(text):  # an option such as -m
            continue
        key, sign, value = text.partition("=")
        if not sign:
            return f"Cannot read the override {text}. They look like group=option or section.key=value."
        if value.startswith(("[", "{")) or any(value.count(a) != value.count(b) for a, b in ("()", "[]", "{}")):
            return f"Cannot read the override {text}. Close every bracket, and put quotes around what is no plain word."
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        quoted = f'{key}="{escaped}"'
        if _readable(quoted):
            return f"Cannot read the override {text}: its value needs quotes. Write {shlex.quote(quoted)}."
        return f"Cannot read the override {text}: {key!r} is no key. They look like group=option or section.key=value."
    return ""


def _readable(text: str) -> bool:
    try:
        OverridesParser.create().parse_override(text)
    except HydraException:
        return False
    return True


def _of_swept(key: str, overrides: Sequence[str], loader: ConfigLoader, config_name: str) -> str:
    """The message for a key that only a swept option brings, since Hydra looks keys up before it takes swept values; ""
    where that is not the reason.
    """
    first = [f"{group}={options[0]}" for group, options in _swept(overrides, loader)]
    try:
        config = loader.load_configuration(config_name, [*_choices(overrides, loader), *first], RunMode.RUN)
    except (HydraException, OmegaConfBaseException):
        return ""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else None
    if not first or not isinstance(node, DictConfig) or name not in node:
        return ""
    brought = _chosen(config, parent.partition(".")[0])
    return (
        f"{key}: a sweep looks keys up before it takes {' or '.join(first)}, which brings {brought}. Name that, too: "
        f"add {brought}."
    )


def _swept(overrides: Sequence[str], loader: ConfigLoader) -> Iterator[tuple[str, list[str]]]:
    """The groups whose options are swept over, with the options."""
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException:
            continue
        if override.is_sweep_override() and loader.get_group_options(override.key_or_group, ObjectType.CONFIG):
            yield override.key_or_group, list(override.sweep_string_iterator())


def _unknown_key(key: str, overrides: Sequence[str], loader: ConfigLoader, config_name: str) -> str:
    try:
        config = loader.load_configuration(config_name, list(_choices(overrides, loader)), RunMode.RUN)
    except (HydraException, OmegaConfBaseException):  # the choices alone do not compose either: no hint
        return f"Unknown key {key}. Look it up with --cfg job."
    while True:
        parent, _, name = key.rpartition(".")
        node = OmegaConf.select(config, parent) if parent else config
        if isinstance(node, DictConfig) or not parent:
            break
        key = parent  # the parent is no section: look one level up
    if inner := _inside(key, config, overrides):
        return inner
    known = [str(child) for child in node if child not in ("hydra", "_target_")] if isinstance(node, DictConfig) else []
    hint = nearest(name, known) if known else f"{_chosen(config, parent)} has no settings."
    if elsewhere := _everywhere(config, name):  # the right name in the wrong section
        hint = f"Did you mean '{elsewhere}'?"
    return f"Unknown key {key}. {hint}"


def _inside(key: str, config: DictConfig, overrides: Sequence[str]) -> str:
    """The message for a section `key` that an override gives as a whole, `{name: value}`, with an unknown name; ""
    where that is not the reason.
    """
    section = OmegaConf.select(config, key)
    if not isinstance(section, DictConfig):
        return ""
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException:
            continue
        given = None if override.is_sweep_override() else override.value()
        if override.key_or_group == key and isinstance(given, dict):
            for name in map(str, given):
                if name not in section:
                    return f"Unknown key {key}.{name}. {nearest(name, [str(one) for one in section])}"
    return ""


def _chosen(config: DictConfig, group: str) -> str:
    """`batching=mono` where `group` is a group of which one option is chosen."""
    choice = config.hydra.runtime.choices.get(group)
    return group if choice is None else f"{group}={choice}"


def _choices(overrides: Sequence[str], loader: ConfigLoader) -> Iterator[str]:
    """The overrides that choose existing options of a group, so that the hint knows the chosen plug-in's own keys."""
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
        except HydraException:
            continue
        if override.is_sweep_override() or override.is_delete():
            continue
        chosen = override.value()
        options = loader.get_group_options(override.key_or_group, ObjectType.CONFIG)
        if all(option in options for option in (chosen if isinstance(chosen, list) else [chosen])) and options:
            yield text


def _everywhere(config: object, name: str) -> str | None:
    """The full key that ends in `name`, where the user named the wrong section (`alpha` for `batching.alpha`)."""
    if isinstance(config, DictConfig):
        for key, value in ((str(key), value) for key, value in config.items_ex(resolve=False)):
            if key == "hydra":
                continue
            if key == name:
                return name
            if (found := _everywhere(value, name)) is not None:
                return f"{key}.{found}"
    return None
