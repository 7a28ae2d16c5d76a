"""Text settings come from the backbone's yaml, for `run` and `evaluate` alike, unless the command line says more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from hybridret.base.errors import UserError
from hybridret.config.entry import config_folder
from hybridret.config.run_identity import point_hash
from hybridret.config.validate import read_settings, resolved
from hybridret.pipelines.evaluate_run import evaluate_run

pytestmark = pytest.mark.slow

BACKBONES = sorted(path.stem for path in (Path(config_folder()) / "backbone").glob("*.yaml") if path.stem != "bm25")
SCRATCH = {"query_prefix": "Query: ", "passage_prefix": "Passage: ", "query_length": 32, "passage_length": 64}
PRETRAINED = {"query_prefix": "", "passage_prefix": "", "query_length": 64, "passage_length": 256}
EXPLICIT = {
    key: f"text.{key}='{value}'" if isinstance(value, str) else f"text.{key}={value}" for key, value in SCRATCH.items()
}


def composed(name: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        return compose(name, overrides=list(overrides), return_hydra_config=False)


def text(name: str, backbone: str, *overrides: str) -> dict[str, Any]:
    checkpoint = ["backbone.checkpoint=FOLDER"] if backbone in ("huggingface", "sentence_transformers") else []
    found: dict[str, Any] = resolved(composed(name, f"backbone={backbone}", *checkpoint, *overrides))["text"]
    return found


@pytest.mark.parametrize("backbone", BACKBONES)
def test_trained_and_untrained_have_one_text_setting(backbone: str) -> None:
    assert text("config", backbone) == text("evaluate", backbone) == (SCRATCH if backbone == "scratch" else PRETRAINED)


@pytest.mark.parametrize("name", ["config", "evaluate"])
def test_the_command_line_wins_key_by_key(name: str) -> None:
    found = text(name, "minilm", "text.passage_length=128", "text.query_prefix='query: '")
    assert found == {**PRETRAINED, "passage_length": 128, "query_prefix": "query: "}


@pytest.mark.parametrize("arguments", [[], ["model=nano"], ["experiment=smoke"]])
def test_finished_runs_of_the_built_in_encoder_are_found_again(arguments: list[str]) -> None:
    """What stood in the root config before stands in the hash as it did."""
    assert point_hash(composed("config", *arguments)) == point_hash(composed("config", *arguments, *EXPLICIT.values()))


def test_the_record_has_the_settings_in_one_place() -> None:
    plain = resolved(composed("config", "backbone=minilm"))
    assert "text" not in plain["backbone"]
    assert read_settings(plain).text.passage_length == 256


PAPER_TESTS = ("squadshifts", "xquad_r", "mlqa_r")


@pytest.mark.parametrize(
    ("experiment", "open_keys", "lengths"),
    [
        ("squad", ["data.path"], (32, 128)),
        ("paper_small", ["data.path"], (32, 128)),
        ("paper", ["data.sources.translated.path", *(f"eval.{one}.path" for one in PAPER_TESTS)], (64, 256)),
    ],
)
def test_an_experiment_says_its_own(experiment: str, open_keys: list[str], lengths: tuple[int, int]) -> None:
    given = [f"{key}=FOLDER" for key in open_keys]
    found = resolved(composed("config", f"experiment={experiment}", *given))["text"]
    assert found == {**SCRATCH, "query_length": lengths[0], "passage_length": lengths[1]}


def test_a_backbone_without_text_settings_is_told_what_it_lacks() -> None:
    with pytest.raises(UserError, match=r"backbone\.text"):
        resolved(composed("config", "~backbone.text"))


def test_settings_that_a_backbone_does_not_read_are_refused() -> None:
    arguments = ["backbone=bm25", "data=cldr", "text.passage_length=128"]
    with pytest.raises(UserError, match=r"text.passage_length=128: backbone=bm25 does not read text settings"):
        evaluate_run(composed("evaluate", *arguments), arguments)
