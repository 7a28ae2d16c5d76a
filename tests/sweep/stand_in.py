"""A Hydra application that stands in for `hybridret.run`: each point does what its `behaviour` says, without torch."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

os.environ["HYDRA_FULL_ERROR"] = "1"

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from hybridret.base.errors import BAD_INPUT, REQUEUE, UserError
from hybridret.base.graceful_stop import StopRequested, graceful_stop
from hybridret.config.run_identity import point_directory, point_hash
from hybridret.distributed.world import process_info
from hybridret.runs import Decision, State, StatusWriter


def behave(config: DictConfig, status: StatusWriter) -> None:
    match config.behaviour:
        case "finish":
            return
        case "raise":
            raise RuntimeError("a tensor was lost")
        case "exit":
            sys.stderr.write("the driver said no\n")
            os._exit(7)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "bad":
            raise UserError("data.path=nowhere: there is no such folder.")
        case "skip":
            status.set(State.SKIPPED, "this family has no such size")
            raise SystemExit(BAD_INPUT)
        case "requeue":
            raise SystemExit(REQUEUE)
        case "wait":
            wait(config)
        case "stubborn":
            stubborn(config)
        case "meet-r":
            Path(config.fifo).read_text()
        case "meet-w":
            Path(config.fifo).write_text("")


def wait(config: DictConfig) -> None:
    """Work until a signal comes, then reach a safe point."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    with graceful_stop() as stop:
        Path(config.fifo).write_text("x")
        while not stop():
            os.read(reader, 1)
        stop.check()


def stubborn(config: DictConfig) -> None:
    """Tell of each Ctrl-C, and go on."""
    fifo = os.open(config.fifo, os.O_WRONLY)
    signal.signal(signal.SIGINT, lambda *_: os.write(fifo, b"i"))
    os.write(fifo, b"x")
    reader, _writer = os.pipe()
    os.read(reader, 1)


@hydra.main(version_base="1.3", config_path=".", config_name="config")
def main(config: DictConfig) -> None:
    if not process_info().first:
        return
    run = point_directory(config, HydraConfig.get().overrides.task)
    hashed = point_hash(config)
    with run.lock():
        if run.claim(hashed) is Decision.FINISHED:
            return
        status = StatusWriter(run.status, hashed)
        status.set(State.RUNNING)
        try:
            behave(config, status)
        except StopRequested as stop:
            status.set(State.INTERRUPTED, str(stop))
            raise SystemExit(stop.exit_code) from None
        except UserError as error:
            status.set(State.FAILED, str(error))
            raise
        seen = {key: os.environ.get(key) for key in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")}
        run.write_result({"config_hash": hashed, "word": OmegaConf.to_container(config)["word"], "seen": seen})
        if "late" in config:  # killed before it can say so
            os.kill(os.getpid(), config.late)
        status.set(State.FINISHED)


if __name__ == "__main__":
    try:
        main()
    except (UserError, HydraException) as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(BAD_INPUT)
    except RuntimeError:
        traceback.print_exc()
        sys.exit(1)
