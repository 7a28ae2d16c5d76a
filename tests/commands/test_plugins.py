"""Binding: unknown keys and wrong types are errors that name the nearest right key."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from hybridret.base.errors import UserError
from hybridret.config.instantiate import factory, make
from hybridret.config.validate import read_settings, resolved

HYBRID = {"_target_": "hybridret.batching.hybrid.Hybrid", "alpha": 0.5}


def test_a_section_becomes_its_object() -> None:
    assert make(HYBRID, "batching").alpha == 0.5


def test_a_whole_number_is_a_float_and_text_is_not() -> None:
    assert make({**HYBRID, "alpha": 1}, "batching").alpha == 1.0
    with pytest.raises(UserError, match=r"batching\.alpha='half' must be a number, from 0 to 1"):
        make({**HYBRID, "alpha": "half"}, "batching")


def test_a_misspelt_key_names_the_right_one() -> None:
    with pytest.raises(UserError, match=r"batching\.alhpa.*'alpha'"):
        make({"_target_": HYBRID["_target_"], "alhpa": 0.5}, "batching")


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(UserError, match=r"batching needs batching\.alpha"):
        make({"_target_": HYBRID["_target_"]}, "batching")


@pytest.mark.parametrize("target", ["os.system", "subprocess.run", "torch.load", "hybridretx.evil", "builtins.eval", 3])
def test_targets_come_from_two_places_only(target: Any) -> None:
    with pytest.raises(UserError, match="plug-ins come only from"):
        make({"_target_": target}, "batching")


def test_an_unknown_target_is_an_error_of_the_user() -> None:
    with pytest.raises(UserError, match=r"no module hybridret\.batching\.hybird"):
        make({"_target_": "hybridret.batching.hybird.Hybrid"}, "batching")
    with pytest.raises(UserError, match=r"has no Hybird.*'Hybrid'"):
        make({"_target_": "hybridret.batching.hybrid.Hybird"}, "batching")


def test_an_optimizer_is_a_function_of_its_parameters() -> None:
    build = factory({"_target_": "torch.optim.AdamW", "lr": 0.25, "weight_decay": 0}, "optim")
    optimizer = build([torch.nn.Parameter(torch.zeros(1))])
    assert isinstance(optimizer, torch.optim.AdamW)
    assert optimizer.param_groups[0]["lr"] == 0.25
    for wrong in ({"lrr": 1}, {"lr": "fast"}):
        with pytest.raises(UserError, match="optim"):
            factory({"_target_": "torch.optim.AdamW", **wrong}, "optim")


@pytest.mark.parametrize("build", [make, factory])
def test_a_section_without_a_target_asks_for_an_option(build: Any) -> None:
    with pytest.raises(UserError, match="optim has no _target_: choose an option"):
        build({"lr": 0.1}, "optim")


def test_a_target_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"optim\._target_=torch\.optim\.lr_scheduler: lr_scheduler is no class or function"
    ):
        factory({"_target_": "torch.optim.lr_scheduler"}, "optim")


@pytest.mark.parametrize("value", [3, -1, 0.5])
def test_a_number_is_no_truth_value(value: float) -> None:
    with pytest.raises(UserError, match=r"optim\.fused=.*choose true or false"):
        factory({"_target_": "torch.optim.AdamW", "fused": value}, "optim")


def test_a_word_where_a_list_belongs_is_shown_as_a_list() -> None:
    section = {"_target_": "hybridret.data.cldr.source.CldrCorpus", "languages": "en"}
    with pytest.raises(UserError, match=r"data\.languages='en': it must be a list, data\.languages=\[en\]\.$"):
        make(section, "data")


@pytest.mark.parametrize("seed", [10**23, -1, "x"])
def test_a_seed_that_no_generator_takes_is_named(seed: object) -> None:
    with pytest.raises(UserError, match=r"^seed="):
        read_settings({"seed": seed})


def test_a_value_that_another_key_lacks_is_asked_for_by_its_own_key() -> None:
    config = OmegaConf.create(
        {"backbone": {"checkpoint": "???", "name": "${.checkpoint}", "other": "${backbone.name}"}}
    )
    with pytest.raises(UserError, match=r"^backbone\.checkpoint has no value: set it .*backbone\.checkpoint=VALUE\.$"):
        resolved(config)


def test_settings_name_the_wrong_key() -> None:
    with pytest.raises(UserError, match=r"Unknown key sedd\. Did you mean 'seed'"):
        read_settings({"sedd": 1})
    with pytest.raises(UserError, match="missing from the config"):
        read_settings({"seed": 1})
