"""The bodies, found in the files of this folder: a body of kind K is a class in `K.py` or `K_body.py`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from hybridret import encoders
from hybridret.encoders.dual import Body


def body_class(kind: object) -> type[Body] | None:
    """The body of `kind`, the name in saved encoders; None if there is no such body. No other file is imported."""
    names = {one.name for one in pkgutil.iter_modules(encoders.__path__)}
    for name in (str(kind), f"{kind}_body"):
        if name not in names:  # `kind` comes from a file: import only modules of this folder
            continue
        for one in vars(import_module(f"{encoders.__name__}.{name}")).values():
            if isinstance(one, type) and issubclass(one, Body) and getattr(one, "kind", None) == kind:
                return one
    return None
