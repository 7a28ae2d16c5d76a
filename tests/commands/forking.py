"""Imports the entries once and forks for each command: `python forking.py`, one JSON request per line on stdin.

A forked process runs the entry's own `main` with its own argv, folder, handlers and exit code; only the seconds for
importing torch are saved. `hooks` disturb it at an exact place instead of after some time:

    {"target": "module:Class.function", "call": 3, "signal": 2}     on its third call, before it does its work
    {"target": "module:function", "call": 1, "error": "MemoryError"}
    {"target": "module:function", "call": 1, "returns": "text"}
    {"target": "module:NAME", "value": 0.001}                       a constant with another value
    {"file_size": 20000}                                            no file may grow beyond that: a full disk

A request may be for several ranks, each a process with an environment, arguments and hooks of its own.
"""

from __future__ import annotations

import atexit
import builtins
import functools
import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from contextlib import ExitStack
from typing import Any

import hybridret.base.progress_lines
import hybridret.components.open_run
import hybridret.evaluate
import hybridret.merge
import hybridret.pipelines.evaluate_run
import hybridret.pipelines.merge_runs
import hybridret.pipelines.train_run
import hybridret.pipelines.train_worker
import hybridret.report
import hybridret.run
import hybridret.search
from hybridret.base.errors import UserError
from hybridret.base.interruption import interruptible

hybridret.base.progress_lines.INTERVAL = 3600.0  # a busy machine is no reason for a line that a test does not expect


def disturb(hook: dict[str, Any]) -> None:
    if "file_size" in hook:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hook["file_size"], resource.RLIM_INFINITY))
        return
    module, _, path = hook["target"].partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    if "value" in hook:
        setattr(owner, name, hook["value"])
        return
    original, calls = getattr(owner, name), iter(range(1, 1 << 30))

    @functools.wraps(original)
    def disturbed(*arguments: Any, **keywords: Any) -> Any:
        if next(calls) == hook["call"]:
            if "returns" in hook:
                return hook["returns"]
            if "error" in hook:
                kind = UserError if hook["error"] == "UserError" else getattr(builtins, hook["error"])
                raise kind("no room for 12 GiB")
            for _ in range(hook.get("times", 1)):
                signal.raise_signal(hook["signal"])
        return original(*arguments, **keywords)

    setattr(owner, name, disturbed)


def answer(request: dict[str, Any], out: int, err: int) -> None:
    """In the forked process: become the command."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(request["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [request["module"], *request["arguments"]]
    sys.modules["__main__"].__spec__ = importlib.util.find_spec(request["module"])
    for hook in request["hooks"]:
        disturb(hook)
    code = 1
    try:
        code = interruptible(importlib.import_module(request["module"]).main)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)  # taking torch's modules apart would take longer than the small run


def serve() -> None:
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        with ExitStack() as files:
            outputs = [[files.enter_context(tempfile.TemporaryFile()) for _ in range(2)] for _ in request["ranks"]]
            children = {}
            for rank, (changes, (out, err)) in enumerate(zip(request["ranks"], outputs, strict=True)):
                if (child := os.fork()) == 0:
                    os.environ.update(changes["environment"])
                    answer({**request, **changes}, out.fileno(), err.fileno())
                children[child] = rank
            codes = ended(children, request["launcher"])
            answers = [
                {"returncode": codes[rank]}
                | {name: file.seek(0) or file.read().decode() for name, file in (("stdout", out), ("stderr", err))}
                for rank, (out, err) in enumerate(outputs)
            ]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


def ended(children: dict[int, int], launcher: bool) -> dict[int, int]:
    """The exit code of each rank; where one ends badly, a launcher sends SIGTERM to the others."""
    codes: dict[int, int] = {}
    while len(codes) < len(children):
        child, status = os.wait()
        codes[children[child]] = os.waitstatus_to_exitcode(status)
        if launcher and codes[children[child]] != 0:
            for other, rank in children.items():
                if rank not in codes:
                    os.kill(other, signal.SIGTERM)
    return codes


if __name__ == "__main__":
    serve()
