"""`model=1b,3b,10b`: the family that they bring, what the user names instead, and sizes that a family lacks."""

from __future__ import annotations

from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from hybridret.base.errors import SizeMissing
from hybridret.config.entry import config_folder
from hybridret.config.instantiate import make
from hybridret.config.validate import resolved

pytestmark = pytest.mark.slow


def composed(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(config_folder(), version_base="1.3"):
        config = compose("config", overrides=list(overrides), return_hydra_config=False)
    return resolved(config)


def backbone(plain: dict[str, Any]) -> Any:
    section = {key: value for key, value in plain["backbone"].items() if key not in ("name", "default_size")}
    return make(section, "backbone")


@pytest.mark.parametrize("size", ["1b", "3b", "10b"])
def test_a_size_alone_brings_a_family_that_has_it(size: str) -> None:
    plain = composed(f"model={size}")
    assert plain["model"] == {"size": size}
    assert plain["backbone"]["name"] == "xlmr"
    assert plain["data"]["_target_"] == "hybridret.data.mmarco.Mmarco"
    assert plain["data"]["languages"] == ["ar", "de", "en", "es", "hi", "ru", "zh"]
    assert plain["optim"]["lr"] == plain["backbone"]["sizes"][size]["lr"]
    assert plain["training"]["batch_size"] == 100
    assert (plain["text"]["query_prefix"], plain["text"]["passage_prefix"]) == ("Query: ", "Passage: ")
    assert plain["evaluation"]["precision"] == "bf16"


@pytest.mark.parametrize("order", [1, -1])
def test_the_users_family_wins(order: int) -> None:
    plain = composed(*["model=3b", "backbone=gemma3"][::order])
    assert (plain["backbone"]["name"], plain["model"]["size"]) == ("gemma3", "3b")


def test_the_users_data_and_keys_win() -> None:
    plain = composed(
        "model=10b",
        "data=jsonl",
        "data.path=FOLDER",
        "eval=[heldout]",
        "backbone.pooling=cls",
        "training.batch_size=32",
    )
    assert plain["data"]["path"] == "FOLDER"
    assert list(plain["eval"]) == ["heldout"]
    assert plain["backbone"]["pooling"] == "cls"
    assert plain["training"]["batch_size"] == 32


def test_other_sizes_keep_the_users_family() -> None:
    assert composed("model=large", "backbone=qwen3")["backbone"]["name"] == "qwen3"


def test_random_weights_are_counted_without_a_hub() -> None:
    totals = []
    for size in ("1b", "3b", "10b"):
        family = backbone(composed(f"model={size}", "backbone.init=random"))
        assert family.init == "random"
        totals.append(family.counted_parameters(size)["total"])
    assert totals == [558_840_832, 3_475_929_600, 10_695_954_432]


def test_a_size_that_the_family_lacks_is_said_so() -> None:
    with pytest.raises(SizeMissing, match=r"model=10b: eurobert has no such size, only base, large, 1b, 3b"):
        composed("model=10b", "backbone=eurobert")


def test_one_checkpoint_of_a_size_can_be_replaced() -> None:
    """Hydra cannot spell `backbone.sizes.3b.checkpoint`, a key that begins with a digit; a mapping merges."""
    sizes = composed("model=3b", "backbone.sizes={3b: {checkpoint: FOLDER, revision: abc}}")["backbone"]["sizes"]
    assert sizes["3b"]["checkpoint"] == "FOLDER"
    assert sizes["3b"]["revision"] == "abc"
    assert sizes["3b"]["config"]["model_type"] == "xlm-roberta-xl"
    assert set(sizes) == {"base", "large", "1b", "3b", "10b"}


@pytest.mark.parametrize("root", ["config", "evaluate"])
def test_the_sizes_of_the_study_are_evaluated_in_bf16_unless_told_otherwise(root: str) -> None:
    def precision(*overrides: str) -> Any:
        with initialize_config_dir(config_folder(), version_base="1.3"):
            return compose(root, overrides=list(overrides)).evaluation.precision

    assert {precision(f"model={size}") for size in ("1b", "3b", "10b")} == {"bf16"}
    assert precision("model=3b", "evaluation.precision=fp32") == "fp32"
    assert precision("model=large", "backbone=qwen3") == "fp32"
