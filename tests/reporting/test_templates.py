"""Templates escape what they are given and refuse names that nobody gave."""

from __future__ import annotations

import json
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import jinja2
import pytest
from markupsafe import Markup

from hybridret.reporting.collect import collect
from hybridret.reporting.table import Cell, Column, Remark, Table
from hybridret.reporting.templates import FOLDER, call, environment, render
from hybridret.reporting.write import write_report

MARKUP = "<b onclick='x()'>&amp;\"</b>"


class Reader(HTMLParser):
    """The text of a page and the names of its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags, self.values = "", set[str](), list[str]()
        self.feed(str(page))  # the methods of Markup escape what they compare with

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.values += [value or "" for _, value in attrs]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which templates are read besides our own, for one test."""
    own = environment().loader
    monkeypatch.setattr(environment(), "loader", jinja2.ChoiceLoader([own, jinja2.FileSystemLoader(tmp_path)]))
    return tmp_path


def test_a_name_that_nobody_gave_fails(folder: Path) -> None:
    (folder / "greeting.html").write_text("{{ name }}{% if titel %}!{% endif %}")
    with pytest.raises(jinja2.UndefinedError, match="titel"):
        render("greeting.html", name="x")
    (folder / "attribute.html").write_text("{{ table.captoin }}")
    with pytest.raises(jinja2.UndefinedError, match="captoin"):
        render("attribute.html", table=Table("t", "", [], []))


def test_text_is_escaped_and_markup_of_templates_is_not(folder: Path) -> None:
    (folder / "both.html").write_text("<i>{{ text }}</i>{{ made }}")
    made = render("both.html", text=MARKUP, made="")
    assert isinstance(made, Markup)
    assert "<b" not in made
    assert render("both.html", text="", made=made) == f"<i></i>{made}"


def test_all_that_a_table_shows_is_escaped() -> None:
    columns = [Column(MARKUP, str), Column(MARKUP, str, group=MARKUP, help=MARKUP)]
    rows = [[Cell(MARKUP), Cell(MARKUP, position=1, std=0.5)]]
    page = Reader(call("table.html", "table", Table("t", MARKUP, columns, rows, [Remark(MARKUP, "")], MARKUP)))
    assert page.text.count(MARKUP) == 8  # caption, group, two titles, name, its mark, value, note
    assert page.values.count(MARKUP) == 4  # the label of the scrolled box, the help, the group, a name without its mark
    assert page.tags == {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "strong", "small", "p"}


@pytest.mark.slow
def test_markup_in_the_name_of_a_run_is_text(fabricate: ModuleType, tmp_path: Path) -> None:
    name = "seed-1,<b onclick=x()>&amp;'\""
    for strategy in ("mono", "cross"):
        run = fabricate.run(tmp_path / "sweep", strategy, 1, datasets={"d": ("en", "de")})
        run.rename(run.with_name(f"{strategy},{name}"))
    page = write_report(collect(tmp_path / "sweep"), tmp_path / "report").read_text(encoding="utf-8")
    assert name not in page
    read = Reader(page)
    assert "b" not in read.tags
    assert f"mono,{name}" in read.text  # the table of runs
    values = json.loads(page.partition('id="values">')[2].partition("</script>")[0])
    assert sorted(values["sweeps"][0]["runs"]["run"]) == [f"cross,{name}", f"mono,{name}"]  # for the tooltips


def test_templates_are_part_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    (package,) = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]  # whole, whatever the ending
    assert FOLDER.relative_to(Path(__file__).parents[2]).parts[0] == package
