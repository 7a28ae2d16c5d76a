"""A retrieval collection on disk, and the view on it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from hybridret.base.errors import UserError
from hybridret.base.files import read_json, write_json
from hybridret.base.records import Collection, Unmet
from hybridret.data.prepared.stored_texts import StoredTexts, write_texts

ABOUT = "collection.json"
TEXTS = ("query_ids", "queries", "passage_ids", "passages")
OPTIONAL = ("contexts", "topics")  # of passages, of queries; None where there are none
ARRAYS = ("query_languages", "questions", "passage_languages", "relevant_queries", "relevant_passages", "grades")
PLAIN = ("name", "languages", "notes", "settings", "group", "drop_identical", "fingerprint")
UNMET = ("queries", "grades", "languages")


def write_collection(folder: Path, collection: Collection) -> None:
    """Write `collection` into the new folder `folder`. OSError where it cannot be written."""
    folder.mkdir(parents=True)
    for name in TEXTS:
        write_texts(folder / f"{name}.arrow", getattr(collection, name))
    for name in OPTIONAL:
        if (texts := getattr(collection, name)) is not None:
            write_texts(folder / f"{name}.arrow", texts)
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", np.asarray(getattr(collection, name), dtype=np.int64))
    unmet = collection.unmet
    write_texts(folder / "unmet.passage_ids.arrow", list(unmet.passage_ids))
    for name in UNMET:
        np.save(folder / f"unmet.{name}.npy", np.asarray(getattr(unmet, name), dtype=np.int64))
    about: dict[str, Any] = {name: getattr(collection, name) for name in PLAIN}
    about |= {"notes": dict(collection.notes), "contexts": collection.contexts is not None}
    if collection.topics is not None:  # a key that earlier copies lack
        about["topics"] = True
    write_json(folder / ABOUT, about)


def read_collection(folder: Path) -> Collection:
    """The view on a folder of `write_collection`; texts are read when asked. Raises UserError for one that is not
    whole.
    """
    about = read_json(folder / ABOUT)
    try:
        plain = {name: about[name] for name in PLAIN}
        plain["languages"] = tuple(plain["languages"])
        plain["settings"] = None if plain["settings"] is None else tuple(plain["settings"])
        texts: dict[str, Any] = {name: StoredTexts(folder / f"{name}.arrow") for name in TEXTS}
        arrays = {name: np.load(folder / f"{name}.npy") for name in ARRAYS}
        unmet: dict[str, Any] = {name: np.load(folder / f"unmet.{name}.npy") for name in UNMET}
        unmet["passage_ids"] = tuple(StoredTexts(folder / "unmet.passage_ids.arrow"))
        held = [name for name in OPTIONAL if about.get(name)]
        optional: dict[str, Any] = {name: StoredTexts(folder / f"{name}.arrow") for name in held}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} is not whole ({error}). Delete it and run the same command again.") from error
    return Collection(**plain, **texts, **arrays, **optional, unmet=Unmet(**unmet))


def stored_fields() -> set[str]:
    """Every field of a collection that is written: a new one must not be lost."""
    known = {*TEXTS, *ARRAYS, *PLAIN, *OPTIONAL, "unmet"}
    assert known == {one.name for one in fields(Collection)}
    return known
