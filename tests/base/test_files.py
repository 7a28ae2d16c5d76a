"""Files are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hybridret.base.errors import UserError, nearest
from hybridret.base.files import atomic_path, cache_folder, hash_file, hash_json, read_json, write_json, write_text


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("half")

    with pytest.raises(RuntimeError, match="half"):
        write_half()
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_full_disk_is_one_paragraph_and_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(UserError, match="Free some space"), atomic_path(target):
        raise OSError(28, "No space left on device")
    assert target.read_text() == "old"


def test_a_file_in_place_of_the_folder_is_an_error_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        write_text(tmp_path / "folder" / "a.txt", "text")


def test_files_are_readable_by_colleagues(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "a.txt", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def test_json_has_no_nan_and_names_the_broken_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert not list(tmp_path.iterdir())
    (tmp_path / "b.json").write_text('{"a": 1,\n "b": }')
    with pytest.raises(UserError, match=r"b\.json, line 2"):
        read_json(tmp_path / "b.json")


def test_hashes(tmp_path: Path) -> None:
    assert hash_json({"a": 1, "b": [2]}) == hash_json({"b": [2], "a": 1}) != hash_json({"a": 1, "b": [3]})
    (tmp_path / "a").write_bytes(b"hybridret")
    assert hash_file(tmp_path / "a", 8) == "b5215788"  # sha256sum


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("HYBRIDRET_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hybridret"


def test_the_nearest_name() -> None:
    assert nearest("hybird", ["mono", "cross", "hybrid"]) == "Did you mean 'hybrid'?"
    assert nearest("zzz", ["mono", "cross"]) == "Known: cross, mono."
