"""The recipes of a container: they agree with each other and with the project, and hold no secret."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "scripts" / "container"
DOCKER, APPTAINER = ((FOLDER / name).read_text("utf-8") for name in ("Dockerfile", "hybridret.def"))
ARGUMENTS = {
    "docker": dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKER, re.MULTILINE)),
    "apptainer": dict(re.findall(r"^ {4}(\w+)=(\S+)$", APPTAINER, re.MULTILINE)),
}
EXTRAS = [re.findall(r"EXTRAS=([\w,]+)", text) for text in (DOCKER, APPTAINER)]


def installed(text: str) -> list[str]:
    """The words of the installation, the same however arguments are written."""
    lines = text.replace("\\\n", " ").replace("&&", "\n").splitlines()
    commands = [line.strip().removeprefix("RUN ") for line in lines if "pip install" in line]
    return [" ".join(re.sub(r"\$(\w+)|\{\{ (\w+) \}\}", r"<\1\2>", line).split()) for line in commands]


def test_both_recipes_build_the_same() -> None:
    assert ARGUMENTS["docker"] == ARGUMENTS["apptainer"]
    assert set(ARGUMENTS["docker"]) == {"BASE", "EXTRAS", "TORCH_INDEX"}
    assert installed(DOCKER) == installed(APPTAINER)
    assert len(installed(DOCKER)) == 2
    assert EXTRAS[0] == EXTRAS[1]


def test_all_that_they_name_exists() -> None:
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", DOCKER, re.MULTILINE) for name in line.split()}
    files = set(re.findall(r"^ {4}(\S+) /src/\1$", APPTAINER, re.MULTILINE))
    assert copied == files
    assert all((ROOT / name).exists() for name in copied)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert {extra for text in EXTRAS for one in text for extra in one.split(",")} <= set(known)
    assert re.search(r"^torch==\S+$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("recipe", [DOCKER, APPTAINER], ids=["docker", "apptainer"])
def test_everything_is_pinned_and_nothing_is_secret(recipe: str) -> None:
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", ARGUMENTS["docker"]["BASE"])
    assert all(line.count("-c /src/constraints.txt") == 1 for line in installed(recipe))
    assert not re.search(r"token|key|password|secret=|login", recipe.replace("no secret", ""), re.IGNORECASE)
