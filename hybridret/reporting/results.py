"""Read a `result.json` for a report: whole, of this version, and of the types that tables count on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.runs.sums import VERSION, read_result

_Test = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _scalar(value: Any) -> bool:
    return _text(value) or _number(value)


def _map_of(test: _Test) -> _Test:
    return lambda value: isinstance(value, Mapping) and all(test(one) for one in value.values())


def _list_of(test: _Test) -> _Test:
    return lambda value: isinstance(value, list) and all(test(one) for one in value)


def _is_leak(value: Any) -> bool:
    return (
        _map_of(_any)(value)
        and all(_text(value.get(key)) for key in ("dataset", "benchmark", "side", "language"))
        and all(_number(value.get(key)) for key in ("texts", "exact", "near", "through_ids"))
        and _list_of(_map_of(_any))(value.get("examples", []))
    )


_CHARACTERS = ("question_characters", "passage_characters")


def _is_dataset(value: Any) -> bool:
    """One of `datasets` of a data card: a square matrix, and the numbers of each language."""
    if not (_map_of(_any)(value) and _list_of(_text)(value.get("languages"))):
        return False
    languages, matrix, texts = value["languages"], value.get("coverage"), value.get("texts")
    return (
        all(_text(value.get(key)) for key in ("part", "name"))
        and all(_number(value.get(key)) for key in ("questions", "groups", "in_all_languages", "one_in"))
        and _list_of(_list_of(_number))(matrix)
        and [len(row) for row in matrix] == [len(languages)] * len(languages)
        and _map_of(_map_of(_any))(texts)
        and set(texts) == set(languages)
        and all(_number(one.get(side)) for one in texts.values() for side in ("questions", "passages"))
        and all(
            _is_lengths(one.get(f"{side}_characters")) for one in texts.values() for side in ("question", "passage")
        )
    )


def _is_lengths(value: Any) -> bool:
    """Of texts, or null where there is none."""
    keys = ("texts", "mean", "median", "p95", "max")
    return value is None or (_map_of(_number)(value) and all(key in value for key in keys))


def _any(value: Any) -> bool:
    return True


#: What stands where, with dots for what is below; null stands for what a run does not have.
_TYPES: Mapping[str, tuple[_Test, str]] = {
    "backbone": (_text, "a text"),
    "size": (_scalar, "a text"),
    "strategy": (_text, "a text"),
    "finished": (_text, "a text"),
    "seed": (_scalar, "a number"),
    "alpha": (_number, "a number"),
    "parameters": (_map_of(lambda one: one is None or _number(one)), "an object of numbers"),
    "notes": (_map_of(lambda one: _scalar(one) or _map_of(_any)(one)), "an object of texts"),
    "tokens": (_map_of(_map_of(lambda one: one is None or _number(one))), "an object of shares by language"),
    "text": (_map_of(_any), "an object"),
    "eval": (_map_of(_any), "an object"),
    "evaluation": (_map_of(_any), "an object"),
    "data": (_map_of(_any), "an object"),
    "data.name": (_text, "a text"),
    "data.fingerprint": (_text, "a text"),
    "data.licence": (_text, "a text"),
    "data.summary": (_map_of(_any), "an object"),
    "data.card": (_map_of(_any), "an object"),
    "data.card.datasets": (_list_of(_is_dataset), "a list of datasets"),
    "data.card.tokens": (_map_of(_any), "an object"),
    "data.card.tokens.sample": (_number, "a number"),
    "data.card.tokens.languages": (_map_of(_map_of(_is_lengths)), "an object of lengths by language"),
    "merge": (_map_of(_any), "an object"),
    "merge.ratio": (_number, "a number"),
    **{
        f"merge.{end}{key}": kind
        for end in ("mono", "cross")
        for key, kind in {
            "": (_map_of(_any), "an object"),
            ".run": (_text, "a text"),
            ".start": (_text, "a text"),
            ".steps": (_number, "a number"),
            ".seconds": (_number, "a number"),
        }.items()
    },
    "leaks": (_map_of(_any), "an object"),
    "leaks.rows": (_list_of(_is_leak), "a list of leaks"),
    "leaks.compared": (_map_of(_map_of(_number)), "an object of numbers by benchmark"),
    "leaks.near": (_map_of(_any), "an object"),
    "training": (_map_of(_any), "an object"),
    **{
        f"training.{key}": (_number, "a number")
        for key in ("steps", "best_step", "best_validation_loss", "pairs_per_second", "padding_share", "seconds")
    },
    "training.monitor": (_text, "a text"),
    "training.best_value": (_number, "a number"),
    "training.stopped": (_text, "a text"),
    "training.mix": (_map_of(_any), "an object"),
    "training.mix.alpha": (_number, "a number"),
    "training.mix.kinds": (_map_of(_number), "an object of numbers"),
    "training.mix.languages": (_map_of(_number), "an object of numbers"),
    "training.mix.language_pairs": (_map_of(_map_of(_number)), "an object of numbers by pair"),
}


def report_result(file: Path) -> dict[str, Any]:
    """The content of a `result.json`. Raises UserError naming the file and the key of a value of another type."""
    result = read_result(file)
    if (found := result.get("version", VERSION)) != VERSION:
        raise UserError(f"{file}: written in version {found} of the format, this program reads version {VERSION}.")
    for name, (test, words) in _TYPES.items():
        value: Any = result
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None and not test(value):
            raise UserError(
                f"{file}: the value of {name} must be {words}, not {str(value)[:60]!r}. Copy the file again, or delete "
                f"it and run the same command again: what is trained is kept."
            )
    return result
