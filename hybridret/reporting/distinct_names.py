"""Names that tell several sweeps apart where their folders have one name: `multirun/try` beside `old/try`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hybridret.base.errors import UserError
from hybridret.reporting.collect import Sweep


def distinct_names(sweeps: Sequence[Sweep]) -> list[Sweep]:
    """`sweeps`, in their order. Those that share a name get as many parent folders in it as make all names distinct.

    Raises UserError where two are one folder: its runs would count twice.
    """
    folders = [one.folder.resolve() for one in sweeps]
    for folder, times in Counter(folders).items():
        if times > 1:
            raise UserError(f"{folder} is given {times} times: its runs would count as so many seeds. Give it once.")
    names = [one.name for one in sweeps]
    parts = 2
    while len(set(names)) < len(names):
        shared = {name for name, times in Counter(names).items() if times > 1}
        names = [
            "/".join(folder.parts[-parts:]).replace("//", "/") if name in shared else name
            for name, folder in zip(names, folders, strict=True)
        ]
        parts += 1
    return [replace(one, name=name) for one, name in zip(sweeps, names, strict=True)]
