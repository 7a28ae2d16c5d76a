"""Our small transformer as an architecture of the transformers library.

MegatronBERT (Shoeybi et al. 2019, arXiv 1909.08053) is the same network: no norm after the embeddings, a norm before
attention and before the feed-forward layer of each block and one at the end, learned positions, exact GELU. Its
embedding of token types is zero here. It loads without our code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hybridret.encoders.quiet_import import quiet_import
from hybridret.encoders.transformer import Transformer

if TYPE_CHECKING:
    from transformers import MegatronBertModel


def as_megatron(body: Transformer, pad_id: int) -> MegatronBertModel:
    """A model with the weights of `body`; its last hidden states are those of `body`."""
    with quiet_import():  # the first model imports transformers' quantizers, and with them torchao
        from transformers import MegatronBertConfig, MegatronBertModel
    shape = body.architecture
    config = MegatronBertConfig(
        vocab_size=shape["vocabulary"],
        hidden_size=shape["width"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        intermediate_size=4 * shape["width"],
        hidden_act="gelu",
        hidden_dropout_prob=shape["dropout"],
        attention_probs_dropout_prob=shape["dropout"],
        max_position_embeddings=shape["positions"],
        type_vocab_size=2,
        layer_norm_eps=body.norm.eps,
        pad_token_id=pad_id,
    )
    with torch.random.fork_rng(devices=[]):
        model = MegatronBertModel(config, add_pooling_layer=False)
    model.load_state_dict(_renamed({name: tensor.detach().cpu() for name, tensor in body.state_dict().items()}))
    model.train(False)
    return model


def _renamed(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our state dict with the names of transformers."""
    words = weights["token_embedding.weight"]
    made = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": weights["position_embedding"],
        "embeddings.token_type_embeddings.weight": words.new_zeros(2, words.shape[1]),
    }
    names = {"attention_norm": "attention.ln", "attention_out": "attention.output.dense", "feed_norm": "ln",
             "feed_in": "intermediate.dense", "feed_out": "output.dense"}  # fmt: skip
    for name, tensor in weights.items():
        if name.startswith("norm."):
            made[f"encoder.ln.{name.removeprefix('norm.')}"] = tensor
        elif name.startswith("blocks."):
            _, layer, part, kind = name.split(".")
            prefix = f"encoder.layer.{layer}"
            if part == "attention_in":
                for one, third in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                    made[f"{prefix}.attention.self.{one}.{kind}"] = third.clone()
            else:
                made[f"{prefix}.{names[part]}.{kind}"] = tensor
    return made
