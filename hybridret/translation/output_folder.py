"""The folder of a translation: which settings its files were made with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import CannotWrite, UserError
from hybridret.runs.lock import InUse, exclusive

ABOUT = "translate.json"
WHAT = "the settings of a translation"
FREE = ("model", "revision")  # names of a model whose content is known


def check_output(output: Path) -> None:
    """Raise UserError where `output` is neither new nor the folder of a translation; nothing is written."""
    if (output / ABOUT).is_file() or not output.exists():
        return
    if not output.is_dir() or any(one.name[0] != "." for one in output.iterdir()):
        raise UserError(f"--output {output} holds other files. Choose a new folder.")


@contextmanager
def locked_output(output: Path) -> Iterator[None]:
    """Hold `output` for the block. Raises UserError where another command has it, and where it cannot be written."""
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(output / ".lock"))
        except InUse as error:
            raise UserError(
                f"--output {output}: another command translates into this folder. Wait for it or stop it, then run the "
                "same command again."
            ) from error
        except CannotWrite as error:
            reason = getattr(error.__cause__, "strerror", None) or error.__cause__
            raise UserError(f"--output {output} cannot be written: {reason}. Choose another folder.") from error
        yield


def claim_output(output: Path, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Note in `output` how the translations into each language of `wanted` are made; further languages may come later.

    Raises UserError where the folder holds translations of other settings or other things, and where it cannot be
    written.
    """
    check_output(output)
    known: dict[str, Any] = {}
    if (output / ABOUT).is_file():
        known = read_sealed(output / ABOUT, WHAT, "delete its folder and run the same command again").get("into", {})
    for language, made in wanted.items():
        if language in known and (differing := _differing(known[language], made)):
            raise UserError(
                f"--output {output} holds translations into {language} of other settings: {differing}. Choose another "
                "folder, or delete this one."
            )
    if any(language not in known for language in wanted):
        write_sealed(output / ABOUT, {"into": {**known, **wanted}})


def _differing(known: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    keys = [key for key in {**known, **made} if key not in FREE and known.get(key) != made.get(key)]
    return ", ".join(f"{key} {known.get(key)}, here {made.get(key)}" for key in keys)
