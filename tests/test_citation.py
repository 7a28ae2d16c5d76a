"""CITATION.cff agrees with the package: version, licence, authors, paper."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

import hybridret

ROOT = Path(__file__).resolve().parent.parent
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_it_has_what_the_format_asks_for() -> None:
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= CITATION.keys()


def test_it_is_this_package() -> None:
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["version"] == hybridret.__version__
    assert CITATION["license"] == PROJECT["license"]
    assert [author["name"] for author in CITATION["authors"]] == [author["name"] for author in PROJECT["authors"]]


def test_the_paper_is_that_of_the_project() -> None:
    (paper,) = CITATION["references"]
    assert paper["url"] == PROJECT["urls"]["Paper"]
    assert paper["identifiers"][0]["value"].removeprefix("arXiv:") == paper["url"].rpartition("/")[2]
