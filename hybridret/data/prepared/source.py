"""The door between a source and a run: what a source holds is prepared once, then read from disk by every point."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from hybridret.base.errors import CannotWrite, UserError
from hybridret.base.files import cache_folder, hash_json
from hybridret.base.progress import Progress, Quiet
from hybridret.base.records import Collection, ParallelPairs
from hybridret.data.prepared.card import columns_of
from hybridret.data.prepared.distinct import each_text_once
from hybridret.data.prepared.folder import ABOUT, VERSION, PreparedFolder, complete, write_about, write_source
from hybridret.data.prepared.kept_card import kept_card
from hybridret.data.prepared.shards import JOURNAL
from hybridret.data.source import PairSource, ReadSource, StreamedSource, WeightedSource
from hybridret.runs.lock import enter_when_free, exclusive

_log = logging.getLogger(__name__)


class PreparedSource:
    """`source` read from its prepared copy, which is made where there is none.

    The copy lies below the cache folder under a hash of the source's `key()`: its settings, and names, sizes, times and
    probes of its files. Files that change get another copy. Of two processes one prepares, and the other waits.

    Every method raises UserError as `source` does, for a copy that is damaged, and where the cache cannot be written.
    """

    def __init__(self, source: PairSource | StreamedSource, progress: Progress | None = None) -> None:
        self.source, self._progress = source, progress or Quiet()

    def prepare(self, progress: Progress) -> PreparedFolder:
        """The copy; made with `progress` where there is none."""
        self._progress = progress
        return self._folder

    @property
    def streamed(self) -> bool:
        """Whether the copy is written file by file, so that a preparation that was stopped goes on."""
        return isinstance(self.source, StreamedSource)

    def is_prepared(self) -> bool:
        """Whether there is a copy already; whether it is whole is seen when it is read."""
        return (self.path / ABOUT).is_file()

    @property
    def name(self) -> str:
        """As the source is called in tables and files."""
        return self.source.name

    @property
    def templated(self) -> bool:
        """Whether almost equal texts are no leak."""
        return self.source.templated

    def key(self) -> list[Any]:
        """That of the source."""
        return self.source.key()

    def missing(self) -> list[str]:
        """What of the files of the source is not there."""
        return self.source.missing()

    def training(self) -> tuple[ParallelPairs, ...]:
        """The training pairs, one view per dataset."""
        return self._training

    def validation(self) -> ParallelPairs:
        """The validation pairs."""
        return self._validation

    def test(self) -> tuple[Collection, ...]:
        """The held-out test sets."""
        return self._test

    def texts(self) -> Iterable[str]:
        """All training queries and passages, each text once."""
        return each_text_once(self._training)

    def articles(self) -> frozenset[str] | None:
        """Titles of the articles that are trained on, None where the source knows none."""
        return self._folder.articles()

    def fingerprint(self) -> str:
        """That of the source, from the copy."""
        return str(self._folder.about["fingerprint"])

    def licence(self) -> str:
        """That of the source, from the copy."""
        return str(self._folder.about["licence"])

    def summary(self) -> dict[str, Any] | None:
        """What the source counted, from the copy."""
        found: dict[str, Any] | None = self._folder.about["summary"]
        return found

    def card(self) -> dict[str, Any]:
        """The data card of the copy (see `data_card`)."""
        return kept_card(self._folder, self.source.key())

    @cached_property
    def path(self) -> Path:
        """Where the copy lies; no file of it is read."""
        return self._path_of(VERSION)

    def _path_of(self, version: int) -> Path:
        return cache_folder() / "prepared" / hash_json([version, self.source.key()], 24)

    @cached_property
    def _folder(self) -> PreparedFolder:
        return self._found() or self._made()

    def _found(self, warn: bool = True) -> PreparedFolder | None:
        """The copy that is there, None where there is none or it is not whole, of which a warning states the reason."""
        if not self.is_prepared():
            return None
        try:
            return PreparedFolder(self.path)
        except UserError as error:
            if warn:
                _log.warning("%s It is prepared again.", error)
            return None

    def _made(self) -> PreparedFolder:
        try:
            return self._made_alone()
        except (OSError, CannotWrite) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            reason = " ".join(str(getattr(cause, "strerror", None) or cause or error).split()).rstrip(".")
            raise UserError(
                f"Cannot write the prepared copy of {self.name}, {self.path}: {reason}. Free some space, or set "
                f"HYBRIDRET_CACHE to a folder with room, and run the same command again: what is written whole is kept."
            ) from error

    def _made_alone(self) -> PreparedFolder:
        """The copy, made while no other process makes it."""
        with ExitStack() as stack:
            waiting = f"wait for another process that prepares {self.name}"
            lock = self.path.with_suffix(".lock")
            enter_when_free(stack, lambda: exclusive(lock), self._progress, waiting)
            if (found := self._found(warn=False)) is not None:  # another process was faster
                return found
            shutil.rmtree(self.path, ignore_errors=True)
            for older in filter(Path.is_dir, map(self._path_of, range(1, VERSION))):
                _log.warning(
                    "%s is the prepared copy of an earlier version of hybridret, which this one does not read: it is "
                    "prepared again. Delete the old one when nobody uses it.",
                    older,
                )
            self._write()
        made = PreparedFolder(self.path)
        with self._progress.task(f"count what {self.name} holds, for its data card", columns_of(made)) as advance:
            kept_card(made, self.source.key(), advance)
        return made

    def _write(self) -> None:
        """Write the copy beside its path, and rename it when it is whole."""
        part = self.path.with_suffix(".part")
        with self._progress.task(f"prepare {self.name}", None):
            if isinstance(self.source, StreamedSource):
                part.mkdir(parents=True, exist_ok=True)  # with the files that a killed process wrote whole
                about = self.source.write(part, self._progress)
                complete(part, about, self._progress)
            else:
                about = self._in_one_go(part, self.source)
            self._check_unchanged(part)
            prepared = datetime.now(UTC).isoformat(timespec="seconds")
            write_about(part, {"name": self.name, "licence": self.source.licence(), "prepared": prepared, **about})
            os.replace(part, self.path)
            (self.path / JOURNAL).unlink(missing_ok=True)  # last: until then a failure keeps what is whole

    def _check_unchanged(self, part: Path) -> None:
        """Raise UserError, and keep nothing, where a file changed while it was read: half of it may be the old one."""
        if hash_json([VERSION, self.source.key()], 24) == self.path.name:
            return
        shutil.rmtree(part, ignore_errors=True)
        raise UserError(
            f"The files of {self.name} changed while they were read, so nothing of them is kept. Run the same command "
            f"again when they are whole."
        )

    def _in_one_go(self, part: Path, source: PairSource) -> dict[str, Any]:
        """Write a source that is in memory; a preparation that fails leaves nothing."""
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir(parents=True)
            if isinstance(source, ReadSource):
                source.read(self._progress)
            about = write_source(part, source, self._progress)
            complete(part, about, self._progress)
            return about
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise

    @cached_property
    def _training(self) -> tuple[ParallelPairs, ...]:
        found = self._folder.training()
        return self.source.weighted(found) if isinstance(self.source, WeightedSource) else found

    @cached_property
    def _validation(self) -> ParallelPairs:
        return self._folder.validation()

    @cached_property
    def _test(self) -> tuple[Collection, ...]:
        return self._folder.test()
