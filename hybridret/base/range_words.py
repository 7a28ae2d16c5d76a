"""What an annotation of `base.ranges` allows, and why a value is refused, in words for people."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf

from hybridret.base.errors import nearest
from hybridret.base.machine import LARGEST

LONGEST = 80  # characters of a value that are shown


@dataclass(frozen=True)
class Because:
    """Why a bound is where it is, or what to choose: sentences that end the message."""

    text: str


@dataclass(frozen=True)
class OrInfinite:
    """A float that may be infinite."""


def parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """An annotation without its notes, and the notes."""
    if typing.get_origin(hint) is Annotated:
        base, *notes = typing.get_args(hint)
        return base, tuple(notes)
    return hint, ()


def described(hint: Any) -> str:
    """What values an annotation allows: `a whole number, at least 1`, `one of fp32, bf16`, or `a number, from 0 to 1,
    or null`.
    """
    own, nullable = _own(hint)
    kind, limits = _kind(own), _limits(own)
    return kind + (f", {limits}" if limits else "") + (", or null" if nullable else "")


def complaint(hint: Any, value: Any, key: str, where: Sequence[int | str]) -> str:
    """One paragraph on a refused `value`: the key, what was given, what is allowed, and the annotation's reasons.

    `where`: pydantic's path to what is wrong in `value`.
    """
    own, _ = _own(hint)
    base = parts(own)[0]
    notes = parts(hint)[1] if hint == own else (*parts(hint)[1], *parts(own)[1])
    why = "".join(f" {note.text}" for note in notes if isinstance(note, Because))
    if base is bool:
        return f"{key}={value!r}: choose true or false.{why}"
    if typing.get_origin(base) is dict:
        return f"{key}={value!r}: it is a mapping; set {key}.KEY=VALUE.{why}"
    if typing.get_origin(base) is not list:
        return f"{key}={_refused(hint, value, ': choose one')}{why}"
    if not isinstance(value, list | tuple):
        return f"{key}={value!r}: it must be a list, {key}=[{value}].{why}"
    index = next((step for step in where if isinstance(step, int)), None)
    if index is not None:
        return f"{key}={list(value)}: {_refused(typing.get_args(base)[0], value[index], ' is none')}{why}"
    return (f"{key}={list(value)} must have {_limits(own)}." if value else f"{key}=[] is empty.") + why


def _refused(hint: Any, value: Any, choice: str) -> str:
    """The value and what it must be; `choice`: how the list of names begins."""
    own, nullable = _own(hint)
    base = parts(own)[0]
    shown = "null" if value is None else repr(value) if isinstance(value, str) else str(value)
    shown = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."
    or_null = ", or null" if nullable else ""
    if typing.get_origin(base) is Literal:
        names = [str(name) for name in typing.get_args(base)]
        near = nearest(str(value), names)
        meant = f" {near}" if near.startswith("Did you mean") else ""
        return f"{value if isinstance(value, str) else shown}{choice} of {', '.join(names)}{or_null}.{meant}"
    kind, limits = _kind(own), _limits(own)
    fits = isinstance(value, int) if base is int else isinstance(value, float | int) and value == value
    endless = value in (math.inf, -math.inf) and not limits.startswith("from")
    if fits and limits and not isinstance(value, bool) and not endless:
        return f"{shown} must be {limits}{or_null}."
    return f"{shown} must be {kind}{', ' if limits else ''}{limits}{or_null}."


def _own(hint: Any) -> tuple[Any, bool]:
    """The first member of a union that is a type of yaml's, and whether null is one, too."""
    base, _ = parts(hint)
    if typing.get_origin(base) not in (typing.Union, types.UnionType):
        return hint, False
    members = typing.get_args(base)
    for member in members:
        plain = parts(member)[0]
        if plain in (int, float, str, bool) or typing.get_origin(plain) in (list, dict, Literal):
            return member, type(None) in members
    return hint, type(None) in members


def _kind(hint: Any) -> str:
    base, notes = parts(hint)
    if typing.get_origin(base) is Literal:
        return f"one of {', '.join(str(name) for name in typing.get_args(base))}"
    if base is float and not any(isinstance(note, OrInfinite | Le | Lt) for note in notes):
        return "a finite number"
    kinds = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    origins = {list: "a list", dict: "a mapping"}
    return kinds.get(base) or origins.get(typing.get_origin(base) or base) or str(base)


def _limits(hint: Any) -> str:
    """The bounds of one annotation, empty where it has none."""
    notes = parts(hint)[1]
    limits: list[str] = []
    low = next((note.ge for note in notes if isinstance(note, Ge)), None)
    high = next((note.le for note in notes if isinstance(note, Le)), None)
    if low is not None and high not in (None, LARGEST):
        limits.append(f"from {low} to {high}")
    elif low is not None:
        limits.append(f"at least {low}")
    for note in notes:
        if isinstance(note, Gt):
            limits.append(f"above {note.gt}")
        elif isinstance(note, Lt):
            limits.append(f"below {note.lt}")
        elif isinstance(note, MultipleOf):
            limits.append(f"a multiple of {note.multiple_of}")
        elif isinstance(note, MinLen):
            exactly = any(isinstance(other, MaxLen) and other.max_length == note.min_length for other in notes)
            limits.append(f"{'exactly' if exactly else 'at least'} {_values(note.min_length)}")
    if high is not None and (low is None or high == LARGEST):
        limits.append("finite in single precision" if high == LARGEST else f"at most {high}")
    return " and ".join(limits)


def _values(count: int) -> str:
    return "one value" if count == 1 else f"{count} values"
