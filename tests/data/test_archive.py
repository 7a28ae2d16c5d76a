"""What was unpacked of an archive is compared with the archive's checksums, and unpacked again where it differs."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from hybridret.data.archive import unpacked


@pytest.mark.parametrize("damage", [b"other", None])
def test_a_damaged_member_is_unpacked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "scifact.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("scifact/corpus.jsonl", "texts")
        archive.writestr("scifact/README", "not wanted")
    folder = unpacked(file, lambda path: path.suffix == ".jsonl")
    member = folder / "scifact" / "corpus.jsonl"
    first = member.stat().st_ino
    assert unpacked(file, lambda path: path.suffix == ".jsonl") == folder
    assert member.stat().st_ino == first
    if damage is None:
        member.unlink()
    else:
        member.write_bytes(damage)
    assert unpacked(file, lambda path: path.suffix == ".jsonl") == folder
    assert member.read_text() == "texts"
    assert [path.name for path in (tmp_path / "cache" / "archives").iterdir()] == [folder.name]
