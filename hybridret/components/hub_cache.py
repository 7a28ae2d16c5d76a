"""The Hugging Face hub: whether it answers, and which checkpoints are in the local cache.

Whether it answers is asked once: its own library tries for half a minute before it gives up.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.error import HTTPError

SECONDS = 3


@cache
def hub_is_reachable() -> bool:
    """Whether the hub answers within seconds; not asked where HF_HUB_OFFLINE forbids it."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        urllib.request.urlopen(urllib.request.Request(constants.ENDPOINT, method="HEAD"), timeout=SECONDS).close()
    except HTTPError:
        return True  # it answered
    except OSError:
        return False
    return True


@contextmanager
def offline() -> Iterator[None]:
    """In the block, the hub's library uses only its local cache."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def is_here(checkpoint: str, revision: str = "main") -> bool:
    """Whether a checkpoint is a folder, comes with a package, or lies in the local cache of the hub as safetensors."""
    if checkpoint.startswith("package:") or Path(checkpoint).expanduser().is_dir():
        return True
    return _is_cached(checkpoint, revision, ("model.safetensors", "model.safetensors.index.json"))


def is_pickled(checkpoint: str, revision: str = "main") -> bool:
    """Whether a checkpoint for which `is_here` is false lies in the local cache of the hub in files that may run code
    when they are read: those are never opened.
    """
    return _is_cached(checkpoint, revision, ("pytorch_model.bin", "pytorch_model.bin.index.json"))


def _is_cached(checkpoint: str, revision: str, weights: Sequence[str]) -> bool:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [try_to_load_from_cache(checkpoint, name, revision=revision) for name in ("config.json", *weights)]
    except HFValidationError:  # no valid name of the hub: the run reports it
        return False
    return isinstance(found[0], str) and any(isinstance(one, str) for one in found[1:])
