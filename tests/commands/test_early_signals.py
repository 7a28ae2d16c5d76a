"""A stop signal at any moment of a command's start and end: one line and 75 or 130, or a finished run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from commands import SMALL, rows, write_rows

from hybridret.base.interruption import PARENT

pytestmark = pytest.mark.slow

SENDER = """
import functools, importlib.abc, os, runpy, sys

def send():
    os.kill(os.getpid(), number)
    for _ in range(1000): pass  # the handler runs here

class Dying:
    def __del__(self):
        send()

class Finder(importlib.abc.MetaPathFinder):
    seen = 0
    def find_spec(self, name, path, target=None):
        Finder.seen += 1
        if name == place or str(Finder.seen) == place:
            sys.meta_path.remove(self)
            Dying() if how == "destructor" else send()

number, how, place, module = int(sys.argv[1]), *sys.argv[2:5]
sys.argv = [module, *sys.argv[5:]]
if how == "set_name":
    original = functools.cached_property.__set_name__
    def set_name(self, owner, name):
        if name == place:
            send()
        return original(self, owner, name)
    functools.cached_property.__set_name__ = set_name
elif how == "exit":
    import atexit
    atexit.register(send)
    sys.late = Dying()  # taken apart after the handlers
else:
    sys.meta_path.insert(0, Finder())
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def started(
    folder: Path, number: int, how: str, place: str, module: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    (folder / "sender.py").write_text(textwrap.dedent(SENDER))
    line = [sys.executable, str(folder / "sender.py"), str(int(number)), how, place, f"hybridret.{module}", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)


CODES = [(signal.SIGTERM, 75), (signal.SIGINT, 130), (signal.SIGUSR1, 75), (signal.SIGHUP, 75)]


@pytest.mark.parametrize(("number", "code"), CODES)
@pytest.mark.parametrize("place", ["hydra", "omegaconf.grammar_parser", "hydra_plugins"])
def test_while_hydra_is_read_and_a_sweep_is_composed(tmp_path: Path, number: int, code: int, place: str) -> None:
    stopped = started(tmp_path, number, "import", place, "run", "-m", "seed=1,2", f"output={tmp_path}/out")
    assert (stopped.returncode, stopped.stderr.count("\n")) == (code, 1), stopped.stderr
    assert "To go on: python -m hybridret.run -m seed=1,2" in stopped.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("how", "place"),
    [("set_name", "nodes_and_weights"), ("destructor", "scipy.stats"), ("import", "torch"), ("import", "1000")],
)
@pytest.mark.parametrize(("number", "code"), CODES[:2])
def test_inside_an_import_or_a_destructor(tmp_path: Path, number: int, code: int, how: str, place: str) -> None:
    """Raised there, an exception would become a RuntimeError or be swallowed."""
    stopped = started(tmp_path, number, how, place, "run", "model=nano", f"output={tmp_path}/out")
    assert (stopped.returncode, stopped.stderr.count("\n")) == (code, 1), stopped.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("module", "place", "arguments"),
    [
        ("report", "pandas", ("nowhere",)),
        ("publish", "torch", ("nowhere", "folder")),
        ("search", "numpy", ("nowhere",)),
        ("plan", "torch", ("model=nano",)),
        ("evaluate", "pandas", ("backbone=bm25",)),
        ("mine", "bm25s", ("name=a", "backbone=bm25", "data=cldr")),
        ("merge", "torch", ("mono=nowhere", "cross=nowhere")),
        ("translate", "numpy", ("data=cldr", "--to", "sw", "--model", "nowhere", "--output", "out")),
    ],
)
@pytest.mark.parametrize(
    ("how", "number", "code"), [("import", signal.SIGINT, 130), ("destructor", signal.SIGTERM, 75)]
)
def test_every_command(
    tmp_path: Path, number: int, code: int, how: str, module: str, place: str, arguments: tuple[str, ...]
) -> None:
    """A signal that is swallowed in a command that has nothing to undo may also let it end as it would have."""
    stopped = started(tmp_path, number, how, place, module, *arguments)
    assert stopped.stderr.count("\n") == 1, stopped.stderr
    assert stopped.returncode in ((code, 2) if how == "destructor" else (code,)), stopped.stderr  # 2: no such folder


@pytest.mark.parametrize("number", [number for number, _ in CODES])
def test_on_the_way_out_the_exit_code_stands(tmp_path: Path, number: int) -> None:
    done = started(tmp_path, number, "exit", "", "run", "--cfg", "job", "model=nano")
    assert (done.returncode, done.stderr) == (0, "")
    wrong = started(tmp_path, number, "exit", "", "run", "model=nana")
    assert wrong.returncode == 2


def test_a_finished_run_is_finished_when_a_signal_comes_at_its_end(tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "boxes", rows())
    arguments = (*SMALL, f"data.path={folder}", f"output={tmp_path}/out")
    done = started(tmp_path, signal.SIGTERM, "exit", "", "run", *arguments)
    assert done.returncode == 0, done.stderr
    (status,) = tmp_path.glob("out/*/*/status.json")
    assert '"finished"' in status.read_text()


def test_a_point_whose_sweep_died_before_it_began_leaves(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "hybridret.run", "model=nano", f"output={tmp_path}/out"]
    environment = {**os.environ, PARENT: str(os.getppid())}  # not that of what is started here
    stopped = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (stopped.returncode, stopped.stderr.count("\n")) == (75, 1), stopped.stderr
    assert not (tmp_path / "out").exists()
