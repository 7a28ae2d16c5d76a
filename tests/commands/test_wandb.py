"""What else a run promises: the W&B mirror without a network, whole however often it was interrupted."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from commands import Answer, Train, run_of
from wandb_records import Offline, curve_of
from wandb_server import ServedRun, serving

pytestmark = pytest.mark.slow

pytest.importorskip("wandb")

ROW = "hybridret.runs.directory:RunDirectory.append_history"
LOG = "wandb.sdk.wandb_run:Run.log"
ARGUMENTS = ("logger=wandb", "sweep=mine", "training.steps=24", "training.checkpoint_every=4")


def served_curve(served: ServedRun) -> dict[int, dict[str, Any]]:
    """The server's rows by step; one that stands twice is an error."""
    found: dict[int, dict[str, Any]] = {}
    for row in served.history:
        values = {key: value for key, value in row.items() if key.startswith(("train/", "validation/"))}
        if values:
            assert row["_step"] not in found
            found[row["_step"]] = values
    return found


def folder_to_sync(answer: Answer, place: Path) -> Path:
    """The folder in the line that tells how to upload it."""
    (line,) = [line for line in answer.stdout.splitlines() if "wandb sync" in line]
    return (place / line.partition("wandb sync ")[2].strip("'")).resolve()


def test_after_any_interruption_one_folder_holds_the_whole_run(train: Train, tmp_path: Path) -> None:
    stopped = train(tmp_path, *ARGUMENTS, hooks=[{"target": ROW, "call": 4, "signal": int(signal.SIGTERM)}])
    assert stopped.returncode == 75, stopped.stderr
    run = run_of(tmp_path)
    mirror = Offline.of(run)
    assert mirror.curve == curve_of(run)
    assert mirror.config["training"]["steps"] == 24
    assert folder_to_sync(stopped, tmp_path) == mirror.folder.resolve()

    killed = train(tmp_path, *ARGUMENTS, hooks=[{"target": ROW, "call": 3, "signal": int(signal.SIGKILL)}])
    assert killed.returncode == -signal.SIGKILL
    assert Offline.of(run).config == mirror.config  # from the first moment on

    done = train(tmp_path, *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    assert "W&B" not in done.stderr
    whole = Offline.of(run)
    assert whole.curve == curve_of(run)
    assert len(whole.curve) > len(mirror.curve)
    assert whole.tables == ["boxes"]
    assert whole.summary["boxes/multilingual/map"] > 0
    expected = {"train/pairs_per_second", "train/padding_share", "train/realised_alpha", "parameters/body"}
    assert expected <= set(whole.summary)
    assert folder_to_sync(done, tmp_path) == whole.folder.resolve()
    assert whole.run.run_id == mirror.run.run_id
    assert (whole.run.run_group, whole.run.job_type, whole.run.display_name) == ("mine", "hybrid", run.name)
    assert {"hybrid", "nano"} <= set(whole.run.tags)

    moved = Path(shutil.move(run.parent, tmp_path / "elsewhere")) / run.name
    asked = (f"checkpoint={moved}", "logger=wandb", "eval=[heldout]", "evaluation.settings=[monolingual]", "name=again")
    broken = {"target": "wandb:init", "call": 1, "error": "OSError"}
    other = (
        "checkpoint=" + str(moved),
        "logger=wandb",
        "eval=[heldout]",
        "evaluation.settings=[multilingual]",
        "name=b",
    )
    assert train.command("evaluate", *other, folder=tmp_path, hooks=[broken]).returncode == 0
    assert Offline.of(moved).curve == whole.curve  # the earlier one stays where none can be made
    added = train.command("evaluate", *asked, folder=tmp_path)
    assert added.returncode == 0, added.stderr
    both = Offline.of(moved)
    assert both.curve == whole.curve
    assert both.tables == ["boxes", "boxes"]  # what was there, then the one that replaces it
    assert both.summary["boxes/monolingual/map"] == whole.summary["boxes/monolingual/map"]

    curve = moved / "history.jsonl"
    curve.write_bytes(curve.read_bytes().replace(b"loss", b"lost", 1))
    third = train.command("evaluate", *other[:-1], "name=c", folder=tmp_path)
    assert third.returncode == 0, third.stderr  # a mirror is not worth an evaluation
    assert "W&B gets no training curve: " in third.stderr
    assert (moved / "evaluations" / "c" / "result.json").is_file()
    assert both.folder.is_dir()  # it holds the curve that the new one lacks


@pytest.mark.parametrize("target", ["_record", "_evaluate"])
def test_a_run_that_fails_shows_what_there_was(train: Train, tmp_path: Path, target: str) -> None:
    hook = {"target": f"hybridret.pipelines.point_work:PointWork.{target}", "call": 1, "error": "UserError"}
    failed = train(tmp_path, "logger=wandb", hooks=[hook])
    assert failed.returncode == 2
    run = run_of(tmp_path)
    assert Offline.of(run).curve == curve_of(run)
    assert folder_to_sync(failed, tmp_path) == Offline.of(run).folder.resolve()


@pytest.mark.parametrize(
    ("target", "said"), [("hybridret.export.tracking:WandbTracker.__init__", "did not start"), (LOG, "stopped")]
)
def test_a_mirror_that_fails_costs_no_run(train: Train, tmp_path: Path, target: str, said: str) -> None:
    done = train(tmp_path, "logger=wandb", hooks=[{"target": target, "call": 1, "error": "OSError"}])
    assert done.returncode == 0, done.stderr
    assert f"W&B {said}" in done.stderr
    assert "wandb sync" not in done.stdout


def test_online_runs_resume_without_a_gap_or_a_double(train: Train, tmp_path: Path) -> None:
    with serving() as server:
        place = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "0" * 40}

        def start(*hooks: dict[str, object]) -> Answer:
            arguments = (*train.arguments, *ARGUMENTS, "logger=wandb_online")
            return train.command("run", *arguments, folder=tmp_path, hooks=list(hooks), environment=place)

        stopped = start({"target": ROW, "call": 4, "signal": int(signal.SIGTERM)})
        assert stopped.returncode == 75, stopped.stderr
        run = run_of(tmp_path)
        ((name, served),) = server.runs.items()
        assert served_curve(served) == curve_of(run)
        assert served.config["training"]["value"]["steps"] == 24
        assert start({"target": ROW, "call": 3, "signal": int(signal.SIGKILL)}).returncode == -signal.SIGKILL
        served.history.pop()  # had not arrived yet when the process died
        served.summary["_step"] = served.history[-1]["_step"]
        done = start()
        assert done.returncode == 0, done.stderr
        assert served_curve(served) == curve_of(run)
        assert list(server.runs) == [name]
        assert served.summary["boxes/multilingual/map"] > 0
        assert "wandb sync" not in done.stdout
