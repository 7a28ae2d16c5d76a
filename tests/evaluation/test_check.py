from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.base.settings import EvaluationSettings
from hybridret.evaluation.check import check_settings


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("batch_size", 0),
        ("settings", ["mono"]),
        ("settings", []),
        ("cutoffs", []),
        ("cutoffs", [0]),
        ("cutoffs", [10, -1]),
        ("cutoffs", [2000]),
        ("entropy_temperature", 0.0),
        ("entropy_temperature", float("nan")),
        ("entropy_temperature", float("inf")),
        ("entropy_temperature", 1.5e300),
        ("entropy_sample", 0),
        ("precision", "fp8"),
        ("vectors", "int8"),
        ("full_ranks", -1),
        ("depth", 0),
        ("cache_from", -1),
    ],
)
def test_the_key_is_named(settings: EvaluationSettings, key: str, value: Any) -> None:
    changed: dict[str, Any] = {key: value}
    named = "depth" if value == [2000] else key
    with pytest.raises(UserError, match=rf"^evaluation\.{named}\b"):
        check_settings(replace(settings, **changed))


def test_half_precision_needs_a_gpu(settings: EvaluationSettings) -> None:
    half = replace(settings, precision="fp16")
    check_settings(half, "cuda:0")
    with pytest.raises(UserError, match=r"^evaluation\.precision=fp16 needs a GPU"):
        check_settings(half, "cpu")


def test_the_usual_ones_pass(settings: EvaluationSettings) -> None:
    check_settings(settings)
    check_settings(replace(settings, full_ranks=0, depth=10, cutoffs=[10]))
