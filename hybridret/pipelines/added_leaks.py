"""The leak check of an evaluation that is added to a run: its benchmarks against what the run was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybridret.base.progress import Progress
from hybridret.base.records import Collection
from hybridret.base.settings import LeakSettings
from hybridret.data.leaks.kept import kept_leak_table
from hybridret.data.prepared.found_copy import find_copy

NOTE = "leaks"


def added_leaks(
    trained: Mapping[str, Any],
    templated: bool,
    collections: Sequence[Collection],
    settings: LeakSettings,
    progress: Progress,
) -> tuple[dict[str, Any] | None, str | None]:
    """The record of the leak table, and why there is none; both None where the run does not ask for a check.

    The pairs are read from the prepared copy of the fingerprint that the run recorded in `trained`, its result.json:
    the files that it was made from may have changed, and are not needed. Nothing is refused: the training is over.
    """
    data = trained.get("data") or {}
    if not settings.check or not data.get("fingerprint"):
        return None, None
    copy = find_copy(str(data.get("name")), str(data["fingerprint"]), templated)
    if copy is None:
        why = "not checked: the prepared copy of the training data is not in the cache folder"
        print(f"Leaks: {why}, so it is not known whether the training saw these test sets.")
        return None, why
    table = kept_leak_table(copy, collections, settings, progress)
    if warning := table.warning():
        print(warning)
    return table.record(), None
