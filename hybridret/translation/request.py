"""What is translated, from what into what, and by which model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hybridret.base.errors import UserError
from hybridret.base.languages import check_language, plain_language
from hybridret.base.ranges import Count, check_value, hints_of
from hybridret.translation.engines.engine import Decoding
from hybridret.translation.filters import Filter, chosen_filters
from hybridret.translation.model_files import EngineName


@dataclass(frozen=True)
class TranslationRequest:
    """Languages are checked codes; `shard` is the number of texts of a file."""

    source: str
    targets: tuple[str, ...]
    model: str
    revision: str | None
    engine: EngineName
    device: str
    output: Path
    shard: int
    decoding: Decoding
    filters: dict[str, Filter]


def read_request(options: Mapping[str, Any]) -> TranslationRequest:
    """The settings of the options of the command. Raises UserError naming the option."""
    source = check_language(options["source"], "--from")
    targets = tuple(check_language(code, "--to") for code in _listed(options["to"]))
    if not targets or len(set(map(plain_language, (source, *targets)))) <= len(targets):
        raise UserError(
            f"--to {options['to']}: name one or more languages, none of them twice, and not {source}, which is the "
            "language of the source."
        )
    hints = hints_of(Decoding)
    decoding = {name: check_value(hint, options[name], f"--{name.replace('_', '-')}") for name, hint in hints.items()}
    return TranslationRequest(
        source=source,
        targets=targets,
        model=str(options["model"]),
        revision=options["revision"],
        engine=check_value(EngineName, options["engine"], "--engine"),
        device=check_value(Literal["auto", "cpu", "cuda"], options["device"], "--device"),
        output=Path(options["output"]),
        shard=check_value(Count, options["shard"], "--shard"),
        decoding=Decoding(**decoding),
        filters=chosen_filters(_listed(options["without"])),
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
