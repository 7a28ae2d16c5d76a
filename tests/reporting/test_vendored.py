"""Files of others in the tree are those that were published, and have their licence beside them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hybridret.reporting.page_script import LIBRARY

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "hybridret" / "reporting" / "assets", ROOT / "tests" / "reporting" / "assets"]


@pytest.mark.parametrize("folder", FOLDERS, ids=["page", "tests"])
def test_the_sums_are_those_of_the_packages(folder: Path) -> None:
    lines = (folder / "versions.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    assert {row[0] for row in rows} == {file.name for file in folder.glob("*.js")}
    for name, _, version, licence, wanted in rows:
        content = (folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == wanted, name
        assert version.encode() in content[:300], name
        assert licence
        assert list(folder.glob(f"{name.split('.')[0]}*LICENSE")), name


def test_the_page_takes_all_of_them() -> None:
    assert set(LIBRARY) == {file.name for file in FOLDERS[0].glob("*.js")}
