"""Plug-ins: a yaml with `_target_` becomes an object, its keys checked against the target's signature.

Hydra's own `instantiate` calls any importable name and reports a misspelt key as a TypeError deep in a traceback.
Here targets come only from this package and `torch.optim`, an unknown key is an error that names the nearest right one,
and types are checked by OmegaConf.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import operator
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hybridret.base.errors import UserError, nearest

ALLOWED = ("hybridret.", "torch.optim.")


def locate(target: str, key: str) -> Callable[..., Any]:
    """The class or function that `target` names. Raises UserError for names outside `ALLOWED` or unknown ones."""
    if not isinstance(target, str) or not target.startswith(ALLOWED):
        raise UserError(f"{key}._target_={target}: plug-ins come only from {' and '.join(ALLOWED)}* names.")
    module, _, name = target.rpartition(".")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not module.startswith(error.name):
            raise  # a dependency of the plug-in is missing: no typing error of the user
        raise UserError(f"{key}._target_={target}: there is no module {module}.") from error
    if not hasattr(found, name):
        raise UserError(f"{key}._target_={target}: {module} has no {name}. {nearest(name, vars(found))}")
    plugin = getattr(found, name)
    if not callable(plugin):
        raise UserError(f"{key}._target_={target}: {name} is no class or function. Name one that {module} defines.")
    return typing.cast(Callable[..., Any], plugin)


def arguments(target: Callable[..., Any], section: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The section's values as keyword arguments of `target`, converted to its annotated types.

    Raises UserError for an unknown key (naming the nearest right one), a missing one, or a value of another type.
    """
    parameters = {
        name: parameter
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    given = {name: value for name, value in section.items() if name != "_target_"}
    for name in given:
        if name not in parameters:
            raise UserError(f"Unknown key {key}.{name}. {nearest(str(name), parameters)}")
    missing = [n for n, p in parameters.items() if p.default is p.empty and n not in given]
    if missing:
        raise UserError(f"{key} needs {', '.join(f'{key}.{name}' for name in missing)}: set it on the command line.")
    hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
    fields = [(name, hints[name]) for name in given if name in hints]
    return given | check_types(fields, {name: given[name] for name, _ in fields}, key)


def check_types(fields: list[tuple[str, Any]], values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """`values` converted to the annotated types of `fields`; raises UserError naming the key of a wrong one."""
    checked: dict[str, Any] = {}
    for name, hint in fields:
        value, kind = values[name], _plain(hint)
        if kind is not None:
            if _is_count(value) and bool in _members(kind) and not {int, float} & set(_members(kind)):
                raise UserError(f"{key}.{name}={value!r}: choose true or false.")  # OmegaConf takes any number for true
            try:
                schema = OmegaConf.structured(dataclasses.make_dataclass("Section", [(name, kind)]))
            except OmegaConfBaseException:
                checked[name] = value  # an annotation that OmegaConf cannot express (a union of unlike types)
                continue
            try:
                checked[name] = OmegaConf.to_container(OmegaConf.merge(schema, {name: value}))[name]  # type: ignore[index,call-overload]
            except OmegaConfBaseException as error:
                raise UserError(f"{key}.{name}={value!r}: {_reason(error, f'{key}.{name}', value, kind)}") from error
        else:
            checked[name] = value
    return checked


def _plain(hint: Any) -> Any:
    """The part of an annotation that a yaml value can have (`float | Tensor` -> float); None where nothing is left."""
    kept = [
        m for m in _members(hint) if m in (int, float, str, bool, type(None)) or typing.get_origin(m) in (list, dict)
    ]
    if not any(member is not type(None) for member in kept):
        return None
    return functools.reduce(operator.or_, kept)


def _members(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


def _is_count(value: Any) -> bool:
    """Whether it is a number that stands for no truth value: not true, false, 0 or 1."""
    return isinstance(value, int | float) and value not in (0, 1)


def _reason(error: OmegaConfBaseException, key: str, value: Any, kind: Any) -> str:
    """What is wrong with a value of another type. OmegaConf speaks of its nodes where a list was wanted."""
    scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    if scalar and any(typing.get_origin(member) is list for member in _members(kind)):
        return f"it must be a list, {key}=[{value}]."
    if scalar and any(typing.get_origin(member) is dict for member in _members(kind)):
        return f"it is a mapping; set {key}.KEY=VALUE."
    return f"{str(error).splitlines()[0].rstrip('.')}. Expected {_spell(kind)}."


def _spell(kind: Any) -> str:
    return kind.__name__ if inspect.isclass(kind) and not typing.get_args(kind) else str(kind)


def _target(section: Mapping[str, Any], key: str) -> Callable[..., Any]:
    if not isinstance(section, Mapping):
        raise UserError(f"{key}={section!r}: it is a section; set {key}.KEY=VALUE.")
    if "_target_" not in section:
        raise UserError(f"{key} has no _target_: choose an option of the group, e.g. {key}=NAME.")
    return locate(section["_target_"], key)


def make(section: Mapping[str, Any], key: str, **given: Any) -> Any:
    """Build the plug-in of a section; `given` are arguments that the code passes itself (never from yaml)."""
    target = _target(section, key)
    return target(**arguments(target, section, key), **given)


def factory(section: Mapping[str, Any], key: str) -> Callable[[Any], Any]:
    """The plug-in as a function of its first argument (an optimizer of its parameter groups), checked now."""
    target = _target(section, key)
    first = next(iter(inspect.signature(target).parameters))
    # The placeholder satisfies the check for missing arguments; an Any annotation is never converted.
    checked = arguments(target, {**section, first: None}, key)
    del checked[first]
    return lambda value: target(value, **checked)


def plugin_name(section: Mapping[str, Any]) -> str:
    """`hybrid` for `hybridret.batching.hybrid.Hybrid`: a plug-in has the name of its file."""
    return str(section["_target_"]).split(".")[-2]
