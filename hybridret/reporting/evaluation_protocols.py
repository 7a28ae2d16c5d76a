"""How a run was evaluated: measurements of different protocols are no repetitions of each other.

Runs are compared dataset by dataset and only where both have something to compare, so that a run that was evaluated on
one benchmark more stays in the row of its configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from hybridret.reporting.texts import NOT_RECORDED

Protocol = dict[tuple[str, str], str]
_FIRST = ("languages", "settings")  # what is seen in the values themselves names a difference first
_NO_DIFFERENCE = ("batch_size", "settings")  # how it was computed; what `metrics.csv` shows anyway
_MANY = 2  # longer lists are counted in a label


def protocol(metrics: pd.DataFrame, options: Mapping[str, Any], text: str) -> Protocol:
    """(dataset or benchmark, option) -> value of one evaluation.

    `metrics`: its rows that count. `options`: its flat config, of which `evaluation.*` goes for each of its datasets
    and `eval.BENCHMARK.*` for the benchmark; {} where it is not known. `text`: how texts were cut and prefixed.
    """
    found: Protocol = {}
    for name, rows in metrics.groupby("dataset", sort=False):
        dataset = str(name)
        found[dataset, "languages"] = _text(sorted(set(rows["query_language"]) - {"macro"}))
        if text != NOT_RECORDED:
            found[dataset, "text"] = text
        found[dataset, "settings"] = _text(sorted(set(rows["setting"])))
        for key, value in options.items():
            section, _, option = key.partition(".")
            if section == "evaluation" and option not in _NO_DIFFERENCE:
                found[dataset, option] = _text(value)
            elif section == "eval":
                benchmark, _, option = option.partition(".")
                found.setdefault((benchmark, option), _text(value))
    return found


def evaluated(labels: Mapping[str, str], protocols: Mapping[str, Protocol]) -> dict[str, str]:
    """What tells apart the evaluations of runs with the same label, as short text by run; "" where nothing does."""
    by_label: dict[str, list[str]] = {}
    for run, label in labels.items():
        by_label.setdefault(label, []).append(run)
    several = len({dataset for one in protocols.values() for dataset, option in one if option == "languages"}) > 1
    return {
        run: ", ".join(f"{dataset} {text}" if several else text for dataset, text in parts)
        for runs in by_label.values()
        for run, parts in _split(runs, protocols, ())
    }


def _split(
    runs: Sequence[str], protocols: Mapping[str, Protocol], parts: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Each run with its (dataset, difference): divide by the first key with two values or more, then go on."""
    keys = {key for run in runs for key in protocols.get(run, {})}
    for dataset, option in sorted(keys, key=lambda key: (key[1] not in _FIRST, key[1], key[0])):
        classes: dict[str | None, list[str]] = {}
        for run in runs:
            classes.setdefault(protocols.get(run, {}).get((dataset, option)), []).append(run)
        values = [value for value in classes if value is not None]
        if len(values) > 1:
            for value, same in classes.items():
                more = () if value is None else ((dataset, _short(option, value, values)),)
                yield from _split(same, protocols, (*parts, *more))
            return
    yield from ((run, parts) for run in runs)


def _short(option: str, value: str, values: Sequence[str]) -> str:
    """`languages=de+en`, or `11 languages` where the number alone tells the values apart."""
    counts = [len(one.split("+")) for one in values]
    count = len(value.split("+"))
    return f"{count} {option}" if count > _MANY and counts.count(count) == 1 else f"{option}={value}"


def _text(value: Any) -> str:
    return "+".join(str(one) for one in value) if isinstance(value, list) else "none" if value is None else str(value)
