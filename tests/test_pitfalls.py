"""docs/pitfalls.md and what refers to it: anchors are headings, headings are referred to, tests exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
HEADINGS = [section.splitlines()[0] for section in SECTIONS]
ENDINGS = {".py", ".md", ".yaml", ".sh", ".html"}


def slug(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def texts(*folders: str) -> dict[str, str]:
    """File -> its text, without this file."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*"))]
    files += sorted(ROOT.glob("*.md"))
    return {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for file in files
        if file.suffix in ENDINGS and file != Path(__file__).resolve()
    }


def mentioned(*folders: str) -> set[tuple[str, str]]:
    """(file, anchor) of each reference to the page."""
    found = texts(*folders)
    return {(file, one) for file, text in found.items() for one in re.findall(r"pitfalls\.md#([\w-]+)", text)}


def test_headings_have_different_anchors() -> None:
    anchors = [slug(heading) for heading in HEADINGS]
    assert anchors
    assert len(anchors) == len(set(anchors))


def test_every_reference_leads_to_a_heading() -> None:
    anchors = {slug(heading) for heading in HEADINGS}
    references = mentioned("hybridret", "tests", "docs", "conf", "benchmarks", "scripts")
    assert references
    assert sorted(one for one in references if one[1] not in anchors) == []


def test_every_heading_is_referred_to_by_the_code() -> None:
    anchors = {anchor for _, anchor in mentioned("hybridret", "tests")}
    assert [heading for heading in HEADINGS if slug(heading) not in anchors] == []


@pytest.mark.parametrize("section", SECTIONS, ids=map(slug, HEADINGS))
def test_each_section_names_tests_that_exist(section: str) -> None:
    assert section.count("\nhybridret: ") == 1
    last = section.split("\n## ")[0].rstrip().splitlines()[-1]
    assert last.startswith("Test: ")
    named = re.findall(r"`(tests/[^`]+)`", last)
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_no_list_outside_of_the_project_is_referred_to_by_number() -> None:
    numbered = re.compile(r"\btraps?\s+\d", flags=re.IGNORECASE)
    found = texts("hybridret", "tests", "docs", "conf", "benchmarks", "scripts")
    assert [file for file, text in found.items() if numbered.search(text)] == []
