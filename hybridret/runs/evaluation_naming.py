"""The name of an evaluation without training: backbone and benchmarks, short enough to type.

    bm25_xquad_r            backbone=bm25 eval=[xquad_r]
    minilm_scifact.1f0c3a   backbone=minilm eval=[folder] eval.folder.path=data/scifact

All other overrides become a hash after a dot, so two commands never share a name; the folder's config.yaml shows their
values.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from hybridret.runs.naming import named_overrides

LONGEST = 48  # characters of the part that names the benchmarks
OWN_NAME = "folder"  # the benchmark that is called by its path, unless it has another name


def evaluation_name(backbone: str, benchmarks: Mapping[str, Any], overrides: Sequence[str], seed: int) -> str:
    """`BACKBONE_BENCHMARKS`, then a hash of all other overrides, then the seed where it is not 1.

    `benchmarks` are the sections of `eval` by name.

    >>> evaluation_name("bm25", {"xquad_r": {}}, ["backbone=bm25", "eval=[xquad_r]"], 1)
    'bm25_xquad_r'
    """
    chosen = named_overrides(overrides)
    labels = [_label(name, section) for name, section in benchmarks.items()]
    what = _readable("+".join(labels))
    plain = chosen.pop("backbone", None) == backbone == _readable(backbone)
    listed = chosen.pop("eval", None)
    usual = listed in (f"[{','.join(benchmarks)}]", None) and labels == list(benchmarks) and "+" not in "".join(labels)
    if not (usual and plain and what == "+".join(labels)) or chosen:
        exact = "\n".join(f"{key}={value}" for key, value in sorted(named_overrides(overrides).items()))
        what += f".{hashlib.sha256(exact.encode()).hexdigest()[:6]}"
    tail = "" if seed == 1 else f"_seed-{seed}"
    return f"{_readable(backbone)}_{what}{tail}"


def _label(name: str, section: Any) -> str:
    """The short name of a benchmark: the last part of a folder's path, the chosen sets, else its own name."""
    section = section if isinstance(section, Mapping) else {}
    if name == OWN_NAME and section.get("name", OWN_NAME) != OWN_NAME:
        return str(section["name"])
    if name == OWN_NAME and section.get("path"):
        return PurePath(str(section["path"])).name.split(".")[0] or name
    names = section.get("names")
    return "+".join(map(str, names)) if isinstance(names, list) and names else name


def _readable(text: str) -> str:
    """`text` with only those characters that a file name can hold and that need no quotes in a shell."""
    return re.sub(r"[^A-Za-z0-9+_-]+", "-", text).strip("-")[:LONGEST] or "x"
