"""Tests that take long without the mark `slow` are named at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

CONFTEST = Path(__file__).resolve().parent / "conftest.py"


class Reporter:
    """Stands in for pytest's terminal."""

    def __init__(self, *reports: pytest.TestReport) -> None:
        self.stats: dict[str, list[Any]] = {"": list(reports[::2]), "passed": list(reports[1::2]), "warnings": ["none"]}
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines.append(title)

    def line(self, text: str) -> None:
        self.lines.append(text)


def reports(name: str, setup: float, call: float, *marks: str) -> list[pytest.TestReport]:
    keywords = dict.fromkeys(("test_slow_twin.py", *marks), 1)
    times = {"setup": setup, "call": call}
    return [
        pytest.TestReport(name, (name, 1, name), keywords, "passed", None, when, duration=seconds)  # type: ignore[arg-type]
        for when, seconds in times.items()
    ]


def test_what_takes_long_without_the_mark_is_named(request: pytest.FixtureRequest) -> None:
    conftest: Any = request.config.pluginmanager.get_plugin(str(CONFTEST))
    reporter = Reporter(
        *reports("quick", 1, 1), *reports("late", 6, 7), *reports("later", 0, 40), *reports("marked", 20, 20, "slow")
    )
    conftest.pytest_terminal_summary(reporter)
    assert reporter.lines[1:] == ["  40.0 s  later", "  13.0 s  late"]
    silent = Reporter(*reports("quick", 1, 1))
    conftest.pytest_terminal_summary(silent)
    assert silent.lines == []
