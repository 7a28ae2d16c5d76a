"""Fixtures of this folder; its tests and processes can import `commands`, `pairs` and `armed_run`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from commands import SMALL, Commands, Train, rows, run_of, write_rows  # noqa: E402
from pairs import Pair  # noqa: E402


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of the processes: one thread, a cache for these tests alone, warnings shown."""
    cache = str(tmp_path_factory.getbasetemp() / "cache")
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default", "HYBRIDRET_CACHE": cache}


@pytest.fixture(scope="session")
def command(environment: dict[str, str]) -> Iterator[Commands]:
    """Runs a command and waits for it."""
    server = subprocess.Popen(
        [sys.executable, str(HERE / "forking.py")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        yield Commands(server)
        assert server.stdin is not None
        server.stdin.close()


@pytest.fixture(scope="session")
def train(command: Commands, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Runs `python -m hybridret.run` with the arguments of a small run, in a folder."""
    folder = write_rows(tmp_path_factory.getbasetemp() / "boxes, and 'quotes'", rows())
    return Train(command, (*SMALL, f'data.path="{folder}"'))


@pytest.fixture(scope="session")
def whole(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a small run that nothing disturbed. Copy it before changing anything in it."""
    folder = tmp_path_factory.mktemp("whole")
    done = train(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return run_of(folder)


@pytest.fixture(scope="session")
def steady(train: Train) -> Train:
    """The small run without dropout, whose masks differ from rank to rank."""
    return Train(train.command, tuple(text for text in train.arguments if not text.startswith("backbone.dropout")))


@pytest.fixture(scope="session")
def pair(steady: Train) -> Pair:
    """Runs the small run as two ranks."""
    return Pair(steady)


@pytest.fixture(scope="session")
def undisturbed(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of two ranks that nothing disturbed."""
    folder = tmp_path_factory.mktemp("two ranks")
    done = pair(folder)
    assert [one.returncode for one in done] == [0, 0], done
    assert "Finished:" in done[0].stdout
    assert done[1].stdout == ""
    return run_of(folder)


@pytest.fixture
def run_copy(whole: Path, tmp_path: Path) -> Path:
    """A finished run of one's own, to damage."""
    return Path(shutil.copytree(whole, tmp_path / "a run"))


@pytest.fixture(autouse=True)
def _commands_are_slow(request: pytest.FixtureRequest) -> None:
    """`make test-fast` has no time for tests that start commands of the program: each must have the mark."""
    if "command" in request.fixturenames and request.node.get_closest_marker("slow") is None:
        pytest.fail("This test starts commands: mark it, or its file, with pytest.mark.slow.", pytrace=False)
