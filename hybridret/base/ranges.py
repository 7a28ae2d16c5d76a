"""Ranges and types of settings: an annotation says what a value may be, pydantic checks it, and the error is ours.

A bound stands once, on a field of `base.settings` or in the signature of a plug-in, in words of `annotated_types`:
`Annotated[int, Ge(1)]`, `Annotated[float, Gt(0), Lt(0.5), Because("...")]`, `Literal["fp32", "bf16"]`. Numbers are
finite unless they say `OrInfinite()`. A check takes microseconds; it belongs where objects are made, never into a step.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf

from hybridret.base.errors import UserError, nearest
from hybridret.base.machine import LARGEST
from hybridret.base.range_words import OrInfinite, complaint, parts

if typing.TYPE_CHECKING:
    from pydantic import TypeAdapter

Count = Annotated[int, Ge(1)]
Natural = Annotated[int, Ge(0)]
Positive = Annotated[float, Gt(0), Le(LARGEST)]
NotNegative = Annotated[float, Ge(0), Le(LARGEST)]
Share = Annotated[float, Ge(0), Le(1)]
Dropout = Annotated[float, Ge(0), Lt(1)]

_BOUNDS = (Ge, Gt, Le, Lt, MultipleOf, MinLen, MaxLen)
_Target = TypeVar("_Target", bound=Callable[..., Any])


def check_value(hint: Any, value: Any, key: str) -> Any:
    """`value` as the type of `hint`: a text of digits becomes a number, a number a text, and an int a float. No int is
    made of a truth value or a fraction.

    Of a union only numbers, texts, truth values, lists and mappings count, what a yaml file can hold; where nothing of
    that is left, any value is as it is. Raises UserError naming `key`, the value and what it may be.
    """
    adapter = _adapter(hint)
    if adapter is None:
        return value
    from pydantic import ValidationError

    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        where = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        raise UserError(complaint(hint, value, key, where)) from None


def check_as_it_is(hint: Any, value: Any, key: str) -> None:
    """`check_value` of what is used unconverted: a text of digits is no number. Raises UserError as it does."""
    if check_value(hint, value, key) != value and isinstance(value, str):
        raise UserError(complaint(hint, value, key, ()))


def check_section(kind: type, values: Mapping[str, Any], prefix: str = "") -> Any:
    """An object of the dataclass `kind` from the values of a section; fields that are dataclasses are sections in it.

    Raises UserError naming the key for whatever is unknown (with the nearest known one), missing, or out of range.
    """
    hints, start = hints_of(kind), f"{prefix}." if prefix else ""
    for key in values:
        if key not in hints:
            raise UserError(f"Unknown key {start}{key}. {nearest(str(key), hints)}")
    if missing := [key for key in hints if key not in values]:
        raise UserError(f"{start}{missing[0]} is missing from the config: set it, {start}{missing[0]}=VALUE.")
    checked: dict[str, Any] = {}
    for key, hint in sorted(hints.items(), key=lambda one: dataclasses.is_dataclass(one[1])):  # own values first
        value = values[key]
        if not dataclasses.is_dataclass(hint):
            checked[key] = check_value(hint, value, f"{start}{key}")
        elif isinstance(value, Mapping):
            checked[key] = check_section(typing.cast(type, hint), value, f"{start}{key}")
        else:
            raise UserError(f"{start}{key}={value!r}: it is a section; set {start}{key}.KEY=VALUE.")
    return kind(**checked)


def check_ranges(made: Any, prefix: str) -> None:
    """Raise UserError for a field of the dataclass object `made` that is out of range; types are the caller's."""
    for key, hint in bounded(type(made)).items():
        check_as_it_is(hint, getattr(made, key), f"{prefix}.{key}")


def check_field(kind: type, name: str, value: Any, prefix: str) -> None:
    """Raise UserError where `value` is none that the field `name` of the dataclass `kind` may have."""
    check_as_it_is(hints_of(kind)[name], value, f"{prefix}.{name}")


def checked(prefix: str) -> Callable[[_Target], _Target]:
    """Decorator of a function, or of a class for its constructor: arguments that have a bound are checked at each call.

    Values reach the function as they were given. `prefix` is the section of the config, for messages.
    """

    def decorate(target: _Target) -> _Target:
        if inspect.isclass(target):
            target.__init__ = decorate(target.__init__)  # type: ignore[method-assign]
            return target

        @functools.wraps(target)
        def checking(*arguments: Any, **named: Any) -> Any:
            given = inspect.signature(target).bind(*arguments, **named).arguments
            for name, hint in bounded(target).items():
                if name in given:
                    check_as_it_is(hint, given[name], f"{prefix}.{name}")
            return target(*arguments, **named)

        return typing.cast(_Target, checking)

    return decorate


@functools.cache
def hints_of(target: Callable[..., Any]) -> dict[str, Any]:
    """Name -> annotation of the fields of a dataclass, or of the parameters of a function or constructor."""
    own = inspect.isclass(target) and not dataclasses.is_dataclass(target)
    found = typing.get_type_hints(target.__init__ if own else target, include_extras=True)
    found.pop("return", None)
    return found


def bounded(target: Callable[..., Any]) -> dict[str, Any]:
    """Those of `hints_of(target)` that hold a bound or a choice."""
    return {name: hint for name, hint in hints_of(target).items() if is_bounded(hint)}


@functools.cache
def is_bounded(hint: Any) -> bool:
    """Whether an annotation, or what a list of it holds, says more than a type."""
    base, notes = parts(hint)
    if any(isinstance(note, _BOUNDS) for note in notes) or typing.get_origin(base) is Literal:
        return True
    return typing.get_origin(base) in (typing.Union, types.UnionType, list) and any(
        map(is_bounded, typing.get_args(base))
    )


@functools.cache
def _adapter(hint: Any) -> TypeAdapter[Any] | None:
    kind = _kind(hint)
    if kind is None or kind is type(None):
        return None
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _kind(hint: Any) -> Any:
    """An annotation in pydantic's words, None for what no yaml value has."""
    from pydantic import BeforeValidator, Field

    base, notes = parts(hint)
    origin, bounds = typing.get_origin(base), [note for note in notes if isinstance(note, _BOUNDS)]
    if origin in (typing.Union, types.UnionType):
        if bounds:
            raise TypeError(f"{hint}: write the bound inside the union, Annotated[float, Ge(0)] | None")
        kinds = [kind for kind in map(_kind, typing.get_args(base)) if kind is not None]
        useful = any(kind is not type(None) for kind in kinds)
        return functools.reduce(operator.or_, kinds) if useful else None
    if base is float:
        endless = any(isinstance(note, OrInfinite) for note in notes)
        return _annotated(float, [*bounds, Field(allow_inf_nan=endless), BeforeValidator(_number)])
    if base in (int, str, bool):
        before = {int: _whole, str: _text, bool: _truth}[base]
        return _annotated(base, [*bounds, BeforeValidator(before)])
    if origin is list:
        (inner,) = typing.get_args(base)
        return _annotated(list[_kind(inner) or Any], bounds)  # type: ignore[misc]
    return base if origin in (Literal, dict) or base is type(None) else None


def _annotated(kind: Any, notes: list[Any]) -> Any:
    return Annotated[kind, *notes] if notes else kind


def _number(value: Any) -> float:
    if isinstance(value, bool | bytes):
        raise ValueError
    try:
        number = float(value)
    except (TypeError, OverflowError) as error:
        raise ValueError from error
    if number != number:
        raise ValueError
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError
    try:
        return int(value) if isinstance(value, str) else operator.index(value)
    except TypeError as error:  # a fraction, a list
        raise ValueError from error


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, list | tuple | Mapping | bytes) else str(value)


def _truth(value: Any) -> Any:
    if isinstance(value, float):
        raise ValueError
    return value
