"""The name of a run: what was overridden, and the seed. It holds no time, so the same command finds its run again.

A name is made of items `key-value` joined by `_`, the seed last. Keys hold no `-` and values no `_`, so that a name can
be read back and two different sets of overrides never share one. A value that a file name cannot show exactly
(paths, lists, quotes, underscores) is shortened and gets a hash of the exact value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from hybridret.base.errors import UserError
from hybridret.runs.hashing import NOT_HASHED

#: Overrides that are not items of the name: the seed is always at its end, and the others set only where and how a run
#: works. An entry covers the key, the group of that name, and all below it.
NOT_NAMED = ("seed", *NOT_HASHED)

LONGEST = 120
_ALONE = ("trainer",)  # the group `trainer=gpu` is not named, but trainer.precision=... below it is
_SHORT = {
    "batching.alpha": "alpha",
    "model.size": "size",
    "training.steps": "steps",
    "training.batch_size": "batch_size",
    "optim.lr": "lr",
    "loss.temperature": "temperature",
    "data.path": "path",
}
_LONG = set(_SHORT.values())
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_VALUE = re.compile(r"[A-Za-z0-9.+-]+")
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*(_[0-9]+)*)")
_FLOAT = re.compile(r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][+-]?[0-9]+)?")
_WORDS = {"true": "true", "false": "false", "null": "null", "none": "none"}


def run_name(overrides: Sequence[str], seed: int) -> str:
    """The folder name of a run from its overrides (`batching=hybrid`, `+data.x=1`, `~loss.y`) and its seed.

    The order of overrides does not matter; of several for one key the last counts. At most `LONGEST` characters, no
    `=`, `/`, space or quote.

    >>> run_name(["batching=hybrid", "batching.alpha=0.25", "trainer=gpu", "seed=1"], seed=1)
    'batching-hybrid_alpha-0.25_seed-1'
    >>> run_name([], seed=1)
    'default_seed-1'
    """
    chosen = named_overrides(overrides)
    items = [_item(key, chosen[key]) for key in sorted(chosen)]
    tail = f"seed-{int(seed)}"
    name = "_".join([*items, tail]) if items else f"default_{tail}"
    if len(name) > LONGEST:
        exact = "\n".join(f"{key}={chosen[key]}" for key in sorted(chosen))
        tail = f"{_hash(exact, 12)}_{tail}"
        name = f"{name[: LONGEST - len(tail) - 1].rstrip('_-.')}_{tail}"
    return name


def merge_name(parents: str, ratio: float, seed: int) -> str:
    """The folder name of a run whose weights are those of two others; `parents` is a hash of both.

    >>> merge_name("1f2e3d4c", 0.50, seed=1)
    'batching-merge_parents-1f2e3d4c_ratio-0.5_seed-1'
    """
    return f"batching-merge_parents-{parents}_ratio-{_canonical(repr(float(ratio)))}_seed-{int(seed)}"


def named_overrides(overrides: Sequence[str]) -> dict[str, str | None]:
    """The overrides that make another run: their values in one spelling each, None for a deletion."""
    chosen: dict[str, str | None] = {}
    for override in overrides:
        key, value = _split(override)
        if not _excluded(key):
            chosen[key] = value
    return chosen


def folder_name(name: object, key: str) -> str:
    """`name` if it is the name of one visible folder. Raises UserError naming `key` for a path, no name, or `.hidden`.

    >>> folder_name("alpha", "sweep")
    'alpha'
    """
    text = "" if name is None else str(name)
    if not text.strip() or text.startswith(".") or re.search(r"[/\\\0]", text):
        shown = "null" if name is None else repr(text)
        raise UserError(
            f"{key}={shown}: it must be the name of one folder, without slashes and with no dot in front, like "
            f"{key}=alpha. Where all results go is said with output=FOLDER."
        )
    return text


def _split(override: str) -> tuple[str, str | None]:
    """Key (`~` kept, `+` and `++` dropped: both set the value) and canonical value, None for a deletion."""
    key, equals, value = override.partition("=")
    key = key.strip().lstrip("+")
    if key.startswith("~"):
        return key, None
    return key, _canonical(value.strip()) if equals else ""


def _excluded(key: str) -> bool:
    key = key.lstrip("~").partition("@")[0].replace("/", ".")
    return key in _ALONE or any(key == name or key.startswith(f"{name}.") for name in NOT_NAMED)


def _canonical(value: str) -> str:
    """One spelling for one value: 0.50 and 5e-1 are 0.5, 1.0 is 1, True is true, 'word' is word."""
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if _INTEGER.fullmatch(value):
        return str(int(value))
    if _FLOAT.fullmatch(value):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        inner = value[1:-1]
        plain = _VALUE.fullmatch(inner) or re.fullmatch(r"[A-Za-z0-9._/~-]+", inner)
        number_like = _INTEGER.fullmatch(inner) or _FLOAT.fullmatch(inner) or inner.lower() in _WORDS
        return inner if plain and not number_like else value
    if not re.search(r"['\"\\]", value):
        return re.sub(r"\s*([\[\]{},:])\s*", r"\1", value)
    return value


def _item(key: str, value: str | None) -> str:
    shown = _SHORT.get(key, key)
    if value is None:
        return f"{re.sub('[^A-Za-z0-9_.]+', '.', shown).strip('.')}-unset-{_hash(key)}"
    if not _KEY.fullmatch(shown) or key in _LONG:  # groups of groups, packages (a/b@c): the hash tells them apart
        return f"{re.sub('[^A-Za-z0-9_.]+', '.', shown).strip('.')}-{_readable(value)}-{_hash(f'{key}={value}')}"
    if _VALUE.fullmatch(value):
        return f"{shown}-{value}"
    return f"{shown}-{_readable(value)}-{_hash(value)}"


def _readable(value: str) -> str:
    """What can be shown of a value: the last part of a path, the words of a list."""
    if not value.startswith(("[", "{")) and "/" in value:
        value = value.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9.+]+", "-", value).strip("-.")[:40] or "x"


def _hash(text: str, length: int = 8) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
