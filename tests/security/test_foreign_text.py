"""Text of somebody else in what we write and print: it stays text in Markdown, CSV, HTML, SVG and on the terminal."""

from __future__ import annotations

import csv
import importlib.util
import io
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from markdown_it import MarkdownIt

from hybridret import report
from hybridret.base.errors import UserError
from hybridret.base.interruption import refuse
from hybridret.base.markup import code_block, escape_markdown, inline_code, printable, spreadsheet
from hybridret.base.progress_lines import Lines
from hybridret.export.model_card import model_card
from hybridret.pipelines.terminal_summary import print_summary
from hybridret.reporting.table import Cell, Column, Remark, Table
from hybridret.search import Hit, shown
from hybridret.sweep.display import Display

TERMINAL = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e"  # sets the title, clears the screen, colours, turns letters around
HOSTILE = r"<img src=x onerror=alert(1)>\[x\](javas) [y](z) ![i](j) \| | ` $\frac$" + TERMINAL
CONTROL = set(TERMINAL) - set("]0;title[2Jm31")
MARKUP = {"html_inline", "html_block", "link_open", "image", "code_inline", "fence"}


def markup(text: str) -> set[str]:
    """What a reader of Markdown makes of `text` that is more than text; our own underlines left out."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inner = [one for token in tokens for one in token.children or []]
    return {one.type for one in [*tokens, *inner] if one.type in MARKUP and one.content not in ("<u>", "</u>")}


def test_the_attacks_are_real() -> None:
    assert {"html_inline", "link_open", "image"} <= markup(HOSTILE)
    assert "link_open" in markup(HOSTILE.replace("[", r"\[").replace("]", r"\]"))  # its own backslashes undo ours


def test_markdown() -> None:
    assert not markup(escape_markdown(HOSTILE))
    assert MarkdownIt().parse(escape_markdown("# title"))[0].type == "paragraph_open"
    assert "heading_open" not in [one.type for one in MarkdownIt().parse(escape_markdown("a\n---\n# b\n\n> c"))]


def test_a_table_of_all_its_fields() -> None:
    columns = [Column(HOSTILE, str), Column("value", str, group=HOSTILE)]
    table = Table("t", HOSTILE, columns, [[Cell(HOSTILE), Cell(0.5)]], [Remark("", HOSTILE)], f"Note: {HOSTILE}")
    text = table.markdown()
    assert not markup(text)
    tokens = [one.type for one in MarkdownIt().enable("table").parse(text)]
    assert tokens.count("td_open") == 2  # no further column
    assert not CONTROL & set(text + table.csv())


@pytest.mark.parametrize("value", ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(1)", " =1", "\t=1"])
def test_a_spreadsheet_computes_nothing(value: str) -> None:
    table = Table("t", "", [Column(value, str)], [[Cell(value)]], [Remark("", value)])
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert [cell for row in rows for cell in row if cell.strip().startswith(("=", "+", "-", "@"))] == []


def test_what_is_no_formula_stays() -> None:
    for value in ("-", "mono", "", -0.5, 3, None, "a\tb\nc", "می‌خواهم"):
        assert spreadsheet(value) == value


def test_code_ends_where_it_should() -> None:
    assert inline_code("Query: ") == "`Query: `"
    for text in ("`", "``` [x](y)", "a`b"):
        assert markup(f"- {inline_code(text)}") == {"code_inline"}
        (fence,) = MarkdownIt().parse(code_block("sh", [text, f"```\n{HOSTILE}"]))
        assert fence.type == "fence"


def test_a_model_card_of_hostile_records(encoder: Any) -> None:
    hostile = dict.fromkeys(("strategy", "alpha", "backbone", "size", "seed", "config_hash"), HOSTILE)
    result = hostile | {"notes": {HOSTILE: {HOSTILE: HOSTILE}}, "training": {"steps": HOSTILE}}
    result |= {"tokens": {HOSTILE: {}}, "data": {"name": HOSTILE, "licence": f"\n\n# {HOSTILE}"}}
    config = {"optim": {"lr": HOSTILE}, "loss": {"temperature": HOSTILE}, "training": {"batch_size": HOSTILE}}
    commands = [f"```\n{HOSTILE}"]
    text = model_card(encoder, {"name": HOSTILE, "result": result, "config": config, "commands": commands})
    body = text.split("---\n", 2)[2]
    inside = MarkdownIt("commonmark").enable("table").parse(body)
    assert markup(body) == {"fence", "code_inline"}  # how to use it, its commands, names of functions
    assert len([one for one in inside if one.type == "fence"]) == 2
    assert len([one for one in inside if one.type == "heading_open"]) == 6
    assert not CONTROL & set(text)


@pytest.fixture
def encoder() -> Any:
    from hybridret.base.settings import TextSettings
    from hybridret.encoders.scratch import Scratch

    class TextSource:
        def texts(self) -> list[str]:
            return [f"{number} squared is {number**2}" for number in range(40)]

        def fingerprint(self) -> str:
            return "squares"

    text = TextSettings("Query: ", "`[x](y)` ", 8, 8)
    sizes = {"nano": {"width": 16, "layers": 1, "heads": 2}}
    return Scratch(sizes, vocabulary_size=100, max_positions=16).encoder("nano", text, TextSource(), 0)


@pytest.fixture(scope="module")
def fabricate() -> ModuleType:
    path = Path(__file__).parent.parent / "reporting" / "fabricate.py"
    spec = importlib.util.spec_from_file_location("fabricate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tags(HTMLParser):
    """The names of the tags of a page, and of the attributes that run code."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, value in attrs if name.startswith("on") or "javascript:" in (value or ""))]


def test_a_report_of_hostile_records(tmp_path: Path, fabricate: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "sweep"
    for number, strategy in enumerate(("mono", "cross")):
        text = {"query_length": 8, "passage_length": 8, "query_prefix": HOSTILE * number, "passage_prefix": ""}
        options: dict[str, Any] = {"datasets": {HOSTILE: ("en", "de")}, "data": HOSTILE}
        fabricate.run(folder, strategy, 1, **options, config={"text": text, "optim": {"lr": number, "x": HOSTILE}})
    fabricate.unfinished(folder, "hybrid,seed-1", "failed", HOSTILE)
    assert report.main([str(folder)]) == 0
    printed = capsys.readouterr()
    assert not CONTROL & set(printed.out + printed.err)
    files = sorted((folder / "report" / "tables").iterdir())
    assert len(files) > 6
    for file in files:
        content = file.read_text(encoding="utf-8")
        assert not CONTROL & set(content)
        assert file.suffix != ".md" or not markup(content), file.name
    for file in (folder / "report" / "figures").glob("*.svg"):
        assert not CONTROL & set(file.read_text(encoding="utf-8"))
    tags = Tags()
    page = (folder / "report" / "report.html").read_text(encoding="utf-8")
    tags.feed(page)
    assert not CONTROL & set(page)
    assert not {"img", "onerror"} & set(tags.found)
    assert tags.found.count("script") == 4  # the values, which no browser runs, the library in two, and ours


def test_the_terminal_obeys_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    refuse(UserError(f"FILE: {HOSTILE}"))
    print_summary({f"{HOSTILE}/monolingual/map": 0.5})
    stream = io.StringIO()
    Display(1, stream).show_line(f"failed      {HOSTILE}")
    lines = Lines(stream, interval=0)
    with lines.task(f"encode {HOSTILE}", 2) as advance:
        advance(1, HOSTILE)
        lines.beat()
    assert "encode <img" in stream.getvalue()
    printed = capsys.readouterr()
    assert not CONTROL & set("".join(shown([Hit(0.5, HOSTILE, "1", HOSTILE)])))
    assert "[y](z)" in printed.out  # square brackets are no markup of rich
    assert stream.getvalue().startswith("failed      <img")
    assert not CONTROL & set(printed.out + printed.err + stream.getvalue())


def test_letters_of_all_scripts_are_shown() -> None:
    for text in ("می‌خواهم", "क्‍ष", "日本語　テキスト", "Kraków", "한국어", "ภาษาไทย", "👩‍🔬"):
        assert printable(text) == text.replace("　", " ")
