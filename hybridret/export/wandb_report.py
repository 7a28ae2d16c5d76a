"""What a report says, as a run of W&B beside those of its sweep: group as theirs, job type `report`.

The numbers of each sentence are in the summary, as `answers/NAME/NUMBER/effect` and so on, the sentences and the
trade-off as tables. Each report replaces the one before: it has the same id.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hybridret.base.files import hash_json
from hybridret.base.settings import LoggerSettings
from hybridret.export.tracking import Past, open_tracker

JOB_TYPE = "report"
FINDING = ("effect", "low", "high", "p", "runs", "questions", "decided", "text")  # what goes to the summary
ANSWERS, TRADE_OFF = "answers", "trade_off"  # names of tables


def answer_summary(findings: pd.DataFrame) -> dict[str, float | str | bool]:
    """The values of `findings`, one row for each sentence with its `answer` and `FINDING`, by their names in W&B.

    Sentences of one answer are numbered from 1 in their order. What is missing in a row has no name.
    """
    summary: dict[str, float | str | bool] = {}
    numbers: dict[str, int] = {}
    for row in findings.to_dict("records"):
        answer = str(row["answer"])
        numbers[answer] = numbers.get(answer, 0) + 1
        for name in FINDING:
            if (value := _plain(row[name])) is not None:
                summary[f"answers/{answer}/{numbers[answer]}/{name}"] = value
    return summary


def report_id(group: str) -> str:
    """The id of the report's run in W&B: always the same for one group."""
    return hash_json([group, JOB_TYPE])


def write_wandb_report(
    folder: Path, settings: LoggerSettings, group: str, findings: pd.DataFrame, trade_off: pd.DataFrame
) -> None:
    """Write the run into `folder`/wandb, or send it where `settings` are online; nothing where they are disabled.

    findings: see `answer_summary`. trade_off: a row for each run. A failure of W&B is printed and is no error, as with
    the runs of the sweep.
    """
    summary = answer_summary(findings)
    tables = {name: one for name, one in ((ANSWERS, findings), (TRADE_OFF, trade_off)) if len(one)}
    shown: Mapping[str, float] = {**summary, "answers": len(findings)}  # type: ignore[dict-item]
    tracker = open_tracker(
        folder,
        settings,
        Past(metrics=shown, tables=tables),
        group=group,
        name=f"{group} report",
        job_type=JOB_TYPE,
        run_id=report_id(group),
        config={},
        tags=[JOB_TYPE],
    )
    if settings.mode == "online":  # an offline tracker has written what was there already
        tracker.results(shown, tables)
    tracker.close()


def _plain(value: object) -> float | str | bool | None:
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, bool | int | float | str) else None
