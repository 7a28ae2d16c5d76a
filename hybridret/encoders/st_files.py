"""Checks of the files of a sentence-transformers model, on disk or on the hub, before the package loads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.encoders.attention import check_kernels_of, kernels_in

PASSAGE_NAMES = ("document", "passage", "corpus")  # in the order in which the package looks for a prompt


def prompts_of(config: dict[str, Any]) -> tuple[str, str]:
    """The prompts of queries and passages in a config_sentence_transformers.json.

    If no prompt has the right name, it is the default prompt, unless that one is meant for the other side.
    """
    prompts: dict[str, str | None] = config.get("prompts") or {}
    default = config.get("default_prompt_name") or ""

    def chosen(names: tuple[str, ...], others: tuple[str, ...]) -> str:
        # The package saves "" for a side without a prompt: a prompt with another name for this side is preferred.
        given = [prompts[name] or "" for name in names if name in prompts]
        if given:
            return next(filter(None, given), "")
        return "" if default in others else prompts.get(default) or ""

    return chosen(("query",), PASSAGE_NAMES), chosen(PASSAGE_NAMES, ("query",))


def checked_files(checkpoint: str, source: str, revision: str | None) -> dict[str, Any]:
    """The model's config_sentence_transformers.json. Raises UserError for a model of another kind or pickled weights,
    and OSError if the hub cannot be reached.
    """
    listed = _file(source, "modules.json", revision, required=True)
    if listed is None:
        raise UserError(
            f"{checkpoint} is not a sentence-transformers model: it has no modules.json. Use backbone=huggingface "
            f"backbone.checkpoint={checkpoint} and say how it is pooled, backbone.pooling=mean, cls or last."
        )
    described = _file(source, "config_sentence_transformers.json", revision)
    config: dict[str, Any] = json.loads(described.read_text(encoding="utf-8")) if described is not None else {}
    kind = config.get("model_type", "SentenceTransformer")
    if kind != "SentenceTransformer":
        raise UserError(f"{checkpoint} is a {kind}, not a SentenceTransformer: it has no vector for a text.")
    for module in json.loads(listed.read_text(encoding="utf-8")):
        folder, kind = f"{module['path']}/" if module["path"] else "", str(module["type"]).rsplit(".", 1)[-1]
        for name in ("config.json", "sentence_bert_config.json"):
            if (file := _file(source, f"{folder}{name}", revision)) is not None:
                check_kernels_of(kernels_in(json.loads(file.read_text(encoding="utf-8"))), file)
        pickled = f"{folder}pytorch_model.bin"
        if kind == "Transformer" or _file(source, f"{folder}model.safetensors", revision) is not None:
            continue
        if _file(source, pickled, revision) is not None:
            raise UserError(
                f"{checkpoint}: the weights of its module {kind} are pickled ({pickled}), and pickles are not read "
                "here. Load it once with sentence-transformers where you trust it and save it again (save_pretrained)."
            )
    return config


def _file(source: str, name: str, revision: str | None, required: bool = False) -> Path | None:
    """A file of the model, None if it has no such file. `required`: raise OSError if this cannot be determined."""
    if Path(source).is_dir():
        return Path(source) / name if (Path(source) / name).is_file() else None
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(source, name, revision=revision))
    except LocalEntryNotFoundError:
        if required:
            raise
        return None
    except EntryNotFoundError:
        return None
