"""Rows of a corpus that pairs need, picked out while the files stream past: memory grows with what is picked alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from hybridret.base.errors import UserError
from hybridret.data.columns import joined
from hybridret.data.parsing import Required, file_tables


def chosen_rows(
    files: Sequence[Path],
    own: str,
    fields: Sequence[str],
    wanted: Collection[str],
    advance: Callable[[int], object],
    language: bool = False,
) -> dict[str, tuple[str, str]]:
    """Text and language of each row of JSON lines or parquet whose id is `wanted`.

    own: the field of the id. fields: those of the text, joined as in an evaluation; a title may be absent, and replaces
    a text. language: whether the field of this name is read; "" where it is absent. `advance` gets the bytes of the
    files that were read.

    Raises UserError naming file and line for malformed rows, an archive that is cut short, an empty file, and an id
    that stands twice with different texts.
    """
    import pyarrow as pa
    import pyarrow.compute as compute

    columns: dict[str, Required] = {own: True, **{name: name != "title" for name in fields}}
    if "title" in fields:
        columns["text"] = "title"  # a passage may have a title only
    if language:
        columns["language"] = False
    ids = pa.array(sorted(wanted), pa.string())
    found: dict[str, tuple[str, str]] = {}
    for file in files:
        rows = 0
        for table, _ in file_tables(file, columns, advance):
            rows += table.num_rows
            chosen = table.filter(compute.is_in(table.column(own), value_set=ids))
            texts = joined([chosen.column(name).to_pylist() for name in fields])
            spoken = chosen.column("language").to_pylist() if language else [""] * len(texts)
            for identifier, row in zip(chosen.column(own).to_pylist(), zip(texts, spoken, strict=True), strict=True):
                if found.setdefault(identifier, row) != row:
                    raise UserError(
                        f"{file}: the id {identifier!r} stands twice, with different texts. Keep one of the rows, or "
                        f"fetch the file again."
                    )
        if not rows:
            raise UserError(f"{file} is empty. Fetch the file again.")
    return found


def chosen_texts(
    files: Sequence[Path], fields: Sequence[str], wanted: Collection[str], advance: Callable[[int], object]
) -> dict[str, str | None]:
    """The text of each passage that is `wanted` and there. `fields`: the id, then those of the text."""
    own, *texts = fields
    return {identifier: text for identifier, (text, _) in chosen_rows(files, own, texts, wanted, advance).items()}
