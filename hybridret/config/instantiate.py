"""Plug-ins: a yaml with `_target_` becomes an object, its keys checked against the target's signature.

Hydra's own `instantiate` calls any importable name and reports a misspelt key as a TypeError deep in a traceback.
Here targets come only from this package and `torch.optim`, an unknown key is an error that names the nearest right one,
and types and ranges are checked.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from hybridret.base.errors import UserError, nearest, of_source
from hybridret.base.ranges import check_value, hints_of

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

    Raises UserError for an unknown key (naming the nearest right one), a missing one, or a value of another type or out
    of range.
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
    hints = hints_of(target)
    return {
        name: check_value(hints.get(name, Any), _with_plugins(value, f"{key}.{name}"), f"{key}.{name}")
        for name, value in given.items()
    }


def _with_plugins(value: Any, key: str) -> Any:
    """`value` with an object for each section in it that names a target: the sources of a mix."""
    if not isinstance(value, Mapping):
        return value
    if "_target_" in value:
        target = _target(value, key)
        given = arguments(target, value, key)  # its errors name the whole key
        with of_source(key.rpartition(".")[2]):
            return target(**given)
    return {name: _with_plugins(one, f"{key}.{name}") for name, one in value.items()}


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
