"""Parameter groups and the learning rate over time.

Weight decay shrinks matrices only: decaying biases and the gains of norms pulls a network towards zero output, not
towards a simpler one (Loshchilov and Hutter, arXiv 1711.05101; the usual practice since BERT). Input embeddings may
have a rate of their own, because a row is updated only in the steps that hold its token.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from hybridret.base.errors import UserError
from hybridret.base.machine import LARGEST
from hybridret.base.ranges import check_ranges
from hybridret.base.settings import LearningRateSettings
from hybridret.encoders.dual import DualEncoder

ParameterGroups = list[dict[str, Any]]
MakeOptimizer = Callable[[ParameterGroups], Optimizer]

_DECAYS: dict[str, Callable[[float], float]] = {  # share of the steps after the warm-up -> share of the rate
    "linear": lambda done: 1 - done,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
    "constant": lambda done: 1.0,
}


def parameter_groups(encoder: DualEncoder, embedding_lr: float | None) -> ParameterGroups:
    """The trainable parameters of `encoder` in at most three groups: matrices, vectors (no weight decay), embeddings.

    Input embeddings are a group only when `embedding_lr` is given; they keep weight decay, as matrices do. A parameter
    that is used twice is listed once. The first group has the optimizer's own rate.
    """
    embeddings = set() if embedding_lr is None else {id(parameter) for parameter in encoder.embedding_parameters()}
    trainable = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    tables = [parameter for parameter in trainable if id(parameter) in embeddings]
    others = [parameter for parameter in trainable if id(parameter) not in embeddings]
    groups: ParameterGroups = [
        {"params": [parameter for parameter in others if parameter.ndim >= 2]},
        {"params": [parameter for parameter in others if parameter.ndim < 2], "weight_decay": 0.0},
        {"params": tables, "lr": embedding_lr},
    ]
    return [group for group in groups if group["params"]]


def check_optimizer(make_optimizer: MakeOptimizer) -> None:
    """Build the optimizer of a matrix and a vector, so that values that it refuses are found before a training.

    Raises UserError for what the optimizer refuses, an infinite value, and a plug-in that makes no optimizer.
    """
    matrix, vector = (torch.nn.Parameter(torch.zeros(shape)) for shape in ((1, 1), (1,)))
    try:
        optimizer = make_optimizer([{"params": [matrix]}, {"params": [vector], "weight_decay": 0.0}])
    except UserError:  # a bound of its signature
        raise
    except (ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise UserError(
            f"optim: the optimizer refuses its values ({' '.join(str(error).split())}). Change the key of optim that "
            f"is meant, such as optim.lr or optim.weight_decay."
        ) from error
    if not isinstance(optimizer, Optimizer):
        raise UserError("optim._target_ is not an optimizer: name a class of torch.optim, such as torch.optim.AdamW.")
    for key, value in optimizer.param_groups[0].items():
        number = value.item() if isinstance(value, torch.Tensor) else value  # torchao keeps the rate as a tensor
        if isinstance(number, float) and not abs(number) <= LARGEST:
            raise UserError(f"optim.{key}={number} must be finite in single precision.")


def learning_rate_schedule(optimizer: Optimizer, settings: LearningRateSettings, steps: int) -> LambdaLR:
    """A schedule stepped once per optimizer step: from 0 up to each group's rate, then `settings.decay` over the rest.

    linear and cosine end at 0 after `steps`; constant stays. Raises UserError for settings out of range.
    """
    check_ranges(settings, "schedule")
    rising, decay = round(settings.warmup * steps), _DECAYS[settings.decay]

    def share(step: int) -> float:
        if step < rising:
            return step / rising
        return decay(min((step - rising) / max(steps - rising, 1), 1.0))

    return LambdaLR(optimizer, share)
