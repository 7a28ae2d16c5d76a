"""Lets the package be imported where `annotated_types` or `pydantic` is missing, as on a machine that only has torch.

The package checks settings with them. Here settings are constants of this folder, which the tests check on a machine
that has both: without them nothing is checked. Call `stand_in` before anything of `hybridret` is imported.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import make_dataclass
from types import ModuleType
from typing import Any

BOUNDS = {
    "Ge": "ge", "Gt": "gt", "Le": "le", "Lt": "lt", "MaxLen": "max_length", "MinLen": "min_length",
    "MultipleOf": "multiple_of",
}  # fmt: skip


def stand_in() -> list[str]:
    """Replaces what is missing; returns the names of what was replaced."""
    missing = [name for name in ("annotated_types", "pydantic") if not there(name)]
    if "annotated_types" in missing:
        words: Any = ModuleType("annotated_types")
        for name, field in BOUNDS.items():
            setattr(words, name, make_dataclass(name, [field], frozen=True))
        sys.modules["annotated_types"] = words
    if missing:
        from hybridret.base import ranges

        ranges._adapter = lambda hint: None  # type: ignore[assignment]  # every value is as it is
    return missing


def there(name: str) -> bool:
    """Whether a package can be imported, without importing it."""
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:  # forbidden
        return False
