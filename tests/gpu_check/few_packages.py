"""An environment that holds only the packages of a machine that was made for torch: none of Hydra, W&B, pydantic ...

It is a venv whose packages are links to those installed here: the named ones and what they require. No network.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NAMED = (
    "torch", "transformers", "pytorch-lightning", "peft", "pandas", "pyarrow", "scipy", "rich", "matplotlib",
    "safetensors", "sentence-transformers", "triton",
)  # fmt: skip
#: What this project needs elsewhere and such a machine lacks.
LACKING = (
    "hydra-core", "omegaconf", "datasets", "torchao", "wandb", "babel", "faiss-cpu", "bm25s", "pydantic",
    "annotated-types", "duckdb", "langcodes",
)  # fmt: skip


def required(names: tuple[str, ...]) -> dict[str, Distribution]:
    """The installed ones of `names` and of all that they require without extras, by canonical name. Never one of
    `LACKING`: a newer typer asks for pydantic, which nothing of the named packages imports.
    """
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found or name in LACKING:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # triton beside a torch for CPUs
            continue
        for line in found[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def make_environment(folder: Path) -> Path:
    """A venv below `folder`; returns its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for found in required(NAMED).values():
        for file in found.files or []:
            top = file.parts[0]
            if top in ("..", "__pycache__") or (site / top).exists():
                continue
            target = Path(str(found.locate_file(top)))
            if target.exists():
                os.symlink(target, site / top)
    return folder / "bin" / "python"
