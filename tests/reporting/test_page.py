"""The page and its files: self-contained, well-formed, complete, and the same bytes each time."""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from hybridret.reporting.charts.registry import dataset_plots
from hybridret.reporting.charts.tradeoff import front_of, tradeoff
from hybridret.reporting.collect import collect
from hybridret.reporting.write import write_report

pytestmark = pytest.mark.slow

VOID = {"meta", "link", "br", "img", "input", "hr"}
LIBRARY = re.compile(r"<script>.*?</script>", re.DOTALL)


class Outline(HTMLParser):
    """Checks nesting and gathers ids and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._attributes(attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def _attributes(self, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id":
                self.ids.append(value or "")
            if key in ("href", "src", "xlink:href"):
                self.addresses.append(value or "")


@pytest.fixture(scope="module")
def page(rich: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(collect(rich), tmp_path_factory.mktemp("report"))


def outline(page: Path) -> Outline:
    parsed = Outline()
    parsed.feed(page.read_text(encoding="utf-8"))
    assert parsed.open == []
    return parsed


def test_the_page_needs_nothing_else(page: Path) -> None:
    parsed = outline(page)
    assert all(address.startswith(("#", "data:,")) for address in parsed.addresses)
    text = LIBRARY.sub("", page.read_text(encoding="utf-8"))  # what stands there runs under the page's policy
    assert "<script" in text
    assert not re.search(r"@import|url\(\s*['\"]?http|fetch\(|<script[^>]+src", text)


def test_ids_are_unique_and_links_arrive(page: Path) -> None:
    parsed = outline(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert {address[1:] for address in parsed.addresses if address.startswith("#")} <= set(parsed.ids)


def test_sections_are_there_and_text_is_escaped(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "step 300 &lt;b&gt;&amp; more" in text
    for title in ("Trade-off", "Language pairs", "Language bias", "Training curves", "Beside the paper", "in-domain"):
        assert title in text, title


def test_tables_and_figures_are_written_and_figures_are_well_formed(page: Path) -> None:
    figures, tables = page.parent / "figures", page.parent / "tables"
    for file in figures.glob("*.svg"):
        ElementTree.parse(file)
        assert file.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    names = {file.stem for file in figures.glob("*.svg")}
    assert {"scatter_xquad_r", "pairs_cldr_combinations", "curve_train", "bias_xquad_r"} <= names
    assert "size_cldr_combinations_monolingual" in names
    assert "size_xquad_r_monolingual" not in names  # one size only was evaluated there
    stems = {file.stem for file in tables.glob("*.csv")}
    assert {"main_xquad_r", "paper_xquad_r", "runs", "failures", "tokens", "mix"} <= stems
    assert stems == {file.stem for file in tables.glob("*.md")}


def test_the_same_runs_give_the_same_bytes(fabricate: ModuleType, tmp_path: Path) -> None:
    for strategy in ("mono", "cross"):
        fabricate.run(tmp_path / "sweep", strategy, 1, datasets={"d": ("en", "de")})

    def digests(folder: Path) -> dict[str, str]:
        write_report(collect(tmp_path / "sweep"), folder)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}

    first = digests(tmp_path / "one")
    assert len(first) > 10
    assert first == digests(tmp_path / "two")


def test_an_alpha_grid_gets_its_figure(alpha: Path) -> None:
    plots = dataset_plots(collect(alpha), "cldr_combinations")
    assert [plot.name for plot in plots["alpha"]] == ["alpha_cldr_combinations_1"]
    assert b"<svg" in plots["alpha"][0].svg


def test_the_front_is_of_means(small: Path) -> None:
    points = tradeoff(collect(small), "cldr_combinations", "map", 0)
    assert len(points) == 11
    assert set(front_of(points).index) == {"mono", "cross", "hybrid α=0.5"}


@pytest.mark.parametrize("trained", [True, False])
def test_one_run_alone_makes_a_page(fabricate: ModuleType, tmp_path: Path, trained: bool) -> None:
    fabricate.run(tmp_path / "sweep", "mono", 1, trained=trained, datasets={"d": ("en",)})
    outline(write_report(collect(tmp_path / "sweep"), tmp_path / "report"))


def test_a_monolingual_benchmark_makes_a_page_without_trade_off(fabricate: ModuleType, tmp_path: Path) -> None:
    path = fabricate.run(tmp_path / "sweep", "mono", 1, datasets={"beir": ("en",)})
    rows = [row for row in fabricate.metric_rows("beir", ("en",), (0.5, 0.5, 0.5, 9.0), 1) if row[1] == "monolingual"]
    fabricate.write_rows(path / "metrics.csv", rows)
    page = write_report(collect(tmp_path / "sweep"), tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert "Trade-off" not in text
    assert "Language bias" not in text
    outline(page)
