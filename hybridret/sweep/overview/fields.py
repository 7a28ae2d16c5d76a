"""Values of files that may hold anything: of the expected type and of a usual size, else None or ""."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_LARGEST = 2**63


def text(found: Mapping[str, Any], key: str) -> str:
    """A text, "" for anything else."""
    value = found.get(key)
    return value if isinstance(value, str) else ""


def whole(found: Mapping[str, Any], key: str) -> int | None:
    """A whole number of 64 bits."""
    value = found.get(key)
    return value if type(value) is int and abs(value) < _LARGEST else None


def number(found: Mapping[str, Any], key: str) -> float | None:
    """A finite number, as a float."""
    value: Any = found.get(key)
    if type(value) not in (int, float) or not abs(value) < _LARGEST:  # NaN is not smaller either
        return None
    return float(value)


def moment(value: object) -> datetime | None:
    """An ISO time with its zone."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None and math.isfinite(found.timestamp()) else None
