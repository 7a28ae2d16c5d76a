"""Where pydantic and annotated_types are missing, the package can be imported and takes values as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import annotated_types
import pytest
from gpu.stand_ins import BOUNDS, stand_in

ROOT = Path(__file__).resolve().parent.parent.parent
WITHOUT = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
hidden = ("annotated_types", "pydantic")
PathFinder.find_spec = lambda name, *more: None if name in hidden else find(name, *more)
from gpu.stand_ins import stand_in
print(stand_in(), stand_in())
from hybridret.losses.infonce import InfoNCE
print(InfoNCE(-1.0).temperature)
"""


def test_what_is_there_is_not_replaced() -> None:
    assert stand_in() == []
    assert sys.modules["annotated_types"] is annotated_types


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_bounds_have_the_fields_of_the_real_ones(name: str) -> None:
    assert getattr(getattr(annotated_types, name)(1), BOUNDS[name]) == 1


def test_without_both_nothing_is_checked() -> None:
    paths = {"PYTHONPATH": f"{ROOT / 'benchmarks'}:{ROOT}"}
    line = [sys.executable, "-c", WITHOUT]
    done = subprocess.run(line, capture_output=True, text=True, env=paths, check=True)
    assert done.stdout.splitlines() == ["['annotated_types', 'pydantic'] ['pydantic']", "-1.0"]
