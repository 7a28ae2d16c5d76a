"""Training data that `hybridret.translate` made: the texts of another source, and their translations.

The folder holds a prepared copy, so that nothing is read again: `prepared/` with the files of data/prepared, among them
`queries.LANGUAGE.arrow` and `passages.LANGUAGE.arrow` of each language. A question whose query or passage did not pass
a filter does not exist in that language. Benchmarks of the source stay as they are.
"""

from __future__ import annotations

import os
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError, refusals
from hybridret.base.files import hash_json, read_json
from hybridret.base.languages import chosen_languages
from hybridret.base.progress import Progress
from hybridret.data.prepared.folder import ABOUT, PreparedFolder
from hybridret.data.prepared.question_sets import is_derived
from hybridret.data.prepared.shards import Shards
from hybridret.data.prepared.stored_pairs import ABOUT as PAIRS_ABOUT
from hybridret.data.prepared.stored_pairs import write_about

VERSION = 1  # of the reading: raise it when the same folder would give other pairs
PREPARED = "prepared"  # the folder with the result


class Translated:
    """A folder of `python -m hybridret.translate`.

    path: the folder that was its --output.
    languages: codes, in this order; None: all, those of the source first.
    """

    def __init__(self, path: str | None, languages: list[str] | tuple[str, ...] | None = None) -> None:
        if not path:
            raise UserError("data.path is not set: give the folder that `hybridret.translate` wrote (its --output).")
        self._path = Path(path).expanduser()
        self._asked = languages

    @property
    def name(self) -> str:
        """That of the source, with a word about the translation."""
        return str(self._found.about["name"])

    @property
    def templated(self) -> bool:
        """As the source."""
        return bool(self._found.about["templated"])

    def key(self) -> list[Any]:
        """The languages, and what the folder says of its files. Raises UserError where it is not whole."""
        return ["translated", VERSION, self.languages, hash_json(self._found.about)]

    def missing(self) -> list[str]:
        """The error message about a folder that is not there or not whole."""
        return refusals(lambda: self._found)

    def licence(self) -> str:
        """Terms of the source and of the model."""
        return str(self._found.about["licence"])

    @property
    def languages(self) -> list[str]:
        """The languages that are read. Raises UserError for one that the folder lacks."""
        known = list(dict.fromkeys(language for name in self._pairs for language in self._about(name)["languages"]))
        return chosen_languages("data.languages", self._asked, known, f"in {self._path}")

    def write(self, folder: Path, progress: Progress) -> dict[str, Any]:
        """Write the prepared copy into `folder`: links where the file system has them. OSError where it cannot."""
        about, shards, chosen = self._found.about, Shards(folder), self.languages
        skipped = self._skipped(chosen)
        names = [name for name in about["files"] if is_copied(name) and name not in skipped]
        with progress.task(f"copy {self.name}", len(names)) as advance:
            for name in names:
                source = self._found.path / name
                shards.file(name, lambda path, source=source: link(source, path))  # type: ignore[misc]
                advance()
        for name in self._pairs:
            known = self._about(name)
            here = [language for language in chosen if language in known["languages"]]
            negatives = [language for language in known["negatives"] if language in here]
            write_about(folder / name, known["name"], here, negatives, known["texts"])
        kept = ("training", "test", "summary")
        return {**{one: about[one] for one in kept}, "fingerprint": shards.fingerprint()}

    def _skipped(self, chosen: list[str]) -> set[str]:
        """The files of languages that are not read."""
        sides = ("queries", "passages", "negatives")
        return {
            f"{name}/{side}.{language}.arrow"
            for name in self._pairs
            for language in self._about(name)["languages"]
            for side in sides
            if language not in chosen
        }

    @property
    def _pairs(self) -> list[str]:
        return [*self._found.about["training"], "validation"]

    def _about(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self._found.path / name / PAIRS_ABOUT)
        return found

    @cached_property
    def _found(self) -> PreparedFolder:
        folder = self._path / PREPARED
        if not (folder / ABOUT).is_file():
            begun = (self._path / "translate.json").is_file()
            raise UserError(
                f"data.path={self._path} holds no finished translation. "
                + (
                    "Run the command that began it again: python -m hybridret.translate ... --output "
                    if begun
                    else "Make one: python -m hybridret.translate data=... --from en --to de --model nllb --output "
                )
                + f"{self._path}."
            )
        return PreparedFolder(folder)


def is_copied(name: str) -> bool:
    """Whether a file of prepared data holds in a folder with other languages as well."""
    base = Path(name).name
    return base != PAIRS_ABOUT and not is_derived(base)


def link(source: Path, path: Path) -> None:
    """`path` as the file `source`: a second name of it, or a copy on another file system. Files of prepared data are
    never changed. OSError where it cannot be written.
    """
    path.unlink(missing_ok=True)
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
