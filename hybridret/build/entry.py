"""What every Hydra entry shares: where `conf/` is, and errors as one paragraph with the right exit code.

Light on purpose: `--help` and `--cfg job` must answer before torch could even be imported.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from hybridret.cluster.explain import explain
from hybridret.cluster.signals import STOPPING, StopRequested
from hybridret.cluster.summary import command_line
from hybridret.errors import BAD_INPUT, INTERRUPTED, UserError

os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and leaving with 1


def config_folder() -> str:
    """The absolute path of `conf/`: the one packaged in the wheel, else the one of the checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "conf"
    return str(packaged if packaged.is_dir() else package.parent / "conf")


def guarded(main: Callable[[], int | None], config_name: str = "config") -> int:
    """Run an entry; print what the user can mend as one paragraph on stderr; return the exit code."""
    try:
        with _leaving():
            return main() or 0
    except UserError as error:
        _refuse(str(error))
        return error.exit_code
    except (HydraException, OmegaConfBaseException) as error:
        return _refuse(_explained(error, config_name))
    except KeyboardInterrupt:
        return _stopped(INTERRUPTED)
    except StopRequested as request:
        return _stopped(request.exit_code)


def _refuse(message: str) -> int:
    print(f"Error: {' '.join(message.split())}", file=sys.stderr)
    return BAD_INPUT


def _stopped(code: int) -> int:
    print(f"Stopped before there was anything to save. To go on: {command_line(sys.argv)}", file=sys.stderr)
    return code


@contextmanager
def _leaving() -> Iterator[None]:
    """Leave at once with the right code when the machine wants its place back while modules and configs are read.

    Work that has a state to save puts its own handlers above these (`graceful_stop`, the sweep's pool). Afterwards the
    exit code stands: taking torch apart lasts seconds, in which a second signal would replace it by its own.
    """

    def leave(signal_number: int, frame: FrameType | None) -> None:
        raise StopRequested(signal_number)

    numbers = [number for number in STOPPING if number != signal.SIGINT]  # Python's own answer to Ctrl-C is right
    for number in numbers:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, lambda signal_number, frame: None)  # not SIG_IGN, which child processes inherit


def _explained(error: Exception, config_name: str) -> str:
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return explain(error, sys.argv[1:], GlobalHydra.instance().config_loader(), config_name)
