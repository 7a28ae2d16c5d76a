"""Wrong values of adapters and optimizers end a run before it starts, with a paragraph that names the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hybridret.base.errors import UserError
from hybridret.config.entry import config_folder
from hybridret.config.instantiate import factory, make
from hybridret.training.optimisation import check_optimizer


def section(group: str, option: str, **changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = yaml.safe_load((Path(config_folder()) / group / f"{option}.yaml").read_text("utf-8"))
    return plain | changes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rank": 0}, r"^adapter\.rank=0 must be at least 1"),
        ({"rank": "many"}, r"^adapter\.rank='many'"),
        ({"ranks": 4}, r"^Unknown key adapter\.ranks\. Did you mean 'rank'"),
        ({"targets": "q_proj"}, r"^adapter\.targets='q_proj': it must be a list, adapter\.targets=\[q_proj\]"),
        ({"frozen": "fp8"}, r"^adapter\.frozen=fp8: choose one of fp32, bf16"),
        ({"dropout": -0.1}, r"^adapter\.dropout=-0\.1"),
    ],
)
def test_lora(wrong: dict[str, Any], message: str) -> None:
    assert make(section("adapter", "lora"), "adapter").name == "lora"
    with pytest.raises(UserError, match=message):
        make(section("adapter", "lora", **wrong), "adapter")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lr": "fast"}, r"^optim\.lr='fast'"),
        ({"fused": True}, r"^Unknown key optim\.fused"),
        ({"lr": -1.0}, r"^optim\.lr=-1\.0 must be at least 0"),
        ({"weight_decay": -1.0}, r"^optim\.weight_decay=-1\.0 must be at least 0"),
        ({"betas": 0.9}, r"^optim\.betas=0\.9: it must be a list"),
    ],
)
def test_adam8bit(wrong: dict[str, Any], message: str) -> None:
    check_optimizer(factory(section("optim", "adam8bit", lr=0.01), "optim"))
    with pytest.raises(UserError, match=message):
        check_optimizer(factory(section("optim", "adam8bit", **({"lr": 0.01} | wrong)), "optim"))
