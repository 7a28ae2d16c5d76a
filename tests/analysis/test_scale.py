"""Costs of evaluation on cases worked out by hand, and the page that is made of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hybridret.analysis.scale import (
    Encoder,
    Gpu,
    encoding_flops,
    encoding_seconds,
    gpus_to_hold,
    index_bytes,
    search_seconds,
)

ENCODER = Encoder("e", body=1000, layers=2, width=10)
GPU = Gpu("g", bf16=1e6, fp32=1e5, memory=100.0, bandwidth=50.0)


def test_flops_count_parameters_and_attention() -> None:
    # 2 x 1000 x 8 for the weights; scores and weighted sums of 8 x 8 x 10, twice two operations, in 2 layers
    assert encoding_flops(ENCODER, 8) == 16_000 + 2 * 2 * (2 * 8 * 8 * 10)


def test_seconds_divide_by_what_is_used_of_the_peak() -> None:
    assert encoding_seconds(ENCODER, 100, 8, GPU, 0.5) == pytest.approx(100 * encoding_flops(ENCODER, 8) / 5e5)


def test_bytes_of_an_index() -> None:
    assert index_bytes(32_893_221, 384, 2) == 32_893_221 * 768


@pytest.mark.parametrize(("queries", "seconds"), [(1, 10 * 4 * 2 / 50), (10_000, 2 * 10_000 * 10 * 4 / 1e5)])
def test_search_waits_for_memory_or_for_products(queries: int, seconds: float) -> None:
    assert search_seconds(queries, 10, 4, GPU, 2) == pytest.approx(seconds)


def test_gpus_round_up() -> None:
    assert [gpus_to_hold(size, GPU, 0.5) for size in (1, 50, 51, 101)] == [1, 1, 2, 3]


def test_the_page_is_what_its_command_makes() -> None:
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs" / "scale.md").read_text("utf-8")
    code = "import make_scale; print(make_scale.computed(), end='')"
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=root / "docs", capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert made.stdout.strip() in page
