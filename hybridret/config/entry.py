"""Shared parts of the Hydra entries: the path of `conf/`, and errors as one paragraph with the right exit code.

It imports little: `--help` and `--cfg job` must answer in less time than the import of torch takes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from hybridret.base.errors import UserError
from hybridret.base.interruption import refuse, report_stopped, stopped_by
from hybridret.config.explain import explain

os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises instead of printing and leaving with 1

#: How Hydra's errors begin about options of its own that exclude each other.
OPTIONS = ("Only one of --run, --multirun", "The --resolve flag can only be used")


def config_folder() -> str:
    """The absolute path of `conf/`: the one packaged in the wheel, else the one of the checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "conf"
    return str(packaged if packaged.is_dir() else package.parent / "conf")


def guarded(main: Callable[[], int | None], config_name: str = "config") -> int:
    """Run an entry; print errors that the user can fix as one paragraph on stderr; return the exit code.

    A stop that Hydra or an import turned into another error is reported as a stop.
    """
    try:
        _refuse_pickled_config(sys.argv[1:])
        return main() or 0
    except SystemExit:
        raise
    except BaseException as error:
        if (code := stopped_by(error)) is not None:
            return report_stopped(code)
        if isinstance(error, UserError):
            refuse(error)
            return error.exit_code
        if isinstance(error, HydraException | OmegaConfBaseException):
            return refuse(UserError(_explained(error, config_name)))
        if isinstance(error, ValueError) and str(error).startswith("Config group override must be"):  # Hydra's own
            return refuse(UserError(_without_option(sys.argv[1:])))
        if isinstance(error, ValueError) and str(error).startswith(OPTIONS):
            return refuse(UserError(f"{str(error).rstrip('.')}, in: {' '.join(sys.argv[1:])}. Leave one option out."))
        raise


def _refuse_pickled_config(arguments: Sequence[str]) -> None:
    """Raise UserError for Hydra's option that unpickles a file, also in a shortened form."""
    for argument in arguments:
        option = argument.partition("=")[0]
        if option.startswith("--e") and "--experimental-rerun".startswith(option):
            raise UserError(
                f"{argument}: Hydra would unpickle that file, which runs whatever it holds. The same command as before "
                "goes on with a run; its config.yaml says with what."
            )


def _without_option(arguments: Sequence[str]) -> str:
    """The message for a group that is not set to the name of an option."""
    groups = sorted(path.name for path in Path(config_folder()).iterdir() if path.is_dir())
    for argument in arguments:
        group = argument.lstrip("+~").partition("=")[0].partition("@")[0]
        if group in groups:
            options = sorted(file.stem for file in (Path(config_folder()) / group).glob("*.yaml"))
            if argument.partition("=")[2].strip("'\"") not in options:
                return f"{argument}: give the name of an option of {group}, or leave it out. All: {', '.join(options)}."
    return "A group takes the name of one of its options: group=option. `--help` lists them."


def _explained(error: Exception, config_name: str) -> str:
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    GlobalHydra.instance().clear()
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return explain(error, sys.argv[1:], GlobalHydra.instance().config_loader(), config_name)
