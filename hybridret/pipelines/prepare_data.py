"""`python -m hybridret.prepare`: prepare the data of a config, and show what it holds, or what leaks from it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from omegaconf import OmegaConf

from hybridret.base.bars import Bars
from hybridret.base.errors import DONE, UserError
from hybridret.base.graceful_stop import StoppingProgress, graceful_stop
from hybridret.base.markup import printable
from hybridret.base.progress import Progress
from hybridret.components.checks import check_config
from hybridret.components.components import Components
from hybridret.config.compose import points
from hybridret.config.validate import read_settings, resolved
from hybridret.data.leaks.kept import kept_leak_table
from hybridret.data.prepared.kept_card import PAGE, write_page
from hybridret.data.prepared.source import PreparedSource
from hybridret.pipelines.data_tables import show_card, show_leaks

LEAKS = "leaks="  # an override of this command alone


def prepare_data(overrides: Sequence[str]) -> int:
    """Prepare the data that `overrides` name and print tables of it; with leaks=true only that of the leak check.

    Raises UserError for bad input, and where more of a benchmark leaks than `data.leaks.allowed`.
    """
    asked = [override for override in overrides if not override.startswith(LEAKS)]
    leaks = _wanted(overrides)
    (point,) = points(asked, multirun=False)
    assert point.config is not None
    check_config(point.config)
    config = OmegaConf.masked_copy(point.config, [str(key) for key in point.config if key != "hydra"])
    if not leaks:  # no benchmark is read: a folder that it needs may come later
        lacking = [name for name in config.eval if OmegaConf.missing_keys(config.eval[name])]
        config.eval = {name: section for name, section in config.eval.items_ex(resolve=False) if name not in lacking}
    components = Components(read_settings(resolved(config)))
    source = components.source
    if source is None:
        raise UserError("data has no value: choose what to prepare, data=cldr or data=jsonl data.path=FOLDER.")
    there, start = source.is_prepared(), time.monotonic()
    with graceful_stop() as stop:
        progress = StoppingProgress(stop, Bars())
        source.prepare(progress)
        took = "was prepared before" if there else f"prepared in {time.monotonic() - start:.1f} s"
        if leaks:
            return _check_leaks(components, source, progress)
        show_card(source.card())
    print(f"{printable(source.name)} {took}: {source.path}")
    print(f"Data card: {write_page(source.path, source.card())}")
    return DONE


def _wanted(overrides: Sequence[str]) -> bool:
    """Whether the table of leaks is asked for. Raises UserError for another value than true or false."""
    values = {"true": True, "false": False}
    found = [override.removeprefix(LEAKS) for override in overrides if override.startswith(LEAKS)]
    for value in found:
        if value.lower() not in values:
            raise UserError(f"leaks={value}: true prints the table of the leak check alone; false, the default, none.")
    return bool(found) and values[found[-1].lower()]


def _check_leaks(components: Components, source: PreparedSource, progress: Progress) -> int:
    """Print what the benchmarks share with the data. Raises UserError where it is more than is allowed."""
    settings = components.settings.leaks
    table = kept_leak_table(source, components.collections(progress), settings, progress)
    source.card()  # of a copy of an earlier version it is made here
    write_page(source.path, source.card())
    show_leaks(table.record())
    print(f"{printable(source.name)}: {source.path}; the table stands in {PAGE}, too.")
    table.check(settings.allowed)
    return DONE
