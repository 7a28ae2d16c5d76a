"""Fabricated sweeps, made once."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def fabricate() -> ModuleType:
    """The module `fabricate.py` beside this file."""
    spec = importlib.util.spec_from_file_location("fabricate", Path(__file__).with_name("fabricate.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 strategies x 3 seeds, two untrained rows, one failed and one skipped point. Read only."""
    return fabricate.small(tmp_path_factory.mktemp("sweeps") / "small")


@pytest.fixture(scope="session")
def rich(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sizes and evaluations on XQuAD-R besides. Read only."""
    return fabricate.rich(tmp_path_factory.mktemp("sweeps") / "rich")


@pytest.fixture(scope="session")
def alpha(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five alphas x two seeds. Read only."""
    return fabricate.alpha(tmp_path_factory.mktemp("sweeps") / "alpha")


@pytest.fixture(scope="session")
def questioned(fabricate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`rich` with the values of 40 questions in every run. Read only."""
    return fabricate.questioned(fabricate.rich(tmp_path_factory.mktemp("sweeps") / "questioned"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium of the system, driven by playwright and without a network; skips where one of the two is absent."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium on this machine (apt-get install chromium)")
    with driver.sync_playwright() as play:
        started = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()
