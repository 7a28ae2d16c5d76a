"""The glossary of docs/architecture.md against the tree: each word stands in its rooms, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
GLOSSARY = PAGE.partition("## Words\n")[2].partition("\n## ")[0]
ROWS = [[cell.strip() for cell in row] for row in re.findall(r"^\| ([a-z, ]+) \| (.+?) \|(.*)\|$", GLOSSARY, re.M)][1:]
ROOMS = {word: set(rooms.split()) for word, _, rooms in ROWS if rooms}
NEVER = re.findall(r"`(\w+)`", GLOSSARY.partition("No name is called")[2])
PACKAGE = ROOT / "hybridret"
#: Sentences and facts about places in the world.
NOT_CODE = ("data/cldr",)


def words_of(name: str) -> set[str]:
    """`RunDirectory` and `run_directory`: run, directory."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def names_of(source: str) -> Iterator[str]:
    """What a module gives names to: classes, functions, parameters, variables, attributes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def found() -> list[tuple[str, str, str]]:
    """Room, file, and name of everything in the package."""
    rows = []
    for path in sorted(PACKAGE.rglob("*.py")):
        file = path.relative_to(PACKAGE)
        room = file.parts[0].removesuffix(".py")
        rows += [(room, str(file), name) for name in {file.stem, *names_of(path.read_text(encoding="utf-8"))}]
    return rows


FOUND = found()


def test_the_glossary_is_short_and_in_order() -> None:
    words = [word for word, *_ in ROWS]
    assert words == sorted(words)
    assert 10 < len(words) <= 20
    assert len(ROOMS) >= 10
    assert NEVER


@pytest.mark.parametrize("word", sorted(ROOMS))
def test_a_word_stands_only_in_its_rooms(word: str) -> None:
    forms = {word, f"{word}s"}
    strange = {(file, name) for room, file, name in FOUND if forms & words_of(name) and room not in ROOMS[word]}
    assert not strange
    empty = [room for room in ROOMS[word] if not any(forms & words_of(name) for one, _, name in FOUND if one == room)]
    assert not empty  # the page names no room for nothing


@pytest.mark.parametrize("word", NEVER)
def test_a_name_that_means_nothing_is_not_used(word: str) -> None:
    strange = {(file, name) for _, file, name in FOUND if word in words_of(name) and not file.startswith(NOT_CODE)}
    assert not {one for one in strange if not one[1].endswith(("in_place", "into_place"))}


def test_a_schedule_of_the_learning_rate_is_called_so() -> None:
    known = {"schedule", "_schedule", "Schedule", "MixedSchedule", "learning_rate_schedule"}
    assert {name for _, _, name in FOUND if "schedule" in words_of(name)} <= known


def test_settings_are_sections_of_the_config() -> None:
    classes = {name for _, _, name in FOUND if name.endswith("Settings")}
    defined = re.findall(r"^class (\w+)", (PACKAGE / "base" / "settings.py").read_text(encoding="utf-8"), re.M)
    assert classes == {name for name in defined if name.endswith("Settings")}


def test_no_page_holds_marks_of_a_merge() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "conf").rglob("*.yaml")]
    assert len(pages) > 30
    marked = [str(page) for page in pages if re.search(r"^(<{7}|={7}|>{7})( |$)", page.read_text("utf-8"), re.M)]
    assert marked == []
