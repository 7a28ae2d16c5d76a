"""Shared fixtures: where real data is, and quiet, offline libraries; which tests lack the mark `slow`."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("WANDB_SILENT", "true")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ROOT = Path(__file__).resolve().parent.parent
SLOW = 10  # seconds


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real multilingual data (`HYBRIDRET_DATA`, default `../shared/data`); skips where it is absent."""
    folder = Path(os.environ.get("HYBRIDRET_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder} (set HYBRIDRET_DATA)")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests share one cache folder of their own, never the user's."""
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`subprocess.Popen` whose processes and pipes end with the test: of one that fails nothing is left to others."""
    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
            process: subprocess.Popen[str] = stack.enter_context(subprocess.Popen(*arguments, **options))
            stack.callback(process.kill)  # before it is waited for
            return process

        yield start


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the tests that take long and are not marked slow. It fails nothing: seconds depend on the machine."""
    took: Counter[str] = Counter()
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        if isinstance(report, pytest.TestReport) and "slow" not in report.keywords:
            took[report.nodeid] += report.duration
    if late := [(name, seconds) for name, seconds in took.most_common() if seconds > SLOW]:
        terminalreporter.section(f"more than {SLOW} s and not marked slow: `make test-fast` runs these, too")
        for name, seconds in late:
            terminalreporter.line(f"{seconds:6.1f} s  {name}")
