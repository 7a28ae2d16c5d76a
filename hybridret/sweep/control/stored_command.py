"""The command that made a sweep, from its `sweep.json`, to be run again as it was typed.

A folder may come from somebody else, and its command must not start anything: only sweeps of `hybridret.run` are run
again, only in the folder that the command was typed for, and without words that name code of other people.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.sweep.overview.sweep_file import SweepFile

_STARTS = (["python", "-m", "hybridret.run"], ["hybridret", "run"])
_MULTIRUN = ("-m", "--multirun")


@dataclass(frozen=True)
class StoredCommand:
    """typed: what the user typed; arguments: those of `python -m hybridret.run`; directory: where."""

    typed: str
    arguments: tuple[str, ...]
    directory: Path


def stored_commands(folder: Path, sweep: SweepFile, runs: Iterable[str]) -> list[StoredCommand]:
    """The commands of the sweep `folder` that have one of `runs` among their points, in the order of their last start.
    What no command has, the last one may have; it alone where `runs` is empty. Raises UserError where one of them
    cannot be run again."""
    missing = set(runs)
    found: list[StoredCommand] = []
    for one in (*sweep.earlier, sweep):
        own = missing & one.points.keys()
        missing -= own
        if own or (one is sweep and (missing or not found)):
            command = stored_command(folder, one)
            found = [*(other for other in found if other != command), command]
    return found


def stored_command(folder: Path, sweep: SweepFile) -> StoredCommand:
    """The command of the sweep `folder`. Raises UserError where it cannot be run again from here, with the reason."""
    if sweep.command is None:
        raise UserError(f"{folder} has no sweep.json that holds its command. Run the command of the sweep yourself.")
    yourself = f"Run it yourself where you want it: {sweep.command}"
    try:
        words = shlex.split(sweep.command)
    except ValueError as error:
        raise UserError(f"{folder}: its sweep.json holds no command of a shell ({error}): {sweep.command}") from error
    start = next((one for one in _STARTS if words[: len(one)] == one), None)
    if start is None:
        raise UserError(f"{folder} was not made by `python -m hybridret.run -m`. {yourself}")
    arguments = tuple(words[len(start) :])
    if not any(word in _MULTIRUN for word in arguments):
        raise UserError(f"{folder}: its command is of a single run, not of a sweep. {yourself}")
    for word in arguments:
        if (why := _refused(word)) is not None:
            raise UserError(f"{folder}: its command holds {word!r}, which {why}. {yourself}")
    directory, own = sweep.directory, sweep.folder
    if directory is None or own is None:
        raise UserError(f"{folder} was made by an earlier version, which did not note where. {yourself}")
    there = directory.is_absolute() and directory.is_dir() and directory.resolve() == directory
    if not there or (directory / own).resolve() != folder.resolve():
        raise UserError(f"{folder} is not where its command was typed for, {directory / own}: it was moved. {yourself}")
    return StoredCommand(sweep.command, arguments, directory)


def _refused(word: str) -> str | None:
    """Why a word of a stored command is not passed on."""
    if word.startswith("-"):
        return None if word in _MULTIRUN else "is an option that can name other configs"
    key = word.lstrip("+~").partition("=")[0]
    if "_target_" in word or "${" in word or key == "hydra.launcher.module":
        return "can start other programs"
    if key.startswith("hydra.") and not key.startswith(("hydra.launcher.", "hydra.sweeper.")):
        return "changes Hydra itself"
    return None
