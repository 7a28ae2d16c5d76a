"""Plug-ins that are found, not listed: each module of a package that holds an object under an agreed name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Hashable, Iterable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


def own_name(one: Any) -> list[str]:
    """The name of a plug-in that owns no other."""
    return [one.name]


def discovered(
    package: ModuleType, attribute: str, kind: type[T], names: Callable[[T], Iterable[str]] = own_name
) -> tuple[T, ...]:
    """The objects of `kind` called `attribute` in the modules of `package`, in no particular order.

    `names` are what each one owns alone. Raises ValueError where two own one name.
    """
    # The folders are part of the key: a test, or a package of somebody else, may add one.
    return _discovered(package.__name__, tuple(package.__path__), attribute, kind, names)  # type: ignore[arg-type]


@cache
def _discovered(
    package: str, folders: tuple[str, ...], attribute: str, kind: Hashable, names: Callable[[Any], Iterable[str]]
) -> tuple[Any, ...]:
    modules = [import_module(f"{package}.{one.name}") for one in pkgutil.iter_modules(folders)]
    held = [getattr(module, attribute, None) for module in modules]
    found = [one for one in held if isinstance(one, kind)]  # type: ignore[arg-type]
    owned = [name for one in found for name in names(one)]
    if twice := sorted({name for name in owned if owned.count(name) > 1}):
        raise ValueError(f"{package} holds two of {twice[0]!r} ({attribute}): give one of them another name.")
    return tuple(found)
