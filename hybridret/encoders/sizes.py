"""The table of sizes that a backbone family's yaml holds: `sizes: {tiny: {...}, small: {...}}`.

An entry has the keys that the family needs to build the size. It may also have `lr` and `embedding_lr`, which the
encoder does not use: other configs refer to them, because the right learning rate depends on the size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybridret.base.errors import SizeMissing, UserError, nearest

RATES = frozenset({"lr", "embedding_lr"})
LARGE = 500_000_000  # parameters from which a sweep shows its plan first; too many for training on a CPU


def resolve_size(sizes: Mapping[str, Any], size: str) -> str:
    """The name of the size: `auto` is the family's only size, or `tiny` if there are several.

    Raises SizeMissing for a size that the family lacks: a run then fails, and a sweep skips the point.
    """
    if size == "auto" and len(sizes) == 1:
        return next(iter(sizes))
    name = "tiny" if size == "auto" else size
    if name not in sizes:
        raise SizeMissing(f"model.size={size}: this backbone has no such size. It has: {', '.join(sizes)}.")
    return name


def size_entry(
    sizes: Mapping[str, Any], size: str, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The entry of `size` without learning rates. Raises UserError for a key that is missing or unknown."""
    name = resolve_size(sizes, size)
    entry = sizes[name]
    if not isinstance(entry, Mapping):
        raise UserError(f"backbone.sizes.{name} must be a mapping with {', '.join(sorted(required))}, not {entry!r}.")
    for key in sorted(required - entry.keys()):
        raise UserError(f"backbone.sizes.{name} lacks '{key}'.")
    for key in sorted(entry.keys() - required - optional - RATES):
        raise UserError(f"backbone.sizes.{name}.{key}: unknown key. {nearest(key, required | optional | RATES)}")
    return {key: value for key, value in entry.items() if key not in RATES}
