"""`python -m hybridret.plan`: tables, verdicts and the CSV agree with each other and with what is counted."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import Any

import pytest
from commands import Answer, Commands, paragraph
from hydra import compose, initialize_config_dir

from hybridret.components.components import Components
from hybridret.config.compose import labels
from hybridret.config.entry import config_folder
from hybridret.config.validate import read_settings, resolved
from hybridret.planning.step import _moments
from hybridret.preflight.plan_command import Estimates
from hybridret.preflight.plan_inputs import recipe_of

pytestmark = pytest.mark.slow

SIZES = ("1b", "3b", "10b")
PARTS = ("weights", "gradients", "optimizer", "activations", "logits", "gathered", "other")
PRICE = 2.5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(command: Commands, folder: Path) -> Answer:
    """The study of sizes on a large and a small GPU."""
    arguments = ("-m", f"model={','.join(SIZES)}", "plan.gpus=[h200,l40s]", f"plan.price_per_gpu_hour={PRICE}")
    answer = command("plan", *arguments, "--csv", "plan.csv", folder=folder)
    assert answer.returncode == 0, answer.stderr
    return answer


@pytest.fixture(scope="module")
def rows(study: Answer, folder: Path) -> list[dict[str, Any]]:
    with open(folder / "plan.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def composed(*overrides: str) -> Components:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return Components(read_settings(resolved(compose("config", overrides=list(overrides)))))


def test_a_row_for_each_point_and_gpu_as_asked(rows: list[dict[str, Any]]) -> None:
    asked = [(row["point"], row["gpu"]) for row in rows if row["which"] == "as asked"]
    assert asked == [(size, gpu) for size in SIZES for gpu in ("h200", "l40s")]


def test_the_parts_add_up_and_decide_what_fits(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert sum(int(row[part]) for part in PARTS) == int(row["total"])
        assert (row["fits"] == "True") == (int(row["total"]) <= 0.95 * int(row["memory_bytes"]))
        assert row["which"] == "as asked" or row["fits"] == "True"


def test_more_memory_fits_no_less_and_a_larger_model_takes_more(rows: list[dict[str, Any]]) -> None:
    fits = {(row["point"], row["gpu"]): row["fits"] == "True" for row in rows if row["which"] == "as asked"}
    total = {row["point"]: int(row["total"]) for row in rows if row["which"] == "as asked"}
    assert all(fits[size, "h200"] or not fits[size, "l40s"] for size in SIZES)
    assert total["1b"] < total["3b"] < total["10b"]
    assert fits["1b", "h200"]
    assert not fits["10b", "l40s"]  # 10.7 billion weights in fp32 alone are 40 GiB of its 44


def test_cost_is_hours_times_price(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        spent = float(row["gpu_hours"]) + float(row["encoding_hours"])
        assert float(row["cost"]) == pytest.approx(PRICE * spent)
        assert float(row["hours"]) == pytest.approx(10_000 * float(row["seconds_per_step"]) / 3600)


def test_parameters_are_counted(rows: list[dict[str, Any]]) -> None:
    for size in SIZES:
        counted = composed(f"model={size}").backbone.counted_parameters(size)
        row = next(row for row in rows if row["point"] == size)
        assert (int(row["parameters"]), int(row["body"])) == (counted["total"], counted["body"])


def test_one_verdict_for_each_point_and_every_assumption(study: Answer) -> None:
    for size in SIZES:
        assert len([line for line in study.stdout.splitlines() if line.startswith(f"{size}: fits ")]) == 1
    for words in ("upper bound", "no hard negatives", "plan.utilisation", f"Cost: {PRICE:g} for each", "plan.reserve"):
        assert words in " ".join(study.stdout.split())
    assert (
        "Evaluation: 2,458,198 passages as published, encoded once in bf16 (evaluation.precision) on one GPU, "
        "and that GPU's hours are in the cost; index: their vectors in float32."
    ) in " ".join(study.stdout.split())
    assert max(map(len, study.stdout.partition("\n\n")[0].splitlines())) <= 120


def test_what_is_suggested_composes_to_what_was_planned(study: Answer, rows: list[dict[str, Any]]) -> None:
    commands = [line.split("`")[1] for line in study.stdout.splitlines() if "`" in line]
    assert commands
    for text in commands:
        words = shlex.split(text)
        assert words[0] in ("python", "torchrun")
        components = composed(*words[words.index("hybridret.run") + 1 :])
        size = components.settings.model.size
        recipes = {row["recipe"] for row in rows if row["point"] == size and row["which"] == "cheapest"}
        assert recipe_of(components).spell() in recipes


def test_a_sharded_point_says_how_often_it_communicates(command: Commands, tmp_path: Path) -> None:
    asked = ("model=base", "backbone=xlmr", "trainer=fsdp", "trainer.devices=4", "training.recompute=true")
    answer = command("plan", *asked, "plan.gpus=[h200]", "--csv", "plan.csv", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    with open(tmp_path / "plan.csv", encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    chunks = 2  # 32 of 128 pairs on each GPU: one chunk of queries, one of passages, which are not computed again
    assert (int(row["all_gathers"]), int(row["reduce_scatters"])) == (2 * 12 * chunks + 1, 12 + 1)
    said = " ".join(answer.stdout.split())
    assert (
        "as asked: 49 all-gathers of a layer in each step, and gradients are summed once (13 reduce-scatters)" in said
    )


def test_nothing_is_written_but_the_table(study: Answer, folder: Path) -> None:
    assert [path.name for path in folder.iterdir()] == ["plan.csv"]


def test_seeds_and_strategies_share_a_row_and_a_missing_size_is_skipped(command: Commands, tmp_path: Path) -> None:
    arguments = ("-m", "model=tiny,3b", "seed=1,2", "batching=mono,cross", "backbone=scratch", "plan.gpus=[h100]")
    answer = command("plan", *arguments, folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len([line for line in lines if line.startswith("tiny (4 points): fits one h100 as asked")]) == 1
    assert len([line for line in lines if "skipped: model=3b: scratch has no such size" in line]) == 4
    assert any(line.startswith("All 4 points that fit") for line in lines)
    assert list(tmp_path.iterdir()) == []


def test_points_that_assume_different_things_have_forecasts_of_their_own(command: Commands, tmp_path: Path) -> None:
    sweep = ("plan.utilisation=0.2,0.4", "evaluation.precision=fp32,bf16")
    arguments = ("-m", "model=1b", "optim.lr=1e-5,2e-5", *sweep, "plan.gpus=[h100]", "--csv", "plan.csv")
    answer = command("plan", *arguments, folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    with open(tmp_path / "plan.csv", encoding="utf-8", newline="") as file:
        made = {row["point"]: row for row in csv.DictReader(file) if row["which"] == "as asked"}
    slow, fast = (made[f"lr=1e-05 utilisation={share} precision=fp32"] for share in (0.2, 0.4))
    assert float(slow["gpu_hours"]) == pytest.approx(2 * float(fast["gpu_hours"]))
    half = made["lr=1e-05 utilisation=0.4 precision=bf16"]
    assert float(fast["encoding_hours"]) == pytest.approx(989.4 / 66.9 * float(half["encoding_hours"]))
    said = " ".join(answer.stdout.split())
    words_of_fp32 = "encoded once in fp32 (evaluation.precision; bf16 takes less time)"
    for words in ("Time: 20% of", "Time: 40% of", words_of_fp32, "encoded once in bf16", "This holds for: "):
        assert words in said
    assert said.count("(2 points): fits one h100") == 4  # rates share


def test_an_evaluation_is_planned_on_one_gpu(command: Commands, tmp_path: Path) -> None:
    encoding = []
    for trainer in (("trainer=gpu",), ("trainer=ddp", "trainer.devices=4")):
        arguments = ("model=1b", *trainer, "plan.gpus=[h100]", "plan.price_per_gpu_hour=1", "--csv", "plan.csv")
        answer = command("plan", *arguments, folder=tmp_path)
        assert answer.returncode == 0, answer.stderr
        with open(tmp_path / "plan.csv", encoding="utf-8", newline="") as file:
            row = next(csv.DictReader(file))
        assert float(row["cost"]) == pytest.approx(float(row["gpu_hours"]) + float(row["encoding_hours"]))
        encoding.append(row["encoding_hours"])
    assert encoding[0] == encoding[1]


def test_what_fake_tensors_cannot_follow_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any) -> Any:
        raise NotImplementedError("no fake for this kernel")

    monkeypatch.setattr("hybridret.preflight.plan_inputs.plan", fails)
    with initialize_config_dir(config_folder(), version_base="1.3"):
        point = Estimates().of("here", (), compose("config", overrides=["model=nano"]))
    assert (point.estimate, point.reason) == (None, "NotImplementedError: no fake for this kernel")


def estimated(*overrides: str) -> tuple[object, int]:
    """The estimate of a point, and the logits of its plan in bytes."""
    with initialize_config_dir(config_folder(), version_base="1.3"):
        point = SHARED.of("", (), compose("config", overrides=["plan.gpus=[l40s]", "model=nano", *overrides]))
    assert point.estimate is not None, point.reason
    inputs = point.estimate.inputs
    memory = max(_moments(inputs.body_of("full"), inputs.pooling, inputs.recipe, inputs.workload, None),
                 key=lambda one: one.logits)  # fmt: skip
    return point.estimate, memory.logits


SHARED = Estimates()


def test_the_loss_of_the_config_is_planned() -> None:
    usual, logits = estimated()
    assert estimated("loss.temperature=0.2")[0] is usual
    other, fewer = estimated("loss.mask_false_negatives=false")
    assert other is not usual
    assert fewer < logits


def test_every_point_has_a_name() -> None:
    assert list(labels([["seed=1", "backbone=gemma3", "model=3b"]])) == ["gemma3 3b"]
    assert list(labels([["seed=1"]])) == ["the point"]
    assert list(labels([["model=3b", "seed=1"], ["model=3b", "seed=2"]])) == ["seed=1", "seed=2"]


def test_a_point_that_does_not_compose_is_shown_with_its_reason(command: Commands, tmp_path: Path) -> None:
    answer = command("plan", "-m", "model=nano,tini", "plan.gpus=[h100]", folder=tmp_path)
    assert answer.returncode == 1
    assert "nano: fits one h100" in answer.stdout
    assert "tini: cannot be planned: model=tini: there is no such option. Did you mean 'tiny'?" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan.gpus=[h300]"], "plan.gpus: no GPU is called 'h300' here. Did you mean 'h200'?"),
        (["plan.gpus=[]"], "plan.gpus is empty"),
        (["plan.utilisation=0"], "plan.utilisation=0"),
        (["plan.reserve=1"], "plan.reserve=1"),
        (["plan.price_per_gpu_hour=-1"], "plan.price_per_gpu_hour=-1"),
        (["evaluation.vectors=fp16"], "evaluation.vectors=fp16: choose one of float32, float16"),
        (["modl=3b"], "Unknown key modl"),
        (["backbone=bm25"], "backbone=bm25 has nothing to train"),
        (["backbone=huggingface"], "backbone.checkpoint has no value"),
        (
            ["backbone=huggingface", "backbone.checkpoint=a/b"],
            "The checkpoint a/b is neither a folder nor",
        ),
        (["model=1b,3b"], "Ambiguous value for argument 'model=1b,3b'"),
        (["model=3b", "backbone=scratch"], "model=3b: scratch has no such size"),
        (["-m", "modl=3b,10b"], "Unknown key modl"),
        (
            ["-m", "model=1b,3b", "backbone.init=random"],
            "backbone.init: a sweep looks keys up before it takes model=1b",
        ),
        (["-m", "model=1b,3b", "backbone.initt=random"], "Unknown key backbone.initt"),
        (["-m", "training.batch_size=range(1,3"], "Cannot read the override training.batch_size=range(1,3. Close"),
        (["training.batch_size=1"], "training.batch_size=1 must be at least 2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_one_paragraph(command: Commands, tmp_path: Path, arguments: list[str], said: str) -> None:
    answer = command("plan", *arguments, folder=tmp_path)
    assert answer.returncode == 2, answer.stdout
    assert paragraph(answer).startswith(f"Error: {said}")
    assert list(tmp_path.iterdir()) == []
