"""Shared fixtures: where real data is, and quiet, offline libraries."""

from __future__ import annotations

import os
import subprocess
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
