"""The memory of encoding: against saved tensors of a real body, and short cuts against their slow twins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from measured_step import body_of, recipe_of, workload_of
from torch import Tensor

from hybridret.encoders.dual import Body
from hybridret.losses.infonce import InfoNCE
from hybridret.losses.loss import Loss
from hybridret.planning.collectives import collectives
from hybridret.planning.encoding import Encoding
from hybridret.planning.fake import FakeBody, held
from hybridret.planning.loss_memory import loss_memory
from hybridret.planning.plan import plan
from hybridret.planning.profile import profile
from hybridret.planning.states import state_bytes, states_per_weight
from hybridret.planning.step import _moments
from hybridret.training.averaging import Averaging

pytestmark = pytest.mark.slow

SCRATCH = {"kind": "scratch", "vocabulary": 50, "width": 32, "layers": 4, "heads": 4, "positions": 32}
QWEN = {
    "kind": "qwen3", "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 64,
}  # fmt: skip
BERT = {
    "kind": "bert", "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4,
    "intermediate_size": 64, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
}  # fmt: skip


def on_meta(spec: dict[str, Any]) -> Body:
    with torch.device("meta"):
        return body_of(spec)


def really_saved(body: Body, rows: int, tokens: int, autocast: bool) -> int:
    """Bytes of the distinct storages that autograd keeps of one forward pass, weights and their copies left out."""
    own = {one.untyped_storage().data_ptr() for one in body.parameters()}
    kept: dict[int, Tensor] = {}
    shapes = {one.shape for one in body.parameters()} | {one.t().shape for one in body.parameters() if one.ndim == 2}

    def pack(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage().data_ptr()
        copy = autocast and tensor.dtype == torch.bfloat16 and tensor.shape in shapes
        if address not in own and not copy:
            kept[address] = tensor
        return tensor

    ids = torch.randint(5, 50, (rows, tokens))
    mask = torch.ones_like(ids)
    mask[0, -1] = 0
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            hidden = body(ids, mask)
    assert hidden.requires_grad
    own_ids = {ids.untyped_storage().data_ptr(), mask.untyped_storage().data_ptr()}
    return sum(one.untyped_storage().nbytes() for address, one in kept.items() if address not in own_ids)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("spec", [SCRATCH, QWEN], ids=["scratch", "qwen3"])
def test_saved_bytes_are_those_of_a_real_forward_pass(spec: dict[str, Any], precision: str) -> None:
    torch.manual_seed(0)
    real = body_of(spec).train()
    measured = really_saved(real, 12, 20, precision != "32-true")
    planned = Encoding(on_meta(spec), "mean", recipe_of(precision=precision)).profile(12, 20, False)
    assert planned.saved.activations == pytest.approx(measured, rel=0.05)


@pytest.mark.parametrize(
    ("spec", "precision", "layers", "recompute"),
    [
        (QWEN, "bf16-mixed", False, False),
        (BERT, "bf16-mixed", True, True),
        (QWEN, "32-true", True, False),
        (BERT, "32-true", False, True),
    ],
)
def test_two_and_three_layers_stand_for_all(
    spec: dict[str, Any], precision: str, layers: bool, recompute: bool
) -> None:
    body = on_meta(spec)
    cast = torch.bfloat16 if precision == "bf16-mixed" else None

    def fake(depth: int) -> FakeBody:
        return FakeBody(body, "mean", depth, lambda one: held(one, precision), cast, not recompute)

    short, whole = (profile(fake, 4, alike, 6, 16, recompute, layers) for alike in (True, False))
    assert short.saved.total == pytest.approx(whole.saved.total, rel=1e-9)
    assert short.shared == whole.shared
    for name in ("forward", "first", "last"):
        for grown, measured in zip(getattr(short, name), getattr(whole, name), strict=True):
            assert grown.total == pytest.approx(measured.total, rel=0.01), name


def test_dropout_costs_a_byte_per_value() -> None:
    def saved(rate: float) -> float:
        spec = BERT | {"hidden_dropout_prob": rate, "attention_probs_dropout_prob": rate}
        return Encoding(on_meta(spec), "mean", recipe_of()).profile(6, 16, False).saved.total

    masks = 1 + 2 * 4  # behind the embeddings, and twice in each layer; the attention kernel keeps none
    assert saved(0.1) - saved(0.0) == pytest.approx(masks * 6 * 16 * 32, rel=0.01)


def test_the_body_is_left_as_it_was() -> None:
    body = on_meta(BERT).eval()
    before = [(name, id(one)) for name, one in body.named_parameters()]
    plan(body, "mean", recipe_of(chunk_size=2, recompute=True, recompute_layers=True), workload_of(4, 8, 8))
    assert [(name, id(one)) for name, one in body.named_parameters()] == before
    assert not body.training
    assert all("forward" not in vars(module) for module in body.modules())


def test_scores_are_counted_as_the_loss_makes_them() -> None:
    few, many = (loss_memory(InfoNCE(), rows, rows, 8, torch.float32) for rows in (1000, 2000))
    assert 9 <= few.forward / 1000**2 <= 14  # two in fp32 and a mask or more
    assert 9 <= few.backward / 1000**2 <= 14
    assert many.backward / few.backward == pytest.approx(4, rel=0.01)


class TwoPenalties:
    """InfoNCE, and the scores of queries among themselves and of passages among themselves."""

    def __call__(self, *given: Tensor) -> Tensor:
        queries, passages = given[:2]
        return InfoNCE()(*given) + (queries @ queries.T).exp().mean() + (passages @ passages.T).exp().mean()


class OwnPassagesOnly:
    """The distance of each query from its passage: no scores at all."""

    def __call__(self, queries: Tensor, passages: Tensor, positives: Tensor, *_: Tensor) -> Tensor:
        return (queries - passages[positives]).square().mean()


def test_the_loss_of_the_workload_is_the_one_that_is_planned() -> None:
    body, work = on_meta(SCRATCH), workload_of(4000, 4, 4)

    def logits(loss: Loss) -> int:
        changed = replace(work, loss=loss)
        return max(one.logits for one in _moments(body, "mean", recipe_of(chunk_size=8, recompute=True), changed, None))

    plain = logits(InfoNCE())
    assert plain == logits(InfoNCE(temperature=0.5))
    assert plain > 9 * 4000**2
    assert logits(TwoPenalties()) > plain + 8 * 4000**2
    assert logits(InfoNCE(mask_false_negatives=False)) <= plain - 4000**2  # a mask is a byte per score
    assert logits(OwnPassagesOnly()) < plain / 20


def test_optimizer_states() -> None:
    assert [states_per_weight(name) for name in ("sgd", "adamw", "adagrad", "adafactor", "lion_of_somebody")] == [
        0, 2, 1, 0, 2,
    ]  # fmt: skip
    assert state_bytes("adamw", 1000, 4) == 8000
    assert state_bytes("adam8bit", 1024, 4) == 8192  # small tensors are kept in full
    assert state_bytes("adam8bit", 4096, 4) == 2 * (4096 + 16 * 4)
    assert state_bytes("adam8bit", 4097, 4) == 2 * 4 * 4097


def test_devices_share_what_fsdp_divides_and_pay_for_it() -> None:
    body, work = on_meta(SCRATCH), workload_of(8, 8, 16)
    alone = plan(body, "mean", recipe_of(chunk_size=2), work)
    sharded = plan(body, "mean", recipe_of(chunk_size=2, devices=4, sharded=True, precision="bf16-mixed"), work)
    copied = plan(body, "mean", recipe_of(chunk_size=2, devices=4), work)
    weights = 4 * alone.parameters["total"]
    assert sharded.memory.weights == pytest.approx(weights / 4, rel=0.05)
    assert sharded.memory.optimizer == pytest.approx(2 * weights / 4, rel=0.05)
    assert sharded.memory.gradients == pytest.approx(weights, rel=0.05)  # summed up undivided
    assert copied.memory.weights == weights
    assert copied.memory.other >= weights  # DDP's buckets
    assert (alone.all_gathers, alone.reduce_scatters) == (0, 0)
    chunks = 2  # of each device: one of two queries, one of two passages
    assert (sharded.all_gathers, sharded.reduce_scatters) == collectives(5, 5, chunks, False) == (17, 5)


def test_a_chunk_computed_again_costs_a_chunk_and_not_the_batch() -> None:
    body = on_meta(SCRATCH)
    totals = [
        plan(body, "mean", recipe_of(chunk_size=8, recompute=True), workload_of(batch, 8, 16)).memory.activations
        for batch in (64, 256)
    ]
    assert totals[1] < 1.3 * totals[0]
    kept = [plan(body, "mean", recipe_of(chunk_size=8), workload_of(b, 8, 16)).memory.activations for b in (64, 256)]
    assert kept[1] > 3 * kept[0]


def test_an_average_of_the_trained_weights_takes_four_bytes_each() -> None:
    """What the tensors of a real average take; of frozen weights there is none."""
    for frozen in (False, True):
        body = on_meta(SCRATCH)
        for name, one in body.named_parameters():
            one.requires_grad_(not frozen or "layers.0" in name or "blocks.0" in name)
        trained = sum(one.numel() for one in body.parameters() if one.requires_grad)
        work = workload_of(8, 8, 8)
        plain, averaged = (plan(body, "mean", recipe_of(), replace(work, averaged=on)) for on in (False, True))
        kept = Averaging(8, 8)
        with torch.device("meta"):
            kept.add(body)
        real = sum(one.numel() * one.element_size() for one in kept.state_dict()["average"].values())
        assert averaged.memory.total - plain.memory.total == real == 4 * trained > 0
