"""Binding: unknown keys and wrong types are errors that name the nearest right key."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hybridret.build.config import read_settings
from hybridret.build.plugins import factory, make
from hybridret.errors import UserError

HYBRID = {"_target_": "hybridret.batching.hybrid.Hybrid", "alpha": 0.5}


def test_a_section_becomes_its_object() -> None:
    assert make(HYBRID, "batching").alpha == 0.5


def test_a_whole_number_is_a_float_and_text_is_not() -> None:
    assert make({**HYBRID, "alpha": 1}, "batching").alpha == 1.0
    with pytest.raises(UserError, match=r"batching\.alpha='half'.*float"):
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


def test_settings_name_the_wrong_key() -> None:
    with pytest.raises(UserError, match=r"Unknown key sedd\. Did you mean 'seed'"):
        read_settings({"sedd": 1})
    with pytest.raises(UserError, match="missing from the config"):
        read_settings({"seed": 1})
