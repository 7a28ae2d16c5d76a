"""One flipped bit of a file that checks itself is refused, or changes nothing; the files stay plain JSON and YAML."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml

from hybridret.base.checksums import CHECKSUM, read_sealed, read_sealed_text, write_sealed, write_sealed_text
from hybridret.base.errors import UserError

CONTENT = {"run": "größe <b>", "alpha": 0.1, "seed": 1, "metrics": {"a/b@10": 0.30000000000000004}, "none": None}


def flips(raw: bytes, count: int = 300) -> list[bytes]:
    """All flips of the first and the last bytes, and some between."""
    places = [*range(8 * 12), *range(8 * len(raw) - 8 * 90, 8 * len(raw))]
    places += random.Random(1).sample(range(8 * len(raw)), count)
    found = []
    for place in places:
        changed = bytearray(raw)
        changed[place // 8] ^= 1 << place % 8
        found.append(bytes(changed))
    return found


@pytest.mark.slow
def test_no_flipped_bit_of_an_object_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_sealed(path, CONTENT)
    raw, refused = path.read_bytes(), 0
    assert {**CONTENT, CHECKSUM: json.loads(raw)[CHECKSUM]} == json.loads(raw)
    assert read_sealed(path, "a result") == CONTENT
    for changed in flips(raw):
        path.write_bytes(changed)
        try:
            assert read_sealed(path, "a result") == CONTENT
        except UserError:
            refused += 1
    assert refused > 0.9 * len(flips(raw))


@pytest.mark.slow
def test_no_flipped_bit_of_a_text_is_believed(tmp_path: Path) -> None:
    path, text = tmp_path / "config.yaml", "seed: 1\nbatching:\n  alpha: 0.5\nname: größe\n"
    write_sealed_text(path, text)
    raw = path.read_bytes()
    assert yaml.safe_load(raw) == yaml.safe_load(text) == yaml.safe_load(read_sealed_text(path))
    for changed in flips(raw):
        path.write_bytes(changed)
        with pytest.raises(UserError, match="checksum in its first line"):
            read_sealed_text(path)


def test_a_change_on_purpose_is_read_once_its_checksum_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    write_sealed_text(path, "path: a\n")
    path.write_text(path.read_text().replace("path: a", "path: b"))
    with pytest.raises(UserError, match=r"delete the checksum in its first line\.$"):
        read_sealed_text(path)
    path.write_text(path.read_text().partition("\n")[2])
    assert read_sealed_text(path) == "path: b\n"
    path = tmp_path / "result.json"
    path.write_text(json.dumps(CONTENT))  # of an earlier version
    assert read_sealed(path, "a result") == CONTENT


@pytest.mark.parametrize(
    "text", ["[]", "1", "null", '"x"', '{"checksum": null}', '{"a": "\\ud800", "checksum": 3}', "{"]
)
def test_what_is_no_such_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"result\.json"):
        read_sealed(path, "a result")


def test_the_order_of_keys_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_sealed(path, CONTENT)
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))  # by some other tool
    assert read_sealed(path, "a result") == CONTENT
