"""A trained encoder as a folder that sentence-transformers loads, with the same vectors and without our code.

Prompts are the prefixes, pooling and normalisation are modules, and the tokenizer pads on the right. Weights are
safetensors. What could not be written faithfully is refused.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from hybridret.base.errors import UserError
from hybridret.base.files import folder_beside, umask, write_json, write_text
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.huggingface_body import HuggingFaceBody, model_class, quiet
from hybridret.encoders.transformer import Transformer
from hybridret.export.megatron import as_megatron
from hybridret.export.model_card import model_card
from hybridret.export.st_tokenizer import PROBES, save_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

POOLINGS = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "last": "pooling_mode_lasttoken"}
MODES = (*POOLINGS.values(), "pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
         "pooling_mode_weightedmean_tokens")  # fmt: skip
MODULES = ("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")
SAME = 1e-4  # of the largest hidden state: other kernels round differently


def export_sentence_transformers(encoder: DualEncoder, folder: Path, card: Mapping[str, Any]) -> None:
    """Write `encoder`, which is in evaluation mode afterwards, as `folder`, whole or not at all; `card`: see
    `model_card`.

    Raises UserError where the folder exists and is not empty or cannot be written, and for an encoder that
    sentence-transformers cannot run with its own modules.
    """
    model = _as_transformers(encoder)
    text = encoder.tokenization.text
    with new_folder(Path(folder)) as target, quiet():
        model.save_pretrained(str(target))
        save_tokenizer(encoder.tokenization, target)
        _check_states(encoder, target)
        lengths: dict[str, Any] = {"max_seq_length": text.passage_length, "do_lower_case": False}
        if text.query_length != text.passage_length:
            lengths |= {"query_length": text.query_length, "document_length": text.passage_length}
        if "add_pooling_layer" in inspect.signature(type(model).__init__).parameters:
            lengths |= {"model_args": {"add_pooling_layer": False}}  # its weights would be random, though not used
        write_json(target / "sentence_bert_config.json", lengths)
        write_json(
            target / "modules.json",
            [
                {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
                for i, (kind, path) in enumerate(MODULES)
            ],
        )
        pooling = {mode: mode == POOLINGS[encoder.pooling] for mode in MODES}
        for name, config in (
            ("1_Pooling", {"word_embedding_dimension": encoder.dimension, **pooling, "include_prompt": True}),
            ("2_Normalize", {}),
        ):
            (target / name).mkdir()
            write_json(target / name / "config.json", config)
        passage = text.passage_prefix
        write_json(
            target / "config_sentence_transformers.json",
            {
                "model_type": "SentenceTransformer",
                "prompts": {"query": text.query_prefix, "document": passage, "passage": passage},
                "default_prompt_name": None,
                "similarity_fn_name": "cosine",
            },
        )
        write_text(target / "README.md", model_card(encoder, card))


def _as_transformers(encoder: DualEncoder) -> PreTrainedModel:
    body = encoder.body
    if isinstance(body, Transformer):
        return as_megatron(body, encoder.tokenization.pad_id)
    if isinstance(body, HuggingFaceBody):
        if body.trust_remote_code:
            raise UserError(
                "This encoder runs code that came with its checkpoint; a folder of sentence-transformers would need it "
                "too. Backbones whose architecture is part of transformers can be exported."
            )
        return body.model
    raise UserError(
        f"An encoder of kind {body.kind!r} has no equal in transformers and cannot be exported. Backbones scratch and "
        "those of Hugging Face checkpoints (minilm, xlmr, labse, huggingface) can."
    )


def _check_states(encoder: DualEncoder, target: Path) -> None:
    """Raise UserError where the saved model does not give the encoder's hidden states in a usual call: with only ids
    and a mask, its own positions, and the attention of its config.
    """
    part = isinstance(encoder.body, HuggingFaceBody) and encoder.body.encoder_part
    with torch.random.fork_rng(devices=[]):  # an unused pooler gets random weights
        model = model_class(part).from_pretrained(str(target), dtype=torch.float32, local_files_only=True).eval()
    tokenization = encoder.tokenization
    tokens = tokenization.pad([*tokenization.queries(PROBES), *tokenization.passages(PROBES)])
    device = next(encoder.parameters()).device
    encoder.eval()
    with torch.inference_mode():
        ours = encoder.body(*(part.to(device) for part in tokens)).float().cpu()
        theirs = model(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
    kept = tokens.attention_mask > 0
    worst = float((ours - theirs)[kept].abs().max())
    if not worst <= SAME * max(1.0, float(ours[kept].abs().max())):
        raise UserError(
            f"This encoder cannot be exported: {type(model).__name__} of transformers, loaded from its files, gives "
            f"other hidden states (by up to {worst:.2g}). It was trained with positions or an attention that such a "
            "file cannot say. Nothing was written."
        )


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder` and move it there at the end.

    Raises UserError where `folder` is there and not empty, or cannot be written.
    """
    with folder_beside(folder, SafetensorError) as target:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder} exists and is not an empty folder. Choose another one, or delete it.")
        yield target
        os.chmod(target, 0o777 & ~umask())  # mkdtemp makes 0700: colleagues on a cluster must be able to read
        os.replace(target, folder)  # this replaces an empty folder
