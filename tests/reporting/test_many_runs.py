"""A page of 500 runs is small and opens soon. The strict seconds stand in docs/log.md: machines of tests vary."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hybridret.reporting.charts.plot import Plot, new_axes
from hybridret.reporting.charts.registry import dataset_charts, sweep_charts
from hybridret.reporting.collect import collect
from hybridret.reporting.page import Shown, render_page

pytestmark = pytest.mark.slow


def test_five_hundred_runs(fabricate: ModuleType, tmp_path: Path, browser: Any) -> None:
    sweep = collect(fabricate.many(tmp_path / "many"))
    assert len(sweep.runs) == 500
    # Figures of files would take a minute; where they are drawn by the script, the page needs their names alone.
    whole = {one.name: [Plot(one.name, "", lambda: new_axes()[0])] for one in sweep_charts()}
    plots = {one.name: [Plot(one.name, "", lambda: new_axes()[0])] for one in dataset_charts() if one.drawn}
    text = render_page([Shown(sweep, whole, {"xquad_r": plots})])
    assert len(text.encode()) < 6_000_000
    file = tmp_path / "report.html"
    file.write_text(text, encoding="utf-8")
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(file.as_uri())
    page.wait_for_selector("[data-chart=tradeoff] .mark")
    assert page.locator("[data-chart=tradeoff] .mark").count() == 500
    assert page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") < 20_000
    page.evaluate("document.querySelector('[data-filter=seed] input[value=\"1\"]').click()")
    assert page.locator("[data-chart=tradeoff] .mark").count() == 100
    page.close()
