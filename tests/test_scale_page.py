"""Costs of evaluation on cases worked out by hand, and the page that is made of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hybridret.planning.gpus import Gpu

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
import make_scale as page

ENCODER = page.Encoder("e", body=1000, layers=2, width=10)
GPU = Gpu("g", memory_bytes=100, bf16_flops=1e6, fp32_flops=1e5)


def test_flops_count_parameters_and_attention() -> None:
    # 2 x 1000 x 8 for the weights; scores and weighted sums of 8 x 8 x 10, twice two operations, in 2 layers
    assert page.encoding_flops(ENCODER, 8) == 16_000 + 2 * 2 * (2 * 8 * 8 * 10)


def test_seconds_divide_by_what_is_used_of_the_peak() -> None:
    assert page.encoding_seconds(ENCODER, 100, 8, GPU, 0.5) == pytest.approx(
        100 * page.encoding_flops(ENCODER, 8) / 5e5
    )


@pytest.mark.parametrize(("queries", "seconds"), [(1, 10 * 4 * 2 / 50), (10_000, 2 * 10_000 * 10 * 4 / 1e5)])
def test_search_waits_for_memory_or_for_products(queries: int, seconds: float) -> None:
    assert page.search_seconds(queries, 10, 4, GPU, 50.0, 2) == pytest.approx(seconds)


def test_gpus_round_up() -> None:
    assert [page.gpus_to_hold(size, GPU, 0.5) for size in (1, 50, 51, 101)] == [1, 1, 2, 3]


def test_the_page_is_what_its_command_makes() -> None:
    made = page.PAGE.read_text("utf-8").partition(page.BEGIN)[2].partition(page.END)[0]
    assert made == "\n" + page.computed()
