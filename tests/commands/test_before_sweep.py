"""Before a sweep starts: what its points lack is said at once, and small sweeps neither wait nor are told of plans."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from commands import Answer, Commands, Train, paragraph
from huggingface_hub import constants
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from hybridret.components.hub_cache import hub_is_reachable, is_here, is_pickled
from hybridret.config.entry import config_folder
from hybridret.data import hub
from hybridret.preflight import missing, sweep_preflight
from hybridret.preflight.before_sweep import before_sweep, is_doubtful
from hybridret.preflight.sweep_preflight import check_points

pytestmark = pytest.mark.slow

SIZES = ("1b", "3b", "10b")


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return compose("config", overrides=list(overrides), return_hydra_config=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(command: Commands, folder: Path) -> Answer:
    """The command of the project where there is no hub, no data and, as far as these tests go, no GPU."""
    arguments = ("-m", f"model={','.join(SIZES)}", "data=jsonl", "trainer.precision=32-true", "plan.gpus=[h200]")
    return command("run", *arguments, folder=folder)


def test_the_study_ends_with_the_plan_and_all_that_each_point_lacks(study: Answer) -> None:
    assert study.returncode == 1, study.stderr
    said = study.stdout
    assert said.index("What a point needs as asked") < said.index("On each GPU") < said.index("Missing here")
    for size in SIZES:
        assert any(line.startswith(f"{size}: fits ") for line in said.splitlines())
    common = said.partition("every point:")[2].partition("  1b:")[0]
    assert "- data.path: has no value: set data.path=FOLDER." in common
    assert "hf download mteb/MIRACLRetrievalHardNegatives --repo-type dataset" in common
    assert "hf download mteb/scifact" in common
    assert "hf download mteb/nfcorpus" in common
    of_3b = said.partition("  3b:")[2].partition("  10b:")[0]
    assert "hf download facebook/xlm-roberta-xl ;" in of_3b
    assert "hf download facebook/xlm-roberta-xxl ;" in said.partition("  10b:")[2]


def test_no_process_was_started_and_the_runs_say_why(study: Answer, folder: Path) -> None:
    sweep = json.loads((folder / "multirun" / "default" / "sweep.json").read_text())
    assert [point["state"] for point in sweep["points"]] == ["failed"] * 3
    assert [point["exit_code"] for point in sweep["points"]] == [None] * 3
    for point in sweep["points"]:
        assert point["reason"].startswith("cannot run here: data.path, checkpoint, eval.miracl, eval.beir")
        run = folder / "multirun" / "default" / point["run"]
        assert json.loads((run / "status.json").read_text())["reason"] == point["reason"]
        assert "- eval.miracl: mteb/MIRACLRetrievalHardNegatives cannot be fetched" in (run / "log.txt").read_text()


def test_a_point_that_can_run_runs_beside_one_that_cannot(train: Train, tmp_path: Path) -> None:
    *_, path = train.arguments
    both = f"{path},nowhere"
    answer = train.command("run", "-m", *train.arguments[:-1], both, folder=tmp_path)
    assert answer.returncode == 1, answer.stderr
    points = json.loads((tmp_path / "multirun" / "default" / "sweep.json").read_text())["points"]
    assert [point["state"] for point in points] == ["finished", "failed"]
    assert points[1]["reason"].startswith("cannot run here: data;")
    assert "There is no file or folder nowhere" in answer.stdout
    assert "What a point needs" not in answer.stdout  # no plan of tiny models


SMALL = ("model=nano", "data=cldr")


@pytest.mark.parametrize(
    ("overrides", "doubtful"),
    [
        (SMALL, False),
        (("experiment=smoke",), False),
        (("backbone=minilm",), False),
        ((*SMALL, "eval=[xquad_r]", "eval.xquad_r.path=/"), False),
        ((*SMALL, "eval=[xquad_r]", "eval.xquad_r.path=/nowhere"), True),
        ((*SMALL, "eval=[xquad_r]"), True),  # the path is not set
        ((*SMALL, "eval=[beir]"), True),  # of the hub
        ((*SMALL, "data=mmarco"), True),  # likewise
        ((*SMALL, "data=jsonl", "data.path=/nowhere"), True),
        (("backbone=xlmr",), True),  # a checkpoint that is not here
        (("backbone=xlmr", "backbone.init=random"), False),
        (("backbone=xlmr", "backbone.init=random", "model=3b", "eval=[heldout]"), True),  # large
        (("backbone=bloom", "backbone.init=random", "model=3b", "eval=[heldout]"), True),
        (("backbone=bm25",), False),  # its own process explains it best
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_first_look(overrides: tuple[str, ...], doubtful: bool) -> None:
    assert is_doubtful(composed(*overrides)) is doubtful


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert is_doubtful(composed(*SMALL, "trainer=gpu"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert not is_doubtful(composed(*SMALL, "trainer=gpu"))


def test_a_small_sweep_is_looked_at_without_torch() -> None:
    """In a process of its own: the first look must not import what takes seconds."""
    code = (
        "import sys; from hydra import compose, initialize_config_dir\n"
        "from hybridret.run import before_sweep; from hybridret.config.entry import config_folder\n"
        "with initialize_config_dir(config_folder(), version_base='1.3'):\n"
        "    config = compose('config', overrides=['model=nano'], return_hydra_config=True)\n"
        "assert before_sweep([(('model=nano',), config)]) == [None]\n"
        "print(*{'torch', 'transformers', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


class Answered:
    def close(self) -> None:
        return None


@pytest.mark.parametrize(
    ("answer", "reachable"),
    [
        (Answered(), True),
        (urllib.error.HTTPError("https://hub", 503, "busy", Message(), None), True),
        (urllib.error.URLError("no name"), False),
        (TimeoutError(), False),
    ],
)
def test_the_hub_is_reached_where_it_answers(monkeypatch: pytest.MonkeyPatch, answer: Any, reachable: bool) -> None:
    def urlopen(*_: Any, **__: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    assert hub_is_reachable.__wrapped__() is reachable
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not hub_is_reachable.__wrapped__()


@pytest.mark.parametrize("reached", [True, False])
def test_what_the_hub_will_bring_is_not_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reached: bool
) -> None:
    monkeypatch.setattr(missing, "hub_is_reachable", lambda: reached)
    overrides = ("backbone=minilm", "eval=[beir]", "trainer.precision=bf16-mixed")
    (reason,) = check_points([("", overrides, composed(*overrides, "training.batch_size=8"))])
    assert (reason is None) is reached
    said = capsys.readouterr().out
    assert ("hf download mteb/scifact" in said) is not reached
    assert ("starts all the same with plan.refuse=false" in said) is not reached
    (reason,) = check_points([("", overrides, composed(*overrides, "training.batch_size=8", "plan.refuse=false"))])
    assert reason is None  # the hub's cache may look otherwise than expected: told to go on, the point finds out
    assert ("hf download mteb/scifact" in capsys.readouterr().out) is not reached


@pytest.mark.parametrize("reached", [True, False])
def test_training_data_of_the_hub_is_never_fetched_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reached: bool
) -> None:
    """60 GB are fetched by the point that needs them, not by a look at what it lacks."""
    asked: list[bool] = []
    real = hub._from_hub

    def watched(*arguments: Any) -> Path:
        asked.append(constants.HF_HUB_OFFLINE)
        return real(*arguments)

    monkeypatch.setattr(hub, "_from_hub", watched)
    monkeypatch.setattr(missing, "hub_is_reachable", lambda: reached)
    overrides = ("backbone=minilm", "data=mmarco", "trainer.precision=bf16-mixed", "plan.refuse=false")
    (reason,) = check_points([("", overrides, composed(*overrides, "training.batch_size=8", "eval={}"))])
    assert reason is None
    said = capsys.readouterr().out
    assert ("hf download unicamp-dl/mmarco --repo-type dataset --revision" in said) is not reached
    assert ("data/triples.train.ids.small.tsv" in said) is not reached
    assert asked == ([] if reached else [True])


def test_a_size_of_the_study_names_the_training_data_that_is_missing(command: Commands, tmp_path: Path) -> None:
    answer = command("run", "-m", "model=1b,3b", "trainer.precision=32-true", "plan.gpus=[h200]", folder=tmp_path)
    assert answer.returncode == 1, answer.stderr
    common = answer.stdout.partition("every point:")[2].partition("  1b:")[0]
    assert "- data: unicamp-dl/mmarco cannot be fetched" in common
    assert "--include 'data/google/collections/*_collection.tsv'" in common
    assert "data=cldr is the built-in corpus" not in answer.stdout


XLMR = ("backbone=xlmr", "model=base", "eval=[heldout]", "trainer.precision=bf16-mixed")


def cached(folder: Path, checkpoint: str, *names: str) -> None:
    """The local cache of the hub with these files of a checkpoint."""
    repository = folder / f"models--{checkpoint.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123")
    (repository / "snapshots" / "0123").mkdir(parents=True)
    for name in ("config.json", *names):
        (repository / "snapshots" / "0123" / name).write_text("{}")


def test_pickled_weights_are_told_from_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(missing, "hub_is_reachable", lambda: False)
    monkeypatch.setattr(
        "hybridret.preflight.memory_check.available_memory", lambda: 64 * 2**30
    )  # whatever else runs here
    cached(tmp_path, "a/pickled", "pytorch_model.bin.index.json")
    cached(tmp_path, "a/safe", "model.safetensors", "pytorch_model.bin")
    assert (is_here("a/pickled"), is_pickled("a/pickled")) == (False, True)
    assert is_here("a/safe")
    assert (is_here("a/none"), is_pickled("a/none")) == (False, False)
    reasons = check_points([("x", XLMR, composed(*XLMR, f"backbone.sizes.base.checkpoint=a/{name}"))
                           for name in ("pickled", "safe", "none")])  # fmt: skip
    assert [reason is None for reason in reasons] == [False, True, False]
    assert reasons[0] is not None
    assert "a/pickled is in the local hub cache, but without safetensors" in reasons[0]
    assert "AutoModel.from_pretrained('a/pickled').save_pretrained('FOLDER')" in reasons[0]
    assert reasons[2] is not None
    assert "a/none is neither a folder nor in the local hub cache" in reasons[2]
    assert "starts all the same with plan.refuse=false" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["devices", "torch", "mps", "nowhere"])
def test_a_gpu_is_missing_where_neither_files_nor_torch_know_one(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setattr(missing, "visible_gpus", lambda: ["0"] * (where == "devices"))
    monkeypatch.setattr("torch.cuda.device_count", lambda: int(where == "torch"))
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: where == "mps")
    asked = (*SMALL, "trainer=gpu", "plan.gpus=[h200]")
    (reason,) = check_points([("", asked, composed(*asked))])
    assert (reason is None) is (where != "nowhere")
    assert reason is None or reason.startswith("cannot run here: GPU;")


def test_a_finished_run_is_finished_without_a_gpu_too(train: Train, whole: Path) -> None:
    folder = whole.parents[2]
    again = train(folder, "trainer.accelerator=gpu")
    assert again.returncode == 0, again.stderr
    assert "is finished; nothing to do" in again.stdout


def test_what_is_wrong_anywhere_is_said_before_a_gpu_is_looked_for(train: Train, tmp_path: Path) -> None:
    refused = train(tmp_path, "trainer.accelerator=gpu", "evaluation.vectors=fp16")
    assert refused.returncode == 2
    assert paragraph(refused).startswith("Error: evaluation.vectors=fp16: choose one of")


def test_a_wrong_value_leaves_the_other_points_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/pitfalls.md#failing-points: nothing that is wrong with one point ends a sweep."""
    monkeypatch.setattr(missing, "hub_is_reachable", lambda: True)
    wrong, right = ("evaluation.vectors=fp16",), ("evaluation.vectors=float32",)
    points = [(one, composed(*SMALL, "eval=[beir]", *one)) for one in (wrong, right)]
    reasons = before_sweep(points)
    assert reasons[1] is None
    assert reasons[0] is not None
    assert "config: evaluation.vectors=fp16: choose one of" in reasons[0]
    assert "  vectors=fp16:" in capsys.readouterr().out


def test_a_point_that_cannot_be_planned_is_left_to_its_own_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("of nobody's making")

    monkeypatch.setattr(missing, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(sweep_preflight, "memory_check", broken)
    monkeypatch.setattr(missing.Components, "source", property(broken))
    assert before_sweep([(("seed=1",), composed(*SMALL, "eval=[beir]", "seed=1"))]) == [None]
    assert ": no plan, and its own process says more: KeyError: " in capsys.readouterr().out


def test_a_first_look_that_fails_leaves_the_point_to_its_own_process() -> None:
    config = composed(*SMALL)
    config.trainer = None
    assert not is_doubtful(config)


def test_a_lone_point_in_doubt_is_told_from_those_that_are_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(missing, "hub_is_reachable", lambda: False)
    points = [((f"eval=[{name}]",), composed(*SMALL, f"eval=[{name}]")) for name in ("heldout", "beir")]
    assert [reason is None for reason in before_sweep(points)] == [True, False]
    assert "  [beir]:" in capsys.readouterr().out
