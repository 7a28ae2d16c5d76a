"""The page in a browser: filters, sorting, files, address, marks, keyboard, phone, screen reader; no network."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from hybridret.base.markup import visible
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.collect import Sweep, collect
from hybridret.reporting.select import select
from hybridret.reporting.write import write_report

pytestmark = pytest.mark.slow

LANGUAGES = ("ar", "de", "en")
HOSTILE = "</script><script>window.hit=1</script><img src=x onerror='window.hit=1'>=1"
AXE = Path(__file__).with_name("assets") / "axe.min.js"
OWN = ("file:", "data:", "blob:")
MAIN = 'table[data-table="main_d"]'


def finding(text: str, importance: float) -> Finding:
    return Finding(text=text, decided=True, importance=importance, runs=2)


def find_nothing(evidence: object) -> None:
    return None


@pytest.fixture(scope="module")
def folder(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies x two sizes x two seeds on `d`; one of them on a test set of a hostile name, too."""
    made = tmp_path_factory.mktemp("sweeps") / "browsed"
    for strategy, seed, (size, body) in (
        (one, seed, size)
        for one in ("mono", "cross")
        for seed in (1, 2)
        for size in (("tiny", 55_000), ("small", 209_000))
    ):
        datasets = {"d": LANGUAGES} | ({HOSTILE: ("en", "de")} if (strategy, size) == ("mono", "tiny") else {})
        fabricate.run(made, strategy, seed, size=size, body=body, datasets=datasets, steps=200)
    return made


@pytest.fixture(scope="module")
def sweep(folder: Path) -> Sweep:
    return collect(folder)


@pytest.fixture(scope="module")
def report(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    about = Answer(name="win", position=1, title="Who wins", about="Differences of means.", find=find_nothing)
    found = Findings(sentences=[finding(f"Sentence {number} {HOSTILE}.", number) for number in range(9)])
    return write_report(sweep, tmp_path_factory.mktemp("report"), answers={about: found})


@pytest.fixture
def open_page(browser: Any, report: Path) -> Iterator[Callable[..., Any]]:
    """Opens the report from its file. After the test, no error stands in the console and nothing was fetched."""
    contexts, wrong = [], []

    def start(fragment: str = "", file: Path = report, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda one: wrong.append(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda one: wrong.append(str(one)))
        page.on(
            "request", lambda one: None if one.url.startswith(("file:", "data:", "blob:")) else wrong.append(one.url)
        )
        page.goto(f"{file.as_uri()}{fragment}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield start
    for context in contexts:
        context.close()
    assert not wrong


def column(page: Any, number: int, table: str = MAIN) -> list[str]:
    """The shown texts of a column, in their order."""
    script = """([table, number]) => [...document.querySelectorAll(`${table} tbody tr`)]
        .filter((row) => !row.hidden).map((row) => row.cells[number].firstChild.textContent)"""
    found: list[str] = page.evaluate(script, [table, number])
    return found


def choose(page: Any, name: str, value: str) -> None:
    """A click into a filter, as a reader does it."""
    page.click(f'[data-filter="{name}"] summary')
    page.check(f'[data-filter="{name}"] input[value="{value}"]')
    page.keyboard.press("Escape")


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
