"""The cases of a card and their order, frozen: `benchmarks/gpu_check.py --dry-run --card 80` prints the same.

To freeze it anew: python tests/gpu_check/test_order.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

FROZEN = Path(__file__).resolve().parent.parent / "frozen" / "gpu_check_order.json"
BUDGET = 480.0

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "benchmarks"))


def order(card: str) -> list[list[str]]:
    """Case, size and recipe of each case in its order; those left out have a dash before them."""
    from gpu.cases import all_cases
    from gpu.dry_run import dry_run
    from gpu.expected import card_by_size

    lines = dry_run(all_cases(card_by_size(card)), BUDGET)[1:]
    return [[name, size, recipe] if at != "-" else ["-", name] for at, _, name, size, _, recipe in lines]


@pytest.mark.slow
@pytest.mark.parametrize("card", ["44", "80", "141"])
def test_the_order_of_a_card(card: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gpu import cases

    monkeypatch.setattr(cases, "there", lambda name: True)  # torchao
    assert order(card) == json.loads(FROZEN.read_text())[card]


@pytest.mark.slow
def test_every_training_is_planned_to_fit_and_checks_are_quick() -> None:
    from gpu.cases import all_cases
    from gpu.expected import RESERVE, card_by_size
    from gpu.verdicts import EXACT

    for size in ("44", "80", "141"):
        card = card_by_size(size)
        cases = all_cases(card)
        room = card.gpu.memory_bytes * (1 - RESERVE)
        for case in cases:
            assert bool(case.ways) != bool(case.missing)
            for way in case.ways:
                assert way.expected.get("planned_bytes", 0) <= room
        by_name = {case.name: case for case in cases}
        for name, case in by_name.items():
            small = by_name.get(name.replace("large batch", "100 pairs"))
            if "large batch" in name and case.ways and small is not None:
                planned = [way.expected["planned_bytes"] for way in (*case.ways, *small.ways)]
                assert max(planned[:-1]) <= 1.12 * planned[-1]
        assert sum(case.ways[0].seconds for case in cases if case.kind == "exact") <= EXACT


if __name__ == "__main__":
    from gpu import cases as listed

    listed.there = lambda name: True  # type: ignore[assignment]
    text = json.dumps({card: order(card) for card in ("44", "80", "141")}, indent=1)
    FROZEN.write_text(text + "\n", encoding="utf-8")
