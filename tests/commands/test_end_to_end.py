"""The commands of the README, small: train, sweep, evaluate, report, search; and what bad input answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import Commands, paragraph

pytestmark = pytest.mark.slow

TINY = [
    "experiment=smoke",
    "model=nano",
    "logger=none",
    "data.cities=20",
    "data.spoken=20",
    "training.steps=6",
    "training.validate_every=3",
    "training.checkpoint_every=3",
]


@pytest.fixture(scope="module")
def sweep(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a sweep over two strategies and an option that does not exist has run, in real processes."""
    folder = tmp_path_factory.mktemp("sweep")
    line = [sys.executable, "-m", "hybridret.run", "-m", *TINY, "batching=mono,hybird,cross", "sweep=s"]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return folder


# Libraries that a command imports only when it computes.
HEAVY = {"torch", "transformers", "pytorch_lightning", "datasets", "pandas", "numpy", "pyarrow", "scipy", "wandb"}


def runs(folder: Path) -> list[Path]:
    return sorted(path.parent for path in (folder / "multirun" / "s").glob("*/result.json"))


def test_a_sweep_leaves_whole_records(sweep: Path) -> None:
    assert len(runs(sweep)) == 2
    for run in runs(sweep):
        result = json.loads((run / "result.json").read_text())
        metrics = pd.read_csv(run / "metrics.csv")
        queries = pd.read_parquet(run / "queries.parquet")
        assert set(metrics["dataset"]) == {"cldr", "cldr_unseen"}
        assert set(metrics["setting"]) == {"monolingual", "cross-lingual", "multilingual"}
        assert result["metrics"]["cldr/monolingual/map"] == pytest.approx(
            metrics.query("dataset == 'cldr' and setting == 'monolingual' and metric == 'map'").iloc[-1]["value"]
        )
        assert len(queries) > 1000
        assert json.loads((run / "status.json").read_text())["state"] == "finished"
        assert (run / "checkpoints" / "best" / "model.safetensors").is_file()
        assert result["training"]["mix"]["alpha"] == (1.0 if result["strategy"] == "mono" else 0.0)
        assert (result["text"]["query_prefix"], result["text"]["passage_length"]) == ("Query: ", 64)
        assert not list(run.glob("**/*.pkl"))


def test_a_misspelt_option_fails_alone_and_says_why(sweep: Path) -> None:
    points = json.loads((sweep / "multirun" / "s" / "sweep.json").read_text())["points"]
    assert [point["state"] for point in points] == ["finished", "failed", "finished"]
    assert points[1]["reason"].startswith("batching=hybird: there is no such option. Did you mean 'hybrid'?")


def test_the_same_sweep_again_starts_nothing(command: Commands, sweep: Path) -> None:
    before = {run: (run / "result.json").stat().st_mtime_ns for run in runs(sweep)}
    again = command("run", "-m", *TINY, "batching=mono,cross", "sweep=s", folder=sweep)
    assert again.returncode == 0, again.stderr
    assert before == {run: (run / "result.json").stat().st_mtime_ns for run in runs(sweep)}


def test_another_config_does_not_overwrite_a_run(command: Commands, sweep: Path) -> None:
    name = next(run.name for run in runs(sweep) if "batching-mono" in run.name)
    other = command("run", *TINY, "batching=mono", "sweep=s", "training.clip_norm=2.0", folder=sweep)
    assert other.returncode == 0, other.stderr  # another override is another run
    config = sweep / "multirun" / "s" / name / "result.json"
    result = json.loads(config.read_text())
    other_result = {key: value for key, value in result.items() if key != "checksum"} | {"config_hash": "0" * 16}
    config.write_text(json.dumps(other_result))
    refused = command("run", *TINY, "batching=mono", "sweep=s", folder=sweep)
    config.write_text(json.dumps(result))
    assert refused.returncode == 2
    assert "another config" in refused.stderr


def test_report_and_evaluation_of_a_run(command: Commands, sweep: Path) -> None:
    run = runs(sweep)[0]
    done = command("evaluate", f"checkpoint={run}", "eval=[heldout]", "evaluation.settings=[monolingual]", folder=sweep)
    assert done.returncode == 0, done.stderr
    assert (run / "evaluations" / "heldout" / "metrics.csv").is_file()
    told = command("report", "multirun/s", folder=sweep)
    assert told.returncode == 0, told.stderr
    page = (sweep / "multirun" / "s" / "report" / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "mono" in told.stdout


def test_search_answers_in_all_languages(command: Commands, sweep: Path) -> None:
    found = command("search", str(runs(sweep)[0]), "--query", "Which currency is used in Japan?", folder=sweep)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip()


def test_bm25_stands_beside_the_runs(command: Commands, sweep: Path) -> None:
    pytest.importorskip("bm25s")
    data = ["data=cldr", "data.languages=[en,ru,ar]", "data.cities=40"]
    done = command("evaluate", "backbone=bm25", "eval=[heldout]", *data, "sweep=bm25", folder=sweep)
    assert done.returncode == 0, done.stderr
    result = json.loads(next((sweep / "multirun" / "bm25").glob("*/result.json")).read_text())
    assert list((sweep / "multirun" / "bm25").glob("*/wandb/offline-run-*")), "evaluations are mirrored too"
    assert result["strategy"] == "bm25"
    assert result["text"] is None
    assert result["metrics"]["cldr/monolingual/map"] > result["metrics"]["cldr/cross-lingual/map"]


BAD = {
    "a misspelt key": (["batching.alpah=0.3"], ["batching.alpah", "alpha"]),
    "a misspelt option": (["batching=hybird"], ["hybird", "hybrid"]),
    "a key in the wrong place": (["alpha=0.3"], ["batching.alpha"]),
    "a wrong type": (["training.steps=many"], ["training.steps='many'", "a whole number"]),
    "alpha out of range": (["batching.alpha=1.5"], ["alpha", "1.5"]),
    "an unknown added key": (["+training.stpes=3"], ["training.stpes", "steps"]),
    "a size that the family lacks": (["backbone=minilm", "model=base"], ["model=base", "small"]),
    "a missing folder": (["data=jsonl", "data.path=/nowhere"], ["/nowhere"]),
    "a value left out": (["data=jsonl"], ["data.path"]),
    "one language with cross": (["batching=cross", "data.languages=[en]"], ["two languages"]),
    "a language that the data lacks": (["batching=en_en", "data.languages=[ar,ru]"], ["en"]),
    "a pair that the data lacks": (
        ["batching.pairs={en-ru:2,ru-fr:1}", "data.languages=[ar,en,ru]"],
        ["batching.pairs", "'ru-fr'", "Did you mean 'ru-ar'?"],
    ),
    "a curriculum of an unknown shape": (["batching=curriculum", "batching.shape=linaer"], ["Did you mean 'linear'"]),
    "a foreign target": (["batching._target_=os.system"], ["plug-ins come only from"]),
    "a hub name without network": (
        ["backbone=huggingface", "backbone.checkpoint=nobody/nothing"],
        ["nobody/nothing"],
    ),
    "something that needs no training": (["backbone=bm25"], ["bm25", "evaluate"]),
    "several devices and nobody to start them": (["trainer.devices=2"], ["torchrun"]),
    "W&B online without a key": (["logger=wandb_online"], ["W&B key"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_paragraph_and_exit_code_2(command: Commands, case: str, tmp_path: Path) -> None:
    overrides, words = BAD[case]
    small = [] if "data=jsonl" in overrides else ["data.cities=40"]
    answer = command("run", *small, *overrides, folder=tmp_path)
    assert answer.returncode == 2, answer.stdout + answer.stderr
    printed = paragraph(answer)
    for word in words:
        assert word in printed
    assert not list(tmp_path.glob("multirun/*/*/result.json"))


def test_an_unwritable_output_is_bad_input(command: Commands, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    answer = command("run", *TINY, "output=file", folder=tmp_path)
    assert answer.returncode == 2
    assert "file" in answer.stderr
    assert (tmp_path / "file").read_text() == "not a folder"


MISSPELT = {
    "training.stpes=3": "Unknown key training.stpes. Did you mean 'steps'?",
    "trainign.steps=3": "Unknown key trainign. Did you mean 'training'?",
    "steps=3": "Did you mean 'training.steps'?",
    "hydra.launcher.n_job=2": "Did you mean 'n_jobs'?",
    "trainer=cpuu": "Did you mean 'cpu'?",
    "eval=[heldot]": "Did you mean 'heldout'?",
    "eval.xquad_r.pth=x": "Unknown key eval.xquad_r.pth. Did you mean 'path'?",
    "training={stpes: 3}": "Unknown key training.stpes. Did you mean 'steps'?",
    "training.steps": "They look like group=option or section.key=value.",
}


@pytest.mark.parametrize("mode", ["one run", "a sweep"])
@pytest.mark.parametrize("override", MISSPELT)
def test_a_misspelt_override_gets_the_nearest_name(command: Commands, tmp_path: Path, override: str, mode: str) -> None:
    """In a sweep it is wrong for every point, so no point is started."""
    arguments = ["eval=[xquad_r]", "eval.xquad_r.path=x"] if "xquad_r" in override else []
    sweep = ["-m", "seed=1,2"] if mode == "a sweep" else []
    answer = command("run", *sweep, *arguments, override, folder=tmp_path)
    assert answer.returncode == 2, answer.stderr
    assert MISSPELT[override] in paragraph(answer)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("strategy", "hint"), [("x_x", "batching=x_x has no settings."), ("mono", "Known: language_exponent.")]
)
def test_a_key_that_only_some_points_have(command: Commands, tmp_path: Path, strategy: str, hint: str) -> None:
    answer = command("run", "-m", f"batching={strategy},cross", "batching.alpha=1", folder=tmp_path)
    assert answer.returncode == 2
    assert f"Unknown key batching.alpha. {hint}" in paragraph(answer)


@pytest.mark.parametrize("flags", [["--help"], ["--cfg", "job"]])
def test_help_is_light(flags: list[str]) -> None:
    """No large library is imported: `benchmarks/startup.py` measures the seconds."""
    program = (
        "import sys, runpy; sys.argv = ['hybridret.run', *sys.argv[1:]]\n"
        "try: runpy.run_module('hybridret.run', run_name='__main__')\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        f"heavy = {HEAVY} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
