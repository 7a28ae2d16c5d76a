"""Random weights instead of a checkpoint (`backbone.init=random`), so that every size can be built without a hub.

The network is that of the family, including the full table of embeddings, so that memory and speed are those of the
real model. Without a hub its tokenizer is not available either: as for `scratch`, a tokenizer is trained on the run's
corpus, and uses the first rows of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from hybridret.base.errors import UserError
from hybridret.base.settings import TextSettings
from hybridret.encoders.huggingface_body import HuggingFaceBody
from hybridret.encoders.tokenizer_training import FIRST, LAST, TextSource, trained_tokenizer

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerFast

VOCABULARY = 8000  # tokens, as in `scratch`; fewer if the model has fewer


def random_tokenizer(
    config: PretrainedConfig, text: TextSettings, corpus: TextSource | None
) -> PreTrainedTokenizerFast:
    """A tokenizer trained on `corpus` whose ids fit the model; its special tokens are set in `config`.

    Rows are `[CLS] text [SEP]`, and `[SEP]` is the end-of-text token at which decoders are pooled. Raises UserError if
    the corpus is None, or has more different characters than the model has embeddings.
    """
    if corpus is None:
        raise UserError(
            "backbone.init=random trains its tokenizer on a corpus, and there is none here. Name one with data=..., or "
            "pass a trained run with checkpoint=multirun/SWEEP/RUN."
        )
    rows = int(config.vocab_size)
    tokenizer = trained_tokenizer(corpus, min(VOCABULARY, rows), (text.query_prefix, text.passage_prefix))
    if len(tokenizer) > rows:
        raise UserError(
            f"The tokenizer of this corpus has {len(tokenizer)} tokens, and the model embeds {rows}. Choose a size "
            "with a larger vocab_size, or data with fewer languages."
        )
    tokenizer.bos_token, tokenizer.eos_token = FIRST, LAST
    # RoBERTa counts positions from the padding id, and the padding row of an embedding table gets no gradient.
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        setattr(config, name, getattr(tokenizer, name))
    return tokenizer


def random_body(
    config: PretrainedConfig, seed: int, attention: str | None = None, trust_remote_code: bool = False
) -> HuggingFaceBody:
    """The network in fp32, random weights that depend only on `seed`; the caller's random state does not change."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return HuggingFaceBody.untrained(config, bool(config.is_encoder_decoder), attention, trust_remote_code)
