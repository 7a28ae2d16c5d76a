"""Every number that a config can set has a bound, in the dataclasses of settings and in the signatures of plug-ins."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from annotated_types import Ge, Gt

from hybridret.base import settings
from hybridret.base.errors import UserError
from hybridret.base.range_words import parts
from hybridret.base.ranges import bounded, hints_of
from hybridret.config.entry import config_folder
from hybridret.config.instantiate import arguments, locate
from hybridret.encoders.scratch import ScratchSize
from hybridret.training.check import OptimizerNumbers

CONF = Path(config_folder())
EXCEPTIONS = {
    ("CldrCorpus", "seed"): "any whole number: it is hashed",
    ("JsonlPairs", "split_seed"): "any whole number: it is hashed",
    ("SquadFamily", "split_seed"): "any whole number: it is hashed",
    ("NaturalQuestions", "split_seed"): "any whole number: it is hashed",
}


def unbounded(hint: Any) -> bool:
    """Whether a number in an annotation, or in a list of it, has no lower bound."""
    base, notes = parts(hint)
    if base in (int, float):
        return not any(isinstance(note, Ge | Gt) for note in notes)
    inner = typing.get_origin(base) in (typing.Union, types.UnionType, list)
    return inner and any(map(unbounded, typing.get_args(base)))


def numbers(hint: Any) -> bool:
    base, _ = parts(hint)
    return base in (int, float) or any(map(numbers, typing.get_args(base)))


def plugins() -> dict[str, Any]:
    """The plug-ins of this package that conf/ names, by name."""
    texts = (path.read_text("utf-8") for path in CONF.glob("*/*.yaml"))
    sections = [section for text in texts if isinstance(section := yaml.safe_load(text), dict)]
    targets = {str(section["_target_"]) for section in sections if "_target_" in section}
    found = [locate(target, "plugin") for target in sorted(targets) if target.startswith("hybridret.")]
    return {plugin.__name__: plugin for plugin in found}


def sections() -> dict[str, Any]:
    made = {name: kind for name, kind in vars(settings).items() if dataclasses.is_dataclass(kind)}
    return {**made, "OptimizerNumbers": OptimizerNumbers, "ScratchSize": ScratchSize}


def without_bound() -> Iterator[tuple[str, str]]:
    for name, target in {**sections(), **plugins()}.items():
        yield from ((name, key) for key, hint in hints_of(target).items() if unbounded(hint))


def test_every_number_has_a_bound() -> None:
    assert len(plugins()) > 15
    assert len(sections()) > 10
    assert set(without_bound()) == set(EXCEPTIONS)


@pytest.mark.parametrize("name", sorted(name for name, plugin in plugins().items() if bounded(plugin)))
def test_constructors_check_their_bounds_themselves(name: str) -> None:
    """Python code makes plug-ins without a config: the class, or the function that makes one, has `checked` on it."""
    plugin = plugins()[name]
    key, hint = next((key, hint) for key, hint in bounded(plugin).items())
    made_by = plugin.__init__ if isinstance(plugin, type) else plugin
    assert getattr(made_by, "__wrapped__", None) is not None, f"{name} has bounds and is not @checked"
    wrong: Any = [] if numbers(hint) else "none of them"
    needed = dict.fromkeys(hints_of(plugin))
    with pytest.raises(UserError, match=rf"\.{key}="):
        plugin(**{**needed, key: wrong})


def test_a_config_is_refused_by_the_signature() -> None:
    section = yaml.safe_load((CONF / "index" / "faiss_ivfpq.yaml").read_text("utf-8")) | {"bits": 9}
    section.pop("name")
    with pytest.raises(UserError, match=r"^index\.bits=9 must be from 1 to 8\.$"):
        arguments(locate(section["_target_"], "index"), section, "index")
