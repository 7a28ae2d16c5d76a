"""Hydra's basic sweeper, without the parts that would end a sweep too early.

The basic one composes all points first and raises at the first that fails, writes an unused `multirun.yaml`, and
raises at the first failed job. Here the launcher handles each point, and the exit code shows failures at the end.
"""

from __future__ import annotations

from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus

from hybridret.base.errors import POINT_FAILED, UserError


class PointSweeper(BasicSweeper):
    """The grid of all comma-separated values, in the order in which they were given."""

    def sweep(self, arguments: list[str]) -> Any:
        """Launch the grid. Raises SystemExit with 1 when a point failed, 75 when one was interrupted, and UserError for
        an interval."""
        assert self.hydra_context is not None
        assert self.launcher is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        if (wrong := next((one for one in overrides if one.is_interval_sweep()), None)) is not None:
            raise UserError(
                f"{wrong.input_line}: a grid has no values for an interval. Give values with commas, or search it with "
                f"hydra/sweeper=optuna."
            )
        results: list[JobReturn] = []
        for batch in self.split_arguments(overrides, self.max_batch_size):
            results += self.launcher.launch(batch, initial_job_idx=len(results))
        codes = [_exit_code(result) for result in results if result.status == JobStatus.FAILED]
        if codes:
            raise SystemExit(POINT_FAILED if POINT_FAILED in codes else codes[0])
        return results


def _exit_code(result: JobReturn) -> int:
    failure = result._return_value  # reading `return_value` would raise it
    return failure.code if isinstance(failure, SystemExit) and isinstance(failure.code, int) else POINT_FAILED
