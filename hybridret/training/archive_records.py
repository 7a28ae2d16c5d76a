"""Checks torch's files: archives whose records have a CRC-32 each, which torch writes and does not verify."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

CHUNK = 1 << 22  # bytes


def check_archive(file: Path | IO[bytes], whole: bool = True) -> None:
    """Compare the records of a file of `torch.save` with their checksums.

    Raises BadZipFile (zipfile) for damage, even of a single bit. `whole=False`: only the small record that holds
    everything except tensors.
    """
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        for name in names if whole else [name for name in names if name.endswith("/data.pkl")]:
            with archive.open(name) as record:
                while record.read(CHUNK):
                    pass
