"""One search: the trials of one combination of gridded keys, asked for, taken over, and told.

A trial is a point of the sweep. It is `RUNNING` in the storage from the moment it is asked for until its run has ended,
so that a killed launcher leaves no gap: the next one goes on in the same run directory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from hybridret.base.errors import UserError
from hybridret.runs.search_table import COMPLETE, FAILED, OPEN, PRUNED
from hybridret.sweep.searching.objectives import Objective
from hybridret.sweep.searching.outcome import Outcome
from hybridret.sweep.searching.samplers import distributions, sampler
from hybridret.sweep.searching.search_space import Dimension

_STATES = {TrialState.COMPLETE: COMPLETE, TrialState.PRUNED: PRUNED, TrialState.FAIL: FAILED}
_ENDED = {COMPLETE: TrialState.COMPLETE, PRUNED: TrialState.PRUNED, FAILED: TrialState.FAIL}
_IDENTITY, _COMBINATION, _LAUNCHER, _STARTED, _RUN, _REASON = "identity", "per", "launcher", "started", "run", "reason"
_FIXED = "fixed"  # an earlier version's journal lacks it
_RETRY_OF = "retry_of"  # the number of the failed trial whose values a trial has


@dataclass(frozen=True)
class SearchTrial:
    """A trial as the sweep sees it. `overrides`: the values drawn; `started`: its point was given to a launcher;
    `retried_by`: the number of the trial that has its run since it failed, None where there is none."""

    number: int
    state: str
    overrides: tuple[str, ...]
    values: tuple[float, ...]
    run: str
    reason: str
    started: bool
    retried_by: int | None = None


class Search:
    """The search of `combination` over `dimensions`.

    `identity` is what all trials share, as JSON: a search that exists already must have the same; `fixed`: its
    overrides, as they were typed. Raises UserError where it has another identity, for an unknown sampler, and for a
    grid that cannot be made.
    """

    def __init__(
        self,
        storage: BaseStorage,
        combination: Mapping[str, str],
        dimensions: Sequence[Dimension],
        objectives: Sequence[Objective],
        identity: Mapping[str, Any],
        sampler_name: str,
        seed: int,
        trials: int,
        fixed: Sequence[str] = (),
    ) -> None:
        self.combination, self.dimensions, self.objectives = dict(combination), dimensions, objectives
        self._storage = storage
        self._distributions = distributions(dimensions)
        draws, self.trials_wanted = sampler(sampler_name, seed, dimensions, trials)
        self.name = name = " ".join(f"{key}={value}" for key, value in combination.items()) or "search"
        self._study: Study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=[one.direction for one in objectives],
            sampler=draws,
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        known = self._study.user_attrs.get(_IDENTITY)
        if known is None:
            self._study.set_user_attr(_COMBINATION, self.combination)
            self._study.set_user_attr(_IDENTITY, dict(identity))
            self._study.set_user_attr(_FIXED, list(fixed))
        elif known != identity:
            changed = sorted(key for key in {*known, *identity} if known.get(key) != identity.get(key))
            raise UserError(
                f"The search in this folder ({name}) began with other settings: {', '.join(changed)} changed, from "
                f"{known.get(changed[0])} to {identity.get(changed[0])}. Its trials would not be comparable: give this "
                f"search a folder of its own with sweep=NAME."
            )

    @property
    def fixed(self) -> list[str]:
        """The overrides that all its trials share, as the command that began it has them."""
        named = self._study.user_attrs[_IDENTITY].get("fixed") or {}
        spelled = [f"{key}={value}" if value is not None else f"~{key}" for key, value in named.items()]
        return list(self._study.user_attrs.get(_FIXED, spelled))

    @property
    def position(self) -> int:
        """Where it stands among all searches of the folder: in the order in which they began."""
        return int(self._study._study_id)

    def next_trials(
        self, together: int, token: str, is_dead: Callable[[str], bool], is_cleared: Callable[[str], bool]
    ) -> list[int]:
        """The numbers of the trials to run now: those of dead launchers, and new ones until their number in all is a
        multiple of `together`, so that a resumed search asks with the same knowledge as an undisturbed one. Where all
        are there: again those that failed and whose run (`is_cleared` of its name) may start again since then."""
        orphans = [one for one in self._running() if is_dead(str(one.user_attrs.get(_LAUNCHER)))]
        for one in orphans:
            self._draw(Trial(self._study, one._trial_id), token)
        total = sum(_RETRY_OF not in one.user_attrs for one in self._study.get_trials(deepcopy=False))
        if total >= self.trials_wanted and not orphans:
            return self._retries(together, token, is_cleared)
        wanted = -(-total // together) * together if orphans else (total // together + 1) * together
        new: list[int] = []
        while total + len(new) < min(wanted, self.trials_wanted):
            trial = self._study.ask()
            self._draw(trial, token)
            new.append(trial.number)
        return [one.number for one in orphans] + new

    def trial(self, number: int) -> SearchTrial:
        """The trial of that number."""
        return self.trials()[number]

    def trials(self) -> list[SearchTrial]:
        """All trials, in their order."""
        found = self._study.get_trials(deepcopy=False)
        retries = {one.user_attrs[_RETRY_OF]: one.number for one in found if _RETRY_OF in one.user_attrs}
        latest = {found[failed].user_attrs.get(_RUN): number for failed, number in retries.items()}
        return [self._seen(one, latest.get(one.user_attrs.get(_RUN))) for one in found]

    def start(self, number: int, run: str) -> None:
        """The point of a trial is about to be given to a launcher, and works in the directory `run`."""
        self._note(number, _RUN, run)
        self._note(number, _STARTED, True)

    def tell(self, number: int, outcome: Outcome) -> None:
        """A trial has ended. An open outcome tells nothing."""
        if outcome.state == OPEN:
            return
        if outcome.reason:
            self._note(number, _REASON, outcome.reason)
        values = list(outcome.values) if outcome.state == COMPLETE else None
        self._study.tell(number, values, state=_ENDED[outcome.state])

    def twin(self, number: int, run: str) -> Outcome | None:
        """The outcome of an earlier trial in the same run directory, None where there is none that ended."""
        for one in self.trials():
            if one.number == number or one.run != run or one.retried_by is not None:
                continue
            if one.state in (COMPLETE, PRUNED, FAILED):
                return Outcome(one.state, one.values, f"the same run as trial {one.number}")
        return None

    def _running(self) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING))

    def _retries(self, together: int, token: str, is_cleared: Callable[[str], bool]) -> list[int]:
        """New trials with the values of failed ones, one for each run, each made in one operation of the storage."""
        new: list[int] = []
        runs: set[str] = set()
        for one, stored in zip(self.trials(), self._study.get_trials(deepcopy=False), strict=True):
            if one.state != FAILED or one.retried_by is not None or one.run in ("", *runs) or not is_cleared(one.run):
                continue
            runs.add(one.run)
            again = optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=stored.params,
                distributions=stored.distributions,
                user_attrs={_LAUNCHER: token, _RETRY_OF: one.number},
            )
            made = self._storage.create_new_trial(self._study._study_id, again)
            new.append(self._storage.get_trial_number_from_id(made))
            if len(new) == together:
                break
        return new

    def _note(self, number: int, key: str, value: Any) -> None:
        self._storage.set_trial_user_attr(self._study.get_trials(deepcopy=False)[number]._trial_id, key, value)

    def _draw(self, trial: Trial, token: str) -> None:
        """Name the launcher, then draw every value that is not there yet."""
        trial.set_user_attr(_LAUNCHER, token)
        for name, distribution in self._distributions.items():
            trial._suggest(name, distribution)

    def _seen(self, one: FrozenTrial, latest: int | None) -> SearchTrial:
        """`latest`: the number of the last trial that retries its run."""
        drawn = tuple(f"{key}={_spelled(one.params[key])}" for key in self._distributions if key in one.params)
        attributes = one.user_attrs
        return SearchTrial(
            number=one.number,
            state=_STATES.get(one.state, OPEN),
            overrides=drawn,
            values=tuple(one.values) if one.state is TrialState.COMPLETE else (),
            run=str(attributes.get(_RUN, "")),
            reason=str(attributes.get(_REASON, "")),
            started=bool(attributes.get(_STARTED)),
            retried_by=latest if latest is not None and one.state is TrialState.FAIL and latest > one.number else None,
        )


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
