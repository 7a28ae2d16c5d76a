"""The page is for all: screen readers, dark and light, phones, no JavaScript, hostile names, two sweeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from browsing import HOSTILE, LANGUAGES, MAIN, choose, column

from hybridret.base.markup import visible
from hybridret.reporting.collect import Sweep, collect
from hybridret.reporting.write import write_report

pytestmark = pytest.mark.slow

AXE = Path(__file__).parent.parent / "assets" / "axe.min.js"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screen_reader_finds_nothing_wrong(open_page: Callable[..., Any], scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 25, 30)"
    assert dark == (scheme == "dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # draws what is out of view
    page.click('[data-filter="size"] summary')
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_the_switch_turns_the_colours_around(open_page: Callable[..., Any]) -> None:
    page = open_page(color_scheme="light")
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 25, 30)"
    page.reload()
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.locator("#theme").text_content() == "Light colours"


def test_a_phone_scrolls_in_one_direction(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.click('[data-filter="size"] summary')
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_without_javascript_all_is_there_to_read(open_page: Callable[..., Any]) -> None:
    page = open_page(java_script_enabled=False)
    assert page.locator("#answers li").count() == 7
    assert page.locator(MAIN).is_visible()
    assert page.locator("noscript svg.plot").first.is_visible()
    assert not page.locator("#filters").is_visible()


def test_the_policy_lets_nothing_else_run(open_page: Callable[..., Any], report: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    attack = "<script>window.hit=1</script><img src=x onerror='window.hit=1'></body>"
    (tmp_path / "attacked.html").write_text(text.replace("</body>", attack), encoding="utf-8")
    context = open_page().context
    page = context.new_page()
    page.goto((tmp_path / "attacked.html").as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    assert page.evaluate("window.hit") is None


def test_hostile_names_are_text_in_every_new_part(open_page: Callable[..., Any], report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    values = text.partition('id="values">')[2].partition("</script>")[0]
    assert "<" not in values
    assert visible(HOSTILE) in json.loads(values)["datasets"]
    page = open_page()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.click('[data-filter="dataset"] summary')
    assert HOSTILE in page.locator('[data-filter="dataset"] fieldset').text_content()
    assert HOSTILE in page.locator("[data-chart=tradeoff] svg.drawn").nth(1).get_attribute("aria-label")
    assert page.evaluate("window.hit") is None
    assert page.locator("img").count() == 0


def test_two_sweeps_stand_side_by_side_and_answer_to_the_same_filters(
    open_page: Callable[..., Any], fabricate: ModuleType, sweep: Sweep, tmp_path: Path
) -> None:
    for strategy, seed in (("mono", 1), ("hybrid", 1)):
        fabricate.run(tmp_path / "other", strategy, seed, datasets={"d": LANGUAGES}, steps=200)
    file = write_report(sweep, tmp_path / "report", beside=(collect(tmp_path / "other"), {}))
    page = open_page(file=file)
    boxes = page.locator(MAIN).evaluate_all("all => all.map((one) => one.getBoundingClientRect().x)")
    assert boxes[0] + 500 < boxes[1]
    page.wait_for_selector("[data-sweep='1'] [data-chart=tradeoff] svg.drawn")
    axes = "[data-sweep='{}'] [data-chart=tradeoff][data-dataset=d] svg.drawn text"
    ticks = [page.locator(axes.format(i)).all_text_contents() for i in (0, 1)]
    assert ticks[0] == ticks[1]  # the same axes
    choose(page, "strategy", "mono")
    assert column(page, 0, f"[data-sweep='0'] {MAIN}") == ["mono, tiny", "mono, small"]
    assert column(page, 0, f"[data-sweep='1'] {MAIN}") == ["mono"]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
