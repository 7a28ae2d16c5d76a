"""A point that fails after its evaluation, whatever fails, has no `result.json` and so is not finished.

See docs/pitfalls.md#failing-points.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from hybridret.base.settings import TextSettings
from hybridret.evaluation.tables import METRIC_COLUMNS, Evaluation
from hybridret.export.tracking import NoTracker
from hybridret.pipelines import point_work
from hybridret.pipelines.scoring import Scores
from hybridret.runs import Decision, RunDirectory, State
from hybridret.runs.identity import RunIdentity
from hybridret.runs.query_values import QUERY_COLUMNS
from hybridret.training.train import TrainingResult

ROW = ("d", "monolingual", "macro", "macro", "map", pd.NA, 0.5, 1)
TRAINED = TrainingResult(3, 3, 1.0, 1.0, 1.0, 0.0, "steps", {})


class Encoder:
    tokenization = SimpleNamespace(text=TextSettings("", "", 32, 64))

    def parameters_counted(self) -> dict[str, int]:
        return {"total": 1, "body": 1, "trainable": 1}


def work(run: RunDirectory) -> point_work.PointWork:
    source = SimpleNamespace(
        name="n", fingerprint=lambda: "f", licence=lambda: "l", summary=lambda: None, training=lambda: (), card=dict
    )
    settings = SimpleNamespace(
        batching={"_target_": "hybridret.batching.mono.Mono"},
        backbone={},
        sweep="s",
        seed=1,
        model=SimpleNamespace(size="x"),
        eval={},
        evaluation=SimpleNamespace(cutoffs=[10], mteb=False),
        logger=SimpleNamespace(mode="offline"),
    )
    made = object.__new__(point_work.PointWork)
    made.components, made.settings = SimpleNamespace(source=source, mined=None), settings  # type: ignore[assignment]
    made.run, made.identity = run, RunIdentity(run, "h", "mono")
    return made


def scores() -> Scores:
    metrics = pd.DataFrame([ROW], columns=list(METRIC_COLUMNS)).astype({"cutoff": "Int64"})
    return Scores(Evaluation(metrics, pd.DataFrame(columns=list(QUERY_COLUMNS))), {}, ())


@pytest.mark.parametrize("failing", ["tables", "tracker", "shares", None])
def test_the_result_is_written_when_all_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str | None
) -> None:
    def fail(*arguments: Any, **named: Any) -> Any:
        raise RuntimeError("broken")

    run, tracker = RunDirectory(tmp_path / "s" / "r"), NoTracker()
    run.write_status(State.RUNNING, "h")
    monkeypatch.setattr(point_work, "training_shares", fail if failing == "shares" else lambda *_: {})
    if failing == "tables":
        monkeypatch.setattr(Evaluation, "write", fail)
    if failing == "tracker":
        monkeypatch.setattr(tracker, "results", fail)
    if failing is None:
        work(run)._record(Encoder(), TRAINED, scores(), None, tracker)  # type: ignore[arg-type]
        assert run.metrics.is_file()
        assert run.decide("h") is Decision.FINISHED
        return
    with pytest.raises(RuntimeError, match="broken"):
        work(run)._record(Encoder(), TRAINED, scores(), None, tracker)  # type: ignore[arg-type]
    assert not run.result.exists()
    assert run.decide("h") is not Decision.FINISHED
