"""Whether the Hugging Face hub answers, asked once: its own library tries for half a minute before it gives up."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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
    """Let the hub's library look into its cache alone for the block."""
    from huggingface_hub import constants

    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
