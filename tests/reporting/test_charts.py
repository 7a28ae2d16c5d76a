"""A chart is one file: nothing but that file names it, and it is drawn, written and shown."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from matplotlib.figure import Figure

from hybridret.reporting import charts
from hybridret.reporting.charts.chart import Chart, DatasetChart, SweepChart
from hybridret.reporting.charts.plot import Plot, legend_below, log_values, new_axes
from hybridret.reporting.charts.registry import known_charts
from hybridret.reporting.collect import Sweep, collect
from hybridret.reporting.write import write_report

ADDED = '''"""The number of languages, as a bar."""

from hybridret.base.files import file_name
from hybridret.reporting.charts.chart import DatasetChart
from hybridret.reporting.charts.plot import Plot, new_axes
from hybridret.reporting.select import select


def languages(sweep, dataset):
    found = select(sweep.metrics, dataset=dataset)["query_language"].nunique() - 1  # macro

    def draw():
        figure, axes = new_axes()
        axes.bar([dataset], [found])
        return figure

    return [Plot(f"languages_{file_name(dataset)}", "Number of <languages>.", draw)] if found > 1 else []


CHART = DatasetChart(
    name="languages", position=5, heading="Number of languages", caption="Bars & counts.", plots=languages
)
'''


@pytest.fixture
def add(tmp_path: Path) -> Iterator[Callable[[str, str], None]]:
    """Adds a file to the folder of charts, for one test."""
    added, names = tmp_path / "charts", []
    added.mkdir()

    def write(name: str, text: str) -> None:
        (added / f"{name}.py").write_text(text)
        names.append(name)

    charts.__path__.append(str(added))
    yield write
    charts.__path__.remove(str(added))
    for name in names:
        sys.modules.pop(f"{charts.__name__}.{name}", None)
        vars(charts).pop(name, None)


def figures(chart: Chart, sweep: Sweep) -> list[Plot]:
    if isinstance(chart, SweepChart):
        return chart.plots(sweep)
    assert isinstance(chart, DatasetChart)
    return [plot for dataset in sweep.datasets for plot in chart.plots(sweep, dataset)]


@pytest.mark.slow
@pytest.mark.parametrize("chart", known_charts(), ids=lambda chart: chart.name)
def test_every_chart_is_drawn(chart: Chart, rich: Path, alpha: Path, tmp_path: Path) -> None:
    for folder in (rich, alpha):
        if plots := figures(chart, collect(folder)):
            break
    assert plots, "no sweep of the tests has what this chart needs: add it to fabricate.py"
    assert len({plot.name for plot in plots}) == len(plots)
    for plot in plots:
        assert plot.name.startswith(f"{chart.name}_")
        assert plot.alt.endswith(".")
        assert isinstance(plot.draw(), Figure)
        ElementTree.fromstring(plot.svg)
    plots[0].write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{plots[0].name}.png", f"{plots[0].name}.svg"}


@pytest.mark.slow
def test_a_chart_is_one_file(fabricate: ModuleType, tmp_path: Path, add: Callable[[str, str], None]) -> None:
    for strategy in ("mono", "cross"):
        fabricate.run(tmp_path / "sweep", strategy, 1, datasets={"two": ("en", "de"), "one": ("en",)})
    add("languages", ADDED)
    page = write_report(collect(tmp_path / "sweep"), tmp_path / "report")
    written = {path.name for path in (tmp_path / "report" / "figures").glob("languages*")}
    assert written == {"languages_two.png", "languages_two.svg"}  # none of a test set in one language
    text = page.read_text(encoding="utf-8")
    trade = text.index(">Trade-off</h2>")
    heading, pairs = (text.index(f">{title}</h3>") for title in ("Number of languages", "Language pairs"))
    assert trade < heading < pairs  # the trade-off opens the page
    assert 'aria-label="Number of &lt;languages&gt;."' in text
    assert '<p class="lead">Bars &amp; counts.</p>' in text


def test_a_name_given_twice_is_refused(add: Callable[[str, str], None]) -> None:
    add("second_scatter", ADDED.replace('name="languages"', 'name="scatter"'))
    with pytest.raises(ValueError, match="two of 'scatter'"):
        known_charts()


@pytest.mark.parametrize("name", ["", "a/b", "two words"])
def test_a_name_that_no_file_can_begin_with_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a chart"):
        Chart(name=name, position=1)


def test_the_order_does_not_depend_on_names_of_files() -> None:
    orders = [chart.order for chart in known_charts()]
    assert orders == sorted(orders)
    assert [chart.name for chart in known_charts()] != sorted(chart.name for chart in known_charts())


@pytest.mark.parametrize("values", [[9_600.0, 11_200.0], [3.0, 28_016.0], [0.02, 0.9], [1.0, 1.0]])
def test_numbers_of_a_logarithmic_axis_are_plain(values: list[float]) -> None:
    """Formulas are not read in figures, so matplotlib's own numbers would stand there as their source."""

    def draw() -> Figure:
        figure, axes = new_axes()
        axes.plot([0, 1], values)
        axes.set_xticks([])
        log_values(axes)
        return figure

    texts = [
        text.strip()
        for element in ElementTree.fromstring(Plot("log", "", draw).svg).iter("{http://www.w3.org/2000/svg}text")
        for text in element.itertext()
    ]
    shown = [float(text.replace(",", "")) for text in texts]  # all but numbers would raise
    low, high = min(values), max(values)
    assert low == high or sum(low / 1.2 <= value <= high * 1.2 for value in shown) >= 2


def test_a_legend_of_many_leaves_room_for_the_axes() -> None:
    def draw() -> Figure:
        figure, axes = new_axes()
        for number in range(100):
            axes.plot([0, 1], [0, number], label=f"a configuration with a long name, number {number}")
        legend_below(figure, axes)
        return figure

    text = Plot("many", "", draw).svg.decode()  # a warning of matplotlib would be an error here
    assert "number 16" in text
    assert "and 83 more" in text
