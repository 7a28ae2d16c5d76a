"""Warnings of libraries are for their developers: a user of a command cannot act on them, and a sweep would repeat
them a hundred times."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from hybridret.base.markup import printable

OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # the package


def own_warnings_only() -> None:
    """Show only warnings that this package causes; with -W or PYTHONWARNINGS, those that the user asked for."""
    if sys.warnoptions:
        return
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], filename: str, *more: Any, **named: Any) -> None:
        if filename.startswith(OWN):
            shown(printable(str(message)), category, filename, *more, **named)

    warnings.showwarning = show
