"""The result of a translation as prepared data: the source's files, and beside them those of the new languages."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.files import folder_beside, hash_file, hash_json, read_json
from hybridret.base.progress import Progress
from hybridret.data.prepared.folder import VALIDATION, PreparedFolder, write_about
from hybridret.data.prepared.stored_pairs import ABOUT as PAIRS_ABOUT
from hybridret.data.prepared.stored_pairs import write_about as write_pairs_about
from hybridret.data.prepared.stored_texts import StoredTexts, write_texts
from hybridret.data.translated import PREPARED, is_copied, link
from hybridret.translation.filters import Filter, fault
from hybridret.translation.shards import TranslationShards
from hybridret.translation.source_texts import SourceTexts

DISTINCT = "distinct.arrow"
BLOCK = 1024  # source texts that are read at once


@dataclass(frozen=True)
class Translated:
    """The translations into one language: their files, and how they were made, as JSON."""

    language: str
    shards: TranslationShards
    made: Mapping[str, Any]


def write_folder(
    output: Path,
    texts: SourceTexts,
    origin: str,
    targets: list[Translated],
    filters: dict[str, Filter],
    progress: Progress,
    templated: bool,
) -> dict[str, Any]:
    """Write `output`/prepared anew, and return what its summary says of the translation. No reader sees half of it.
    `origin`: the language of the source texts, as the data writes it. The caller holds the lock of `output`.

    Raises UserError where it cannot be written, and for files of translations that are damaged.
    """
    folder, about = output / PREPARED, texts.folder.about
    datasets = _datasets(about)
    for left in output.glob(f".{PREPARED}.new-*"):  # by a killed process
        shutil.rmtree(left, ignore_errors=True)
    with folder_beside(folder) as part:
        for path, name in _copied(texts.folder, datasets):
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            link(path, part / name)
        counts = {
            one.language: _write_language(part, datasets, texts, origin, one, filters, progress) for one in targets
        }
        names = about.get("names") or [None] * len(about["training"])
        for dataset, name in zip((*about["training"], VALIDATION), (*names, None), strict=True):
            _write_pairs_about(part, texts.folder.path, dataset, datasets, name, origin, list(counts))
        hashes = {language: one.pop("hash") for language, one in counts.items()}
        made = {one.language: {**one.made, **counts[one.language]} for one in targets}
        translation = {"from": origin, "filters": list(filters), "into": made}
        content = {
            "name": f"{about['name']}-translated",
            "licence": _licence(about["licence"], made),
            "templated": templated,
            "training": [datasets[name] for name in about["training"]],
            "test": about["test"],
            "fingerprint": hash_json([about["fingerprint"], hashes]),
            "summary": {**(about["summary"] or {"name": about["name"]}), **_rows(translation)},
        }
        write_about(part, content)
        _replace(part, folder)
    return translation


def _datasets(about: Mapping[str, Any]) -> dict[str, str]:
    """The folders of pairs of the source -> their names in the result. A mix names folders of other copies, which may
    be deleted: they become the result's own.
    """
    return {name: f"training-{number}" for number, name in enumerate(about["training"])} | {VALIDATION: VALIDATION}


def _copied(source: PreparedFolder, datasets: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """The files of the source that stay as they are, and their names in the result."""
    for name in source.about["files"]:
        if Path(name).parent.as_posix() not in datasets:
            yield source.path / name, name
    for dataset, name in datasets.items():
        for path in sorted((source.path / dataset).iterdir()):
            if is_copied(path.name):
                yield path, f"{name}/{path.name}"


def _write_language(
    part: Path,
    datasets: Mapping[str, str],
    texts: SourceTexts,
    origin: str,
    one: Translated,
    filters: dict[str, Filter],
    progress: Progress,
) -> dict[str, Any]:
    """Write the files of a language: rows of translations that pass the filters, None for the others. Returns counts,
    and a hash of the translations.
    """
    refused: Counter[str] = Counter()

    def kept() -> Iterator[str | None]:
        with progress.task(f"filter {one.language}", len(texts)) as advance:
            for number, found in enumerate(one.shards.read()):
                if number % BLOCK == 0:
                    block = texts.take(number, min(number + BLOCK, len(texts)))
                    advance(len(block))
                reason = fault(block[number % BLOCK], found, origin, one.language, filters)
                if reason is not None:
                    refused[reason] += 1
                yield found.text if reason is None else None
        yield None  # of rows without a text

    write_texts(part / DISTINCT, kept())
    content = hash_file(part / DISTINCT)
    for file in texts.files:
        numbers = texts.numbers(file)
        rows = StoredTexts(part / DISTINCT, np.where(numbers < 0, len(texts), numbers))
        side = Path(file).name.split(".")[0]
        write_texts(part / datasets[Path(file).parent.as_posix()] / f"{side}.{one.language}.arrow", rows)
    (part / DISTINCT).unlink()
    good = len(texts) - sum(refused.values())
    return {"texts": len(texts), "kept": good, "filtered": dict(sorted(refused.items())), "hash": content}


def _write_pairs_about(
    part: Path,
    source: Path,
    dataset: str,
    datasets: Mapping[str, str],
    name: str | None,
    origin: str,
    targets: list[str],
) -> None:
    """Describe the pairs of `dataset` in the result; `name`: of the dataset, None for the one that it has."""
    about = read_json(source / dataset / PAIRS_ABOUT)
    more = targets if origin in about["languages"] else []
    shared = about["texts"] and datasets[(Path(dataset).parent / about["texts"]).as_posix()]
    write_pairs_about(
        part / datasets[dataset], name or about["name"], [*about["languages"], *more], about["negatives"], shared
    )


def _rows(translation: Mapping[str, Any]) -> dict[str, Any]:
    """The translation as rows of the report's table of the training data."""
    rows: dict[str, Any] = {"translated_from": translation["from"]}
    for language, made in translation["into"].items():
        rows[f"translated_into_{language}"] = made
    return rows


def _licence(licence: str, made: Mapping[str, Any]) -> str:
    models = sorted({str(one["model"]) for one in made.values()})
    return f"{licence.rstrip('.')}. Translated by {', '.join(models)}, whose terms may limit the use of what it writes."


def _replace(part: Path, folder: Path) -> None:
    """Move the new folder to the position of the old one."""
    if folder.exists():
        old = part.with_name(f"{part.name}.old")
        folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        part.rename(folder)
