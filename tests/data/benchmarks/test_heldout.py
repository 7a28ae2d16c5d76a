"""The held-out part of the training data as a benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybridret.base.errors import UserError
from hybridret.data.benchmarks.heldout import Heldout
from hybridret.data.jsonl import JsonlPairs


def test_hands_on_the_test_part(tmp_path: Path) -> None:
    rows = [{"qid": str(n), "lang": "en", "question": "q", "passage": f"p{n}", "pid": str(n)} for n in range(9)]
    (tmp_path / "a.en.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    source = JsonlPairs(str(tmp_path))
    assert Heldout().collections(source) == source.test()
    with pytest.raises(UserError, match="test_share"):
        Heldout().collections(JsonlPairs(str(tmp_path), test_share=0))
    with pytest.raises(UserError, match="needs data="):
        Heldout().collections(None)
