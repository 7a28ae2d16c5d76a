"""The page answers to its reader: links, filters, sorting, files, address, marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import HOSTILE, MAIN, choose, column

from hybridret.reporting.collect import Sweep
from hybridret.reporting.select import select

pytestmark = pytest.mark.slow


def test_seven_sentences_open_the_page_and_lead_to_their_section(open_page: Callable[..., Any]) -> None:
    page = open_page()
    texts = page.locator("#answers li").all_text_contents()
    assert [text.split()[1] for text in texts] == ["8", "7", "6", "5", "4", "3", "2"]
    page.locator("#answers li a").first.click()
    assert page.evaluate("document.activeElement.id") == "answer-win"
    assert page.evaluate("window.hit") is None  # what the data hold is text
    assert HOSTILE in texts[0]


def test_a_link_leads_to_its_section_and_stays_there(open_page: Callable[..., Any]) -> None:
    """Figures are drawn when they come near: those above the target must not push it down on the way."""
    top = "document.getElementById('answer-win').getBoundingClientRect().top"
    page = open_page()
    # In a list: a promise of its own would be waited for here, before the click.
    page.evaluate("window.ended = [new Promise((done) => addEventListener('scrollend', done, { once: true }))]")
    page.click('nav a[href="#answer-win"]')
    page.evaluate("window.ended[0].then(() => null)")
    assert 0 <= page.evaluate(top) < 200
    direct = open_page("#answer-win", reduced_motion="reduce")
    assert 0 <= direct.evaluate(top) < 200


def test_a_filter_acts_on_tables_and_figures_at_once(open_page: Callable[..., Any], sweep: Sweep) -> None:
    page = open_page()
    page.wait_for_selector("[data-chart=tradeoff] svg")
    assert page.locator("[data-chart=tradeoff][data-dataset=d] .mark").count() == 8
    before = column(page, 2)
    choose(page, "seed", "1")
    assert page.locator("[data-chart=tradeoff][data-dataset=d] .mark").count() == 4
    assert column(page, 1) == ["1"] * 4
    rows = select(sweep.metrics, dataset="d", metric="map", setting="monolingual", query_language="macro")
    names = dict(zip(rows["run"], rows["value"], strict=True))
    runs = sweep.runs[sweep.runs["seed"] == 1]
    wanted = [f"{names[run]:.3f}".removeprefix("0") for run in runs["run"]]
    assert column(page, 2) == wanted
    assert column(page, 2) != before
    assert page.locator("#filters .count").text_content() == "4 of 8 runs"
    choose(page, "strategy", "mono")
    assert column(page, 0) == ["mono, tiny", "mono, small"]
    assert len(column(page, 0, 'table[data-table="runs"]')) == 2
    assert column(page, 0, 'table[data-configuration="cross, tiny"]') != []  # hidden with its whole table
    assert not page.locator('table[data-configuration="cross, tiny"]').first.is_visible()
    page.click("#clear")
    assert column(page, 2) == before


def test_a_filter_of_languages_averages_what_is_left(open_page: Callable[..., Any], sweep: Sweep) -> None:
    page = open_page("#language=de&language=en")
    rows = select(sweep.metrics, dataset="d", metric="map", setting="cross-lingual", configuration="mono, tiny")
    kept = rows[rows["query_language"].isin(["de", "en"]) & rows["corpus_language"].isin(["de", "en"])]
    wanted = kept.groupby("run")["value"].mean().mean()
    heads = page.evaluate(
        f"[...document.querySelectorAll('{MAIN} thead tr:last-child th')].map((one) => one.dataset.source)"
    )
    shown = column(page, heads.index("cross-lingual/map/0/macro"))[0]
    assert shown == f"{wanted:.3f}".removeprefix("0")
    titles = page.locator('table[data-table="pairs_d_mono, tiny"] thead tr:last-child th:visible').all_text_contents()
    assert titles == ["query", "de", "en"]


def test_tables_sort_in_both_directions_and_back(open_page: Callable[..., Any]) -> None:
    page = open_page()
    before = column(page, 2)
    button = page.locator(f"{MAIN} thead tr:last-child th").nth(2).locator("button")
    numbers = [float(text) for text in before]
    button.focus()
    page.keyboard.press("Enter")
    assert [float(text) for text in column(page, 2)] == sorted(numbers)
    assert page.locator(f"{MAIN} [aria-sort]").get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert [float(text) for text in column(page, 2)] == sorted(numbers, reverse=True)
    assert page.locator(f"{MAIN} [aria-sort]").get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")
    assert column(page, 2) == before


def test_the_address_keeps_filters_measure_and_sorting(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page()
    choose(page, "size", "tiny")
    page.select_option("#measure", "mrr")
    for _ in range(2):
        page.locator(f"{MAIN} thead tr:last-child th").nth(2).locator("button").click()
    page.locator('nav a[href="#runs"]').click()  # does not lose them
    fragment = page.evaluate("location.hash")
    again = open_page(fragment)
    assert column(again, 0) == column(page, 0)
    assert set(column(again, 0)) == {"mono, tiny", "cross, tiny"}
    assert again.locator("#measure").input_value() == "mrr"
    again.evaluate("scrollTo(0, 0)")
    again.wait_for_selector('[data-chart=tradeoff] svg[aria-label*="MRR@10"]')
    plain = open_page("#size=no-such-size&sort=-x:y")  # what is not known is passed over
    assert len(column(plain, 0)) == 4


def test_tables_and_figures_download(open_page: Callable[..., Any], report: Path) -> None:
    page = open_page(accept_downloads=True)

    def content(selector: str) -> bytes:
        with page.expect_download() as waiting:
            page.locator(selector).first.click()
        return Path(waiting.value.path()).read_bytes()

    holder = f".holder:has({MAIN}) button.download"
    rows = list(csv.reader(io.StringIO(content(holder).decode())))
    written = list(csv.reader(io.StringIO((report.parent / "tables" / "main_d.csv").read_text())))
    assert [name.strip() for name in rows[0]] == written[0]
    for one, other in zip(rows[1:], written[1:], strict=True):
        assert one[0] == other[0]
        np.testing.assert_allclose([float(x) for x in one[1:]], [float(x) for x in other[1:]], rtol=1e-8)
    chart = "[data-chart=tradeoff][data-dataset=d]"
    svg, png, lines = (content(f'{chart} button:has-text("{form}")') for form in ("SVG", "PNG", "CSV"))
    assert svg.startswith(b"<svg")
    assert b"xmlns" in svg
    assert png.startswith(b"\x89PNG")
    assert len(list(csv.DictReader(io.StringIO(lines.decode())))) == 8
    # A name that a spreadsheet would compute is a text there.
    page.evaluate("document.querySelector('table[data-table=runs] tbody th').textContent = '=1+1'")
    assert b"'=1+1" in content('.holder:has(table[data-table="runs"]) button.download')


def test_marks_are_named_on_hover_and_by_the_keyboard(open_page: Callable[..., Any]) -> None:
    page = open_page()
    page.wait_for_selector("[data-chart=tradeoff][data-dataset=d] .mark")
    marks = page.locator("[data-chart=tradeoff][data-dataset=d] .mark")
    marks.first.scroll_into_view_if_needed()
    marks.first.dispatch_event("pointerenter")
    assert "mono" in page.locator("#tip").text_content()
    assert marks.evaluate_all("all => all.filter((one) => one.tabIndex === 0).length") == 1
    marks.first.focus()
    seen = {page.locator("#tip").text_content()}
    for _ in range(7):
        page.keyboard.press("ArrowRight")
        seen.add(page.locator("#tip").text_content())
    assert len(seen) == 8
    page.keyboard.press("Escape")
    assert not page.locator("#tip").is_visible()
