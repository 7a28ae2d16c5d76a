"""The processes of one run wait here for each other before torch joins them; errors explain when one is gone.

torch's own wait for a missing process does not react to signals: a run that is stopped before its first step would be
killed without a message. This wait checks ten times a second, through the store that torch uses anyway.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from hybridret.base.errors import BAD_INPUT, INTERRUPTED, POINT_FAILED, REQUEUE, UserError
from hybridret.base.progress import Advance, Progress
from hybridret.distributed.world import ProcessInfo, export_torchrun_variables, process_info

JOIN = timedelta(minutes=30)  # for all processes to read their data and build their encoders
LOOK = 0.1  # seconds
REPLY = timedelta(seconds=15)  # for a reply of a connected store
CALL = timedelta(seconds=3)  # for the connection to a store that answers
GO = "go"

_store: Any = None  # kept: the first process serves it, also to torch


class ProcessLost(UserError):
    """Another process of this run ended, so this one cannot go on; `exit_code`: of the other process, if known."""

    def __init__(self, message: str, exit_code: int = POINT_FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def join(progress: Progress, config_hash: str) -> None:
    """Wait until all processes of this run have called it. A single process returns at once.

    Every check calls `advance` of `progress`, whose exceptions end the wait. Raises UserError where a process does not
    come or has another config, and ProcessLost where one ended meanwhile.
    """
    here = process_info()
    if here.world == 1:
        return
    export_torchrun_variables()
    with progress.task("wait for the other processes", here.world) as advance, explain_lost_processes():
        store, deadline = _opened(here, advance), time.monotonic() + JOIN.total_seconds()
        store.set(f"config of {here.rank}", config_hash)
        store.add("here", 1)
        try:
            _wait_for_verdict(store, here, advance, deadline)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            code = int(getattr(error, "exit_code", POINT_FAILED))
            left = f"left {code} process {here.rank} of {here.world}: {' '.join(str(error).split())}"
            if store.compare_set("verdict", "", left).decode() != GO or code not in (REQUEUE, INTERRUPTED):
                raise
            # A signal after the verdict, too late to leave alone: all go on, and stop after the first step.
        verdict = store.get("verdict").decode()
    if verdict == GO:
        return
    word, code, text = verdict.split(" ", 2)
    raise UserError(text) if word == "wrong" else ProcessLost(f"Another process of this run left: {text}", int(code))


def _wait_for_verdict(store: Any, here: ProcessInfo, advance: Advance, deadline: float) -> None:
    """The first process writes the verdict when all are there; a process that leaves earlier writes it instead. Only
    the first write counts.
    """
    seen = 0
    while not store.check(["verdict"]):
        if here.first and seen == here.world:
            hashes = [store.get(f"config of {rank}").decode() for rank in range(here.world)]
            store.compare_set("verdict", "", _verdict(hashes))
            return
        found = store.add("here", 0)
        advance(found - seen)
        seen = found
        if seen < here.world or not here.first:
            _wait(deadline, f"{here.world - seen} of {here.world} did not come")


def _verdict(hashes: Sequence[str]) -> str:
    """`GO`, or what is wrong with the configs of the processes."""
    others = [rank for rank, config_hash in enumerate(hashes) if config_hash != hashes[0]]
    if not others:
        return GO
    return (
        f"wrong {BAD_INPUT} The processes of this run were started with different configs: number {others[0]} has the "
        f"hash {hashes[others[0]]}, number 0 {hashes[0]}. Give all of them the same command and the same files."
    )


@contextmanager
def explain_lost_processes() -> Iterator[None]:
    """In the block, an error of communication between processes becomes a ProcessLost."""
    try:
        yield
    except RuntimeError as error:
        if process_info().world == 1 or not _of_communication(error):
            raise
        here, text = process_info(), " ".join(str(error).split())
        raise ProcessLost(
            f"Another one of the {here.world} processes of this run ended or hangs, so that process {here.rank} cannot "
            f"go on ({text[:160]}). Its own message says why. What was saved is kept: run the same command again."
        ) from error


def leave() -> None:
    """Leave the group of a training that has ended well: later ends of other processes do not matter any more."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def _opened(here: ProcessInfo, advance: Advance) -> Any:
    """The store: served by the first process, or by torchrun."""
    global _store
    if _store is not None:
        return _store
    from torch._C._distributed_c10d import PrefixStore, TCPStore

    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    serves = here.first and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    deadline = time.monotonic() + JOIN.total_seconds()
    while True:
        if serves or _answers(host, port):
            try:
                # multi_tenant: torch's own store of the first process then shares this server.
                store = TCPStore(host, port, None, serves, timeout=CALL, wait_for_workers=False, multi_tenant=True)
                break
            except RuntimeError as error:  # it answered and is gone again: wait on
                if serves:
                    raise UserError(
                        f"MASTER_PORT={port} cannot be used ({' '.join(str(error).split())[:200]}). Set it to a free "
                        f"port, the same for all processes."
                    ) from error
        advance(0)
        _wait(deadline, f"nothing answers at {host}:{port}")
    store.set_timeout(REPLY)
    _store = PrefixStore(f"hybridret/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    return _store


def _answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1.0):
        return True
    return False


def _wait(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise UserError(
            f"The processes of this run did not find each other: {what}. Start all of them with torchrun or srun, on "
            f"machines that reach each other, and look at what the missing ones printed."
        )
    time.sleep(LOOK)


def _of_communication(error: RuntimeError) -> bool:
    """Whether an error of gloo, NCCL or a store means a lost process; gloo raises plain RuntimeErrors."""
    import torch.distributed as dist

    text = str(error)
    return isinstance(error, dist.DistError) or any(word in text for word in ("gloo", "NCCL", "Connection closed"))
