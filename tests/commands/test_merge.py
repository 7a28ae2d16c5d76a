"""`python -m hybridret.merge`: two runs at several ratios, kills between them, and what reads the merged runs."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import Answer, Commands, Train, paragraph, rows, status, write_rows

from hybridret import open_run
from hybridret.encoders.folder import WEIGHTS, load_encoder
from hybridret.runs import RunDirectory

pytestmark = pytest.mark.slow

MERGE = "hybridret.pipelines.merge_runs:merge_encoders"
BEST = Path("checkpoints", "best")


def run_with(sweep: Path, *parts: str) -> Path:
    (found,) = (path for path in sweep.iterdir() if path.is_dir() and all(part in path.name for part in parts))
    return found


@pytest.fixture(scope="module")
def parents(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of mono, cross and hybrid, two seeds. Copy it before changing anything in it."""
    folder = tmp_path_factory.mktemp("parents")
    for strategy in ("mono", "cross", "hybrid"):
        for seed in (1, 2):
            done = train(folder, f"batching={strategy}", f"seed={seed}", "sweep=s")
            assert done.returncode == 0, done.stderr
    return folder / "multirun" / "s"


@pytest.fixture
def sweep(parents: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(parents, tmp_path / "multirun" / "s"))


@pytest.fixture
def merge(command: Commands, tmp_path: Path) -> Callable[..., Answer]:
    """Merges two runs, from the folder above `multirun`."""

    def run(mono: Path, cross: Path, *more: str, hooks: list[dict[str, Any]] | None = None) -> Answer:
        return command("merge", f'mono="{mono}"', f'cross="{cross}"', *more, folder=tmp_path, hooks=hooks)

    return run


def both(sweep: Path, seed: int = 1) -> tuple[Path, Path]:
    return run_with(sweep, "batching-mono", f"seed-{seed}"), run_with(sweep, "batching-cross", f"seed-{seed}")


def at(sweep: Path, ratio: str, seed: int = 1) -> Path:
    return run_with(sweep, "batching-merge_", f"_ratio-{ratio}_seed-{seed}")


def result_of(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "result.json").read_text())
    return content


def test_the_ends_are_the_parents_and_the_middle_is_between(sweep: Path, merge: Callable[..., Answer]) -> None:
    done = merge(*both(sweep), "ratios=[0,.5,1]")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for ratio, parent in (("1", both(sweep)[0]), ("0", both(sweep)[1])):
        run = at(sweep, ratio)
        assert (run / BEST / WEIGHTS).read_bytes() == (parent / BEST / WEIGHTS).read_bytes()
        assert (run / "metrics.csv").read_bytes() == (parent / "metrics.csv").read_bytes()
        pd.testing.assert_frame_equal(*(pd.read_parquet(one / "queries.parquet") for one in (run, parent)))
    ours, mono, cross = (load_encoder(one / BEST).body.state_dict() for one in (at(sweep, "0.5"), *both(sweep)))
    for name, tensor in ours.items():
        assert tensor.equal((0.5 * mono[name].double() + 0.5 * cross[name].double()).float())


def test_what_a_merged_run_records(sweep: Path, merge: Callable[..., Answer]) -> None:
    mono, cross = both(sweep)
    assert merge(mono, cross, "ratios=[.25]").returncode == 0
    run = at(sweep, "0.25")
    assert status(run)["state"] == "finished"
    result, trained = result_of(run), result_of(mono)
    assert (result["strategy"], result["alpha"], result["training"]) == ("merge", None, None)
    assert result["merge"]["ratio"] == 0.25
    assert [result["merge"][end]["run"] for end in ("mono", "cross")] == [mono.name, cross.name]
    assert [result["merge"][end]["steps"] for end in ("mono", "cross")] == [6, 6]
    assert result["merge"]["cross"]["config_hash"] == result_of(cross)["config_hash"]
    for key in ("backbone", "size", "seed", "data", "tokens", "leaks", "text", "eval", "evaluation"):
        assert result[key] == trained[key], key
    assert result["parameters"] == {**trained["parameters"], "trainable": 0}
    assert result["metrics"].keys() == trained["metrics"].keys()
    config, own = (open_run(one).config for one in (run, mono))
    assert config["batching"]["mono"]["run"] == mono.name
    assert config["batching"]["cross"]["batching"]["_target_"].endswith("Cross")
    assert config["batching"]["cross"]["differs"] == {}
    assert {**config, "batching": 0} == {**own, "batching": 0}
    assert not (run / "history.jsonl").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_kill_between_two_ratios(
    sweep: Path, merge: Callable[..., Answer], tmp_path: Path, number: signal.Signals, code: int
) -> None:
    hook = {"target": MERGE, "call": 2, "signal": number}
    stopped = merge(*both(sweep), hooks=[hook])
    assert stopped.returncode == code, stopped.stderr
    if number != signal.SIGKILL:
        assert "ratios that are finished are kept. Go on with: python -m hybridret.merge " in stopped.stderr
        assert status(at(sweep, "0.5"))["state"] == "interrupted"
    assert not (at(sweep, "0.5") / BEST).exists()
    before = (at(sweep, "0.25") / "result.json").read_bytes()
    again = merge(*both(sweep))
    assert again.returncode == 0, again.stderr
    assert "ratio-0.25_seed-1 is finished; nothing to do." in again.stdout
    assert (at(sweep, "0.25") / "result.json").read_bytes() == before
    assert [result_of(at(sweep, ratio))["merge"]["ratio"] for ratio in ("0.25", "0.5", "0.75")] == [0.25, 0.5, 0.75]
    assert status(at(sweep, "0.5"))["state"] == "finished"


@pytest.mark.parametrize(
    "target",
    ["hybridret.encoders.merging:write_sealed", "hybridret.pipelines.merge_runs:score"],  # before and after the weights
)
def test_a_kill_inside_a_ratio(sweep: Path, merge: Callable[..., Answer], command: Commands, target: str) -> None:
    killed = merge(*both(sweep), "ratios=[.5]", hooks=[{"target": target, "call": 1, "signal": signal.SIGKILL}])
    assert killed.returncode == -9
    run = at(sweep, "0.5")
    assert (run / BEST).exists() == target.endswith("score")
    if (run / BEST).exists():
        load_encoder(run / BEST)
    shown = command("status", str(run), folder=sweep)
    assert "interrupted" in shown.stdout
    assert merge(*both(sweep), "ratios=[.5]").returncode == 0
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best"}
    load_encoder(run / BEST)


def test_two_at_once(sweep: Path, merge: Callable[..., Answer]) -> None:
    assert merge(*both(sweep), "ratios=[.5]").returncode == 0
    run = at(sweep, "0.5")
    (run / "result.json").unlink()
    with RunDirectory(run).lock():
        assert "is in use" in paragraph(merge(*both(sweep), "ratios=[.5]"))


def test_a_parent_that_was_trained_again(sweep: Path, merge: Callable[..., Answer]) -> None:
    """The merged run is of other weights than the same command would give now."""
    mono, cross = both(sweep)
    assert merge(mono, cross, "ratios=[.5]").returncode == 0
    shutil.copytree(run_with(sweep, "batching-hybrid", "seed-1") / BEST, mono / BEST, dirs_exist_ok=True)
    answer = merge(mono, cross, "ratios=[.5]")
    assert answer.returncode == 2
    assert "holds a run of another config" in paragraph(answer)


def test_one_mono_run_with_two_others(sweep: Path, merge: Callable[..., Answer]) -> None:
    """Both merges lie beside the mono run, under names of their own."""
    mono, cross = both(sweep)
    hybrid = run_with(sweep, "batching-hybrid", "seed-1")
    for other in (cross, hybrid):
        done = merge(mono, other, "ratios=[.5]")
        assert done.returncode == 0, done.stderr
    found = [path for path in sweep.glob("batching-merge_*") if path.is_dir()]
    assert sorted(result_of(path)["merge"]["cross"]["run"] for path in found) == sorted([cross.name, hybrid.name])


def test_everything_reads_a_merged_run(sweep: Path, merge: Callable[..., Answer], command: Commands) -> None:
    for seed in (1, 2):
        assert merge(*both(sweep, seed), "ratios=[.25,.75]").returncode == 0
    run, folder = at(sweep, "0.75"), sweep.parent.parent
    assert open_run(run).encode(["box"], "query").shape[0] == 1
    assert "box" in command("search", str(run), "--query", "box", folder=folder).stdout
    done = command("evaluate", f'checkpoint="{run}"', "logger=none", "name=more", folder=folder)
    assert done.returncode == 0, done.stderr
    assert (run / "evaluations" / "more" / "metrics.csv").read_bytes() == (run / "metrics.csv").read_bytes()
    done = command("publish", str(run), "out", folder=folder)
    assert done.returncode == 0, done.stderr
    card = (folder / "out" / "README.md").read_text()
    assert "without training of its own: the weights are 0.75 × those of" in card
    assert "| ratio | 0.75 |" in card
    assert "| steps |" not in card
    assert "python -m hybridret.merge mono=" in card
    assert "finished" in command("status", str(sweep), folder=folder).stdout
    done = command("report", str(sweep), folder=folder)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(sweep / "report" / "tables" / "main_boxes.csv").set_index("configuration")
    assert set(table.index) == {"mono", "cross", "hybrid α=0.5", "merge, ratio=0.25", "merge, ratio=0.75"}
    assert set(table["seeds"]) == {2}
    expected = [result_of(at(sweep, "0.75", seed))["metrics"]["boxes/monolingual/map"] for seed in (1, 2)]
    assert table.loc["merge, ratio=0.75", "Mo. mAP"] == pytest.approx(sum(expected) / 2)
    page = (sweep / "report" / "report.html").read_text()
    assert page.count(run.name) >= 1  # a mark of the trade-off names its run
    assert "no training: merged" in page
    curve = (sweep / "report" / "figures" / "curve_train.svg").read_text()
    assert "mono" in curve
    assert "merge" not in curve


def test_warnings_do_not_stop_it(sweep: Path, merge: Callable[..., Answer]) -> None:
    done = merge(both(sweep)[0], both(sweep, seed=2)[1], "ratios=[.5]")
    assert done.returncode == 0
    assert "did not start from the same weights (random weights of seed 1; random weights of seed 2)" in done.stderr
    assert open_run(at(sweep, "0.5")).config["batching"]["cross"]["differs"] == {"seed": 2}


def test_other_data_and_other_steps_are_warned_of(
    sweep: Path, merge: Callable[..., Answer], train: Train, tmp_path: Path
) -> None:
    changed = [{**row, "passage": row["passage"] + " Ja." * (row["qid"] == "q3.0")} for row in rows()]
    data = write_rows(tmp_path / "other", changed)
    done = train(tmp_path, "batching=cross", f"data.path={data}", "training.steps=3", "sweep=t")
    assert done.returncode == 0, done.stderr
    other = run_of_sweep(tmp_path / "multirun" / "t")
    # With the same tokenizer, as of a pretrained backbone.
    shutil.copytree(both(sweep)[1] / BEST, other / BEST, dirs_exist_ok=True)
    done = merge(both(sweep)[0], other, "ratios=[.5]")
    assert done.returncode == 0, done.stderr
    assert "were trained on different data" in done.stderr
    assert "also differ in data.path, training.steps" in done.stderr
    assert result_of(at(sweep, "0.5"))["leaks"] is None


def run_of_sweep(sweep: Path) -> Path:
    (run,) = (path for path in sweep.iterdir() if (path / "result.json").exists())
    return run


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("exchanged", "Exchange them"),
        ("one run", "are one run"),
        ("not finished", "it has no result.json"),
        ("no folder", "there is no such folder"),
        ("not trained", "was not trained"),
        ("merged", "is itself a merge"),
        ("size", "their backbones differ: scratch nano against scratch micro"),
        ("pooling", 'pooling: "mean" against "cls"'),
        ("text", "text.passage_length"),
        ("damage", "is damaged or was changed"),
        ("ratio", "ratios"),
        ("no ratio", "ratios"),
        ("a key", "ratois"),
        ("no run", "cross has no value"),
    ],
)
def test_bad_input_is_one_paragraph_and_writes_nothing(
    sweep: Path, merge: Callable[..., Answer], train: Train, command: Commands, tmp_path: Path, what: str, words: str
) -> None:
    mono, cross = both(sweep)
    more: list[str] = []
    if what == "exchanged":
        mono, cross = cross, mono
    elif what == "one run":
        cross = mono
    elif what == "not finished":
        (cross / "result.json").unlink()
    elif what == "no folder":
        cross = sweep / "nowhere"
    elif what == "not trained":
        result = result_of(cross)
        (cross / "result.json").write_text(json.dumps({**result, "training": None, "checksum": None, "files": {}}))
        text = json.loads((cross / "result.json").read_text())
        text.pop("checksum")
        (cross / "result.json").write_text(json.dumps(text))
    elif what == "merged":
        assert merge(mono, cross, "ratios=[.5]").returncode == 0
        cross = at(sweep, "0.5")
    elif what in ("size", "pooling", "text"):
        changed = {"size": "model=micro", "pooling": "backbone.pooling=cls", "text": "text.passage_length=100"}[what]
        done = train(tmp_path, "batching=cross", changed, "sweep=t")
        assert done.returncode == 0, done.stderr
        cross = run_of_sweep(tmp_path / "multirun" / "t")
    elif what == "damage":
        weights = cross / BEST / WEIGHTS
        weights.write_bytes(weights.read_bytes()[:-8])
    elif what == "ratio":
        more = ["ratios=[0.5,1.5]"]
    elif what == "no ratio":
        more = ["ratios=[]"]
    elif what == "a key":
        more = ["ratois=[0.5]"]
    before = {path for path in sweep.iterdir() if path.is_dir()}
    named = [f'mono="{mono}"', *([f'cross="{cross}"'] if what != "no run" else [])]
    answer = command("merge", *named, *more, folder=tmp_path)
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert words in paragraph(answer)
    assert {path for path in sweep.iterdir() if path.is_dir()} == before


def test_where_it_works_may_be_another(sweep: Path, merge: Callable[..., Answer]) -> None:
    done = merge(*both(sweep), "ratios=[.5]", "trainer=gpu")
    assert done.returncode == 2
    assert "trainer=cpu" in paragraph(done)
    done = merge(*both(sweep), "ratios=[.5]", "trainer=cpu", "trainer.threads=2", "logger=wandb")
    assert done.returncode == 0, done.stderr
    assert list((at(sweep, "0.5") / "wandb").glob("offline-run-*"))
    again = merge(*both(sweep), "ratios=[.5]")
    assert "nothing to do" in again.stdout
