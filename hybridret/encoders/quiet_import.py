"""peft and torchao warn and log about themselves while they are imported: about kernels that nobody asked for, about
deprecations inside torch. Nothing in it is for the user of a run."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_import() -> Iterator[None]:
    """In the block nothing is warned of, and nothing logged that is less than an error."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
