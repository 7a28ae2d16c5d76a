"""A real Ray cluster on this machine: a head without cores, and workers of one core each. Every process of it is ended
by its id: `ray stop` would end whatever Ray there is."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hybridret.distributed.free_port import free_port

STARTED = 150.0  # seconds that a node may take on a machine that has other work
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no network
    "RAY_DISABLE_DOCKER_CPU_WARNING": "1",
    "RAY_health_check_period_ms": "500",  # a node that is killed is missed in seconds
    "RAY_health_check_failure_threshold": "4",
}
STORE = 100_000_000  # bytes; nothing of ours goes through Ray's objects
START = (sys.executable, "-m", "ray.scripts.scripts", "start", f"--object-store-memory={STORE}")
MEMORY = 4 << 30  # that Ray counts on; nothing is reserved


class Unstarted(Exception):
    """A node did not come up; the message has the end of its log."""


def missing() -> str | None:
    """Why there can be no cluster here, None where there can."""
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("aiohttp_cors") is None:
        return "the package ray[default] is not installed"
    if not Path("/proc/self/status").exists():
        return "processes are found through /proc"
    if shutil.disk_usage("/dev/shm").free < 4 * STORE:
        return "/dev/shm is too small for the object stores of three nodes"
    return None


class LocalRay:
    """`folder`: logs of the nodes. `address`: of the dashboard, once it has started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._temporary = Path(tempfile.mkdtemp(prefix="r", dir="/tmp"))  # paths of sockets must be short
        self._gcs, dashboard, client = free_port(), free_port(), free_port()
        self.address = f"http://127.0.0.1:{dashboard}"
        self._head = (
            "--head", "--node-ip-address=127.0.0.1", f"--port={self._gcs}", f"--ray-client-server-port={client}",
            "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", "--num-cpus=0",
            f"--temp-dir={self._temporary}", "--include-dashboard=true",
        )  # fmt: skip

    def start(self) -> None:
        """Start the head and two workers. Raises Unstarted."""
        self._node("head", *self._head)
        until(self.answers, "Ray's dashboard", STARTED, self._died("head"))
        for name in ("one", "two"):  # one after the other: each has 30 s of its own to start
            self.worker(name)

    def worker(self, name: str) -> None:
        """Start a worker node called `name`, which is also a custom resource of it. Raises Unstarted."""
        named = f'--resources={{"{name}": 1}}'
        for attempt in range(3):  # on a busy machine Ray gives up after 30 s, which it does not let one change
            address = f"--address=127.0.0.1:{self._gcs}"
            self._node(name, address, "--num-cpus=1", f"--memory={MEMORY}", named)
            try:
                until(lambda: self._up(name), f"worker {name}", STARTED, self._died(name))
                return
            except Unstarted:
                self.kill(name)
                if attempt == 2:
                    raise

    def answers(self) -> bool:
        """Whether jobs can be submitted."""
        with suppress(OSError, urllib.error.URLError):
            with urllib.request.urlopen(f"{self.address}/api/jobs/", timeout=5) as answer:
                return bool(answer.status == 200)
        return False

    def workers(self) -> list[str]:
        """The worker nodes that were started and not killed."""
        return [name for name in self._nodes if name != "head"]

    def processes(self, name: str) -> list[int]:
        """The processes of a node, those of its jobs included."""
        return descendants(self._nodes[name].pid)

    def kill(self, name: str) -> None:
        """SIGKILL to all processes of a node, those of its jobs included, as if its machine had lost power."""
        process = self._nodes.pop(name)
        own = [process.pid, *descendants(process.pid)]
        for pid in own:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)  # none may do something about the death of another
        for pid in {*own, *descendants(process.pid)}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End every process of the cluster, and remove its files."""
        for name in list(self._nodes):
            self.kill(name)
        shutil.rmtree(self._temporary, ignore_errors=True)

    def log(self, name: str) -> str:
        """The end of what a node said."""
        return (self._folder / f"{name}.log").read_text(errors="replace")[-1500:]

    def _up(self, name: str) -> bool:
        return "Ray runtime started" in (self._folder / f"{name}.log").read_text(errors="replace")

    def _node(self, name: str, *options: str) -> None:
        common = ("--block", "--min-worker-port=0", "--max-worker-port=0", "--dashboard-agent-listen-port=0")
        with open(self._folder / f"{name}.log", "wb") as log:
            self._nodes[name] = subprocess.Popen(
                [*START, *common, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, **QUIET},
            )  # fmt: skip

    def _died(self, name: str) -> Callable[[], str | None]:
        return lambda: None if self._nodes[name].poll() is None else self.log(name)


def descendants(pid: int) -> list[int]:
    """The processes that `pid` started, and those that they started."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError, IndexError):
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(path.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        own = children.get(waiting.pop(), [])
        found += own
        waiting += own
    return found


def until(
    holds: Callable[[], bool], what: str, seconds: float = 120.0, fault: Callable[[], str | None] = lambda: None
) -> None:
    """Wait for other programs, which give no other sign. Raises Unstarted with `what` it was waited for, at once where
    there is a fault."""
    end = time.monotonic() + seconds
    while not holds():
        if (words := fault()) is not None or time.monotonic() > end:
            raise Unstarted(f"waited for {what}: {words or f'{seconds:.0f} s'}")
        time.sleep(0.1)
