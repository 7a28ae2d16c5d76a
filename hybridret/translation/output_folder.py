"""The folder of a translation: which settings its files were made with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError

ABOUT = "translate.json"
WHAT = "the settings of a translation"
FREE = ("model", "revision")  # names of a model whose content is known


def claim_output(output: Path, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Note in `output` how the translations into each language of `wanted` are made; further languages may come later.

    Raises UserError where the folder holds translations of other settings or other things, and where it cannot be
    written.
    """
    known: dict[str, Any] = {}
    if (output / ABOUT).is_file():
        known = read_sealed(output / ABOUT, WHAT, "delete its folder and run the same command again").get("into", {})
    elif output.exists() and (not output.is_dir() or any(one.name[0] != "." for one in output.iterdir())):
        raise UserError(f"--output {output} holds other files. Choose a new folder.")
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
