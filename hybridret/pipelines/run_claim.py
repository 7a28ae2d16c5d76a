"""The life cycle of a run directory, the same for a training and for an evaluation: claimed, running, ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf

from hybridret.base.checksums import write_sealed_text
from hybridret.base.errors import INTERRUPTED, REQUEUE, UserError
from hybridret.base.files import write_json
from hybridret.base.interruption import StopRequested
from hybridret.base.progress import Both, Progress
from hybridret.runs import Decision, State, StatusProgress, StatusWriter, environment
from hybridret.runs.identity import RunIdentity
from hybridret.runs.pruning import Pruned


@dataclass(frozen=True)
class Claim:
    """A run directory that this process owns. `progress` is shown, and written into its status.json."""

    resume: bool
    progress: Progress


@contextmanager
def claimed(
    run: RunIdentity,
    config: Mapping[str, Any],
    progress: Progress,
    check: Callable[[], None] | None = None,
) -> Iterator[Claim]:
    """Own the directory of `run` for the block: locked, with config.yaml, environment.json and a status with heartbeat.

    The end of the block sets the final status: finished, skipped (a search gave it up), interrupted (a signal, here or
    in another process of the run), or failed with its reason; errors pass through. `check` is called while another
    process has the lock, and may raise.
    """
    directory = run.directory
    with directory.lock(check) if check is not None else directory.lock():
        status = StatusWriter(directory.status, run.config_hash)
        try:
            decision = directory.claim(run.config_hash)
            status.set(State.RUNNING)
            write_sealed_text(directory.config, OmegaConf.to_yaml(OmegaConf.create(dict(config))))
            write_json(directory.environment, environment())
            yield Claim(decision is Decision.RESUME, Both(StatusProgress(status), progress))
        except StopRequested as request:
            status.give_up(State.INTERRUPTED, str(request))
            raise
        except KeyboardInterrupt:
            status.give_up(State.INTERRUPTED, "stopped by a second Ctrl-C")
            raise
        except Pruned as verdict:
            status.give_up(State.SKIPPED, str(verdict))
            raise
        except UserError as error:
            stopped = error.exit_code in (REQUEUE, INTERRUPTED)  # another process of this run received a signal
            status.give_up(State.INTERRUPTED if stopped else State.FAILED, str(error))
            raise
        except BaseException as error:
            status.give_up(State.FAILED, f"{type(error).__name__}: {error}")
            raise
        status.set(State.FINISHED)
