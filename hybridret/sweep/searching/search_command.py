"""One search command: rounds of trials, launched in batches, until every search has as many as were asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.launcher import Launcher
from omegaconf import DictConfig

from hybridret.base.errors import DONE, POINT_FAILED, REQUEUE, UserError
from hybridret.base.graceful_stop import Stop, exit_code, graceful_stop
from hybridret.base.interruption import command_line
from hybridret.config.run_identity import sweep_directory
from hybridret.runs import RunDirectory
from hybridret.runs.pruning import FILE as RULE
from hybridret.runs.pruning import curve, median_rule, write_rule
from hybridret.runs.search_table import COMPLETE, FAILED, OPEN, write_search
from hybridret.sweep.searching.journal import journal_errors, open_journal
from hybridret.sweep.searching.launchers import Launchers
from hybridret.sweep.searching.objectives import quantity_of_validation, read_objectives
from hybridret.sweep.searching.orders import SearchOrder
from hybridret.sweep.searching.outcome import Outcome, outcome
from hybridret.sweep.searching.planned import open_searches, other_searches, planned_searches
from hybridret.sweep.searching.samplers import sampler
from hybridret.sweep.searching.search import Search
from hybridret.sweep.searching.search_space import search_space
from hybridret.sweep.searching.trial_points import TrialPoint, TrialPoints
from hybridret.sweep.searching.trial_table import print_best, trial_table
from hybridret.training.monitor import LOWER


def run_search(
    order: SearchOrder, loader: ConfigLoader, config: DictConfig, launcher: Launcher, arguments: Sequence[str]
) -> list[Any]:
    """Search, print the best trials, and return what the launcher returned. Raises SystemExit with 1 when a trial
    failed, 75 when one has not ended, and UserError for a search that cannot be made."""
    space = search_space(OverridesParser.create(config_loader=loader).parse_overrides(list(arguments)), order.per)
    objectives = read_objectives(order.objectives, order.directions)
    if order.prune is not None:
        quantity_of_validation(order.prune, "hydra.sweeper.prune")
    folder, points = sweep_directory(config), TrialPoints(loader, config)
    with graceful_stop() as stop:
        planned, left_out = planned_searches(space, points, objectives, order.prune, stop.check)
        for one in planned:
            sampler(order.sampler, order.seed, one.dimensions, order.trials)  # refused before anything is written
        for reason in left_out:
            print(f"left out: {reason}")
        with Launchers(folder, stop.check) as launchers, journal_errors(folder):
            with launchers.turn():
                storage = open_journal(folder)
                own = open_searches(storage, planned, space, objectives, order)
                others = other_searches(storage, own, objectives)
            command = SearchCommand(order, own, others, folder, space.fixed, points, launcher)
            command.run(launchers, stop)
    return command.results


class SearchCommand:
    """The searches of one command. `results`: what the launcher returned for each point."""

    def __init__(
        self,
        order: SearchOrder,
        searches: Sequence[Search],
        others: Sequence[Search],
        folder: Path,
        fixed: Sequence[str],
        points: TrialPoints,
        launcher: Launcher,
    ) -> None:
        self._order, self._searches, self._folder, self._fixed = order, searches, folder, fixed
        self._all = sorted([*others, *searches], key=lambda one: one.position)
        self._points, self._launcher = points, launcher
        self.results: list[Any] = []

    def run(self, launchers: Launchers, stop: Stop) -> None:
        """Round after round. Raises SystemExit with another exit code than 0, and what the launcher raises."""
        each = -(-self._order.together // len(self._searches))  # trials of each search that are drawn together
        unended = False
        while not unended and not stop():
            with launchers.turn():
                drawn = [
                    (search, number)
                    for search in self._searches
                    for number in search.next_trials(each, launchers.token, launchers.is_dead, self._is_cleared)
                ]
            if not drawn:
                break
            for first in range(0, len(drawn), self._order.together):
                if stop():
                    break
                unended |= self._launch(drawn[first : first + self._order.together])
        table = self._write_table()
        print_best(table, self._all, sys.stdout)
        if stop.signal_number is not None or unended:
            print(f"Not all trials have ended. To go on, run the same command again: {command_line(sys.argv)}")
            raise SystemExit(REQUEUE if stop.signal_number is None else exit_code(stop.signal_number))
        states = [one.state for search in self._searches for one in search.trials() if one.retried_by is None]
        if OPEN in states:
            print(f"{states.count(OPEN)} trials are run by another launcher of this search.")
        if (code := POINT_FAILED if FAILED in states else DONE) != DONE:
            raise SystemExit(code)

    def _is_cleared(self, run: str) -> bool:
        """Whether the run of that name may start again: `retry` cleared what held it back, or its folder is gone."""
        return outcome(RunDirectory(self._folder / run), None, self._searches[0].objectives).state == OPEN

    def _launch(self, drawn: Sequence[tuple[Search, int]]) -> bool:
        """Run a batch and tell what became of it; returns whether a trial has not ended."""
        waiting: list[tuple[Search, int, TrialPoint]] = []
        for search, number in drawn:
            ended, point = self._before(search, number)
            if ended is not None:
                search.tell(number, ended)
            elif point is not None:
                waiting.append((search, number, point))
        if waiting:
            try:
                batch = [list(point.overrides) for *_, point in waiting]
                self.results += self._launcher.launch(batch, initial_job_idx=len(self.results))
            except BaseException:  # a signal: what ended before it counts
                with suppress(UserError, OSError):
                    self._tell(waiting)
                raise
            self._tell(waiting)
        else:
            self._write_table()
        return any(search.trial(number).state == OPEN for search, number in drawn)

    def _before(self, search: Search, number: int) -> tuple[Outcome | None, TrialPoint | None]:
        """The outcome of a trial that needs no run, else its point, ready to be launched."""
        trial = search.trial(number)
        combination = [f"{key}={value}" for key, value in search.combination.items()]
        try:
            point = self._points.point([*combination, *self._fixed, *trial.overrides])
            if point.config_hash is not None:
                point.run.decide(point.config_hash)
            if (twin := search.twin(number, point.run.name)) is not None:
                search.start(number, point.run.name)
                return twin, None
            if trial.started:
                found = outcome(point.run, point.config_hash, search.objectives)
                if found.state != OPEN:
                    return found, None
            self._write_rule(search, point)
        except UserError as error:
            return Outcome(FAILED, reason=" ".join(str(error).split())), None
        search.start(number, point.run.name)
        return None, point

    def _write_rule(self, search: Search, point: TrialPoint) -> None:
        """Let the training give up below the median of the complete trials; a rule that stands there stays."""
        quantity = self._order.prune
        if quantity is None or (point.run.path / RULE).exists():
            return
        runs = [point.run.path.with_name(one.run) for one in search.trials() if one.state == COMPLETE]
        curves = []
        for run in dict.fromkeys(runs):
            with suppress(UserError):
                curves.append(curve(type(point.run)(run).read_history(), quantity))
        if len(curves) >= self._order.prune_after:
            write_rule(point.run.path, median_rule(quantity, quantity in LOWER, curves, self._order.prune_from))

    def _tell(self, waiting: Sequence[tuple[Search, int, TrialPoint]]) -> None:
        for search, number, point in waiting:
            search.tell(number, outcome(point.run, point.config_hash, search.objectives))
        self._write_table()

    def _write_table(self) -> Any:
        table = trial_table(self._all, self._searches[0].objectives)
        write_search(self._folder, table)
        return table
