"""A report in a browser: its sweep, its file, and a page that fails a test for an error or a request."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hybridret.reporting.answers.answer import Answer, Findings
from hybridret.reporting.collect import Sweep, collect
from hybridret.reporting.write import write_report

sys.path.insert(0, str(Path(__file__).parent))  # tests of this folder import what a reader does

from browsing import HOSTILE, LANGUAGES, finding


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
