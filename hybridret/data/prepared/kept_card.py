"""The data card in a prepared copy: `card.json` for programs, `README.md` for people."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybridret.base.checksums import read_sealed, write_sealed
from hybridret.base.errors import UserError
from hybridret.base.files import write_text
from hybridret.data.lines import Advance, no_progress
from hybridret.data.prepared.card import VERSION, data_card
from hybridret.data.prepared.card_page import card_page
from hybridret.data.prepared.folder import PreparedFolder

CARD, PAGE = "card.json", "README.md"
WHAT = "the data card of a prepared copy"
LEAKS = ".leaks-*.json"  # behind the name of the copy
_log = logging.getLogger(__name__)


def kept_card(folder: PreparedFolder, key: Any, advance: Advance = no_progress) -> dict[str, Any]:
    """`data_card`, from the file in the copy. One that is missing, damaged or of another version is made again; where
    it cannot be written a warning states it. `advance`: as of `data_card`.
    """
    path = folder.path / CARD
    if path.is_file():
        try:
            if (found := read_sealed(path, WHAT)).get("version") == VERSION:
                return found
        except UserError as error:
            _log.warning("%s is made again: %s", path, error)
    card = data_card(folder, key, advance)
    try:
        write_sealed(path, card)
        write_page(folder.path, card)
    except UserError as error:
        _log.warning("The data card is not kept, and is made again when it is asked for: %s", error)
    return card


def write_page(copy: Path, card: dict[str, Any]) -> Path:
    """Write the README of the copy, with the leak tables that are beside it. Raises UserError where it cannot."""
    page = copy / PAGE
    write_text(page, card_page(card, leak_records(copy)))
    return page


def leak_records(copy: Path) -> Sequence[dict[str, Any]]:
    """The records of the leak tables beside a copy that are whole."""
    found = []
    for path in sorted(copy.parent.glob(f"{copy.name}{LEAKS}")):
        try:
            record = read_sealed(path, WHAT)
        except UserError:  # whoever asks for the table makes it again
            continue
        if {"rows", "compared"} <= record.keys():
            found.append(record)
    return found
