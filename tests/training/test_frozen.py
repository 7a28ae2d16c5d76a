"""last.ckpt without the frozen weights, and how it is made whole again."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from training_helpers import encoder, equal

from hybridret.base.errors import UserError
from hybridret.encoders.adapters.lora import LoRA
from hybridret.training.frozen import FINGERPRINT, Frozen


def adapted(seed: int = 0) -> nn.Module:
    made = encoder(seed=seed)
    LoRA(rank=2, alpha=4.0, dropout=0.0, targets=None, frozen="bf16").apply(made.body, seed=1)
    return made


def test_only_what_is_trained_is_saved_and_the_rest_is_filled_in() -> None:
    module, other = adapted(), adapted()
    frozen = Frozen(module)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    saved = frozen.trained_state(module.state_dict())
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert saved.keys() == trained | {FINGERPRINT}
    assert saved[FINGERPRINT].nbytes == 32
    whole = Frozen(other).complete_state(saved, other.state_dict())
    assert equal(dict(sorted(whole.items())), dict(sorted(module.state_dict().items())))


def test_other_frozen_weights_are_refused() -> None:
    module, other = adapted(), adapted()
    saved = Frozen(module).trained_state(module.state_dict())
    with torch.no_grad():
        next(parameter for parameter in other.parameters() if not parameter.requires_grad)[0, 0] += 0.5
    with pytest.raises(UserError, match=r"last\.ckpt was trained beside other frozen weights"):
        Frozen(other).complete_state(saved, other.state_dict())


def test_saved_with_and_without_frozen_weights_do_not_mix() -> None:
    module, full = adapted(), encoder()
    saved = Frozen(module).trained_state(module.state_dict())
    with pytest.raises(UserError, match=r"other frozen weights .*now of none"):
        Frozen(full).complete_state(saved, full.state_dict())
    with pytest.raises(UserError, match=r"other frozen weights .*of none, now"):
        Frozen(module).complete_state(full.state_dict(), module.state_dict())


def test_where_nothing_is_frozen_nothing_changes() -> None:
    full = encoder()
    frozen = Frozen(full)
    assert equal(frozen.trained_state(full.state_dict()), dict(full.state_dict()))
    assert equal(frozen.complete_state(full.state_dict(), {}), dict(full.state_dict()))


def test_a_tied_weight_is_left_out_under_both_names() -> None:
    module = nn.ModuleDict({"one": nn.Embedding(3, 2), "two": nn.Linear(2, 3, bias=False), "free": nn.Linear(2, 2)})
    module["two"].weight = module["one"].weight
    module["one"].weight.requires_grad_(False)
    saved = Frozen(module).trained_state(module.state_dict())
    assert saved.keys() == {"free.weight", "free.bias", FINGERPRINT}
