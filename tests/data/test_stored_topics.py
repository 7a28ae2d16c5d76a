"""Topics of questions in a prepared copy: kept where there are some, and absent from the files where there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hybridret.base.files import read_json
from hybridret.base.records import Collection
from hybridret.data.prepared.stored_collection import ABOUT, read_collection, write_collection


@pytest.mark.parametrize("topics", [None, ["Normans", ""]])
def test_topics_come_back(topics: list[str] | None, tmp_path: Path) -> None:
    one = np.zeros(2, dtype=np.int64)
    collection = Collection(
        name="d", languages=("en",), query_ids=["a", "b"], queries=["A?", "B?"], query_languages=one,
        questions=np.arange(2), passage_ids=["p"], passages=["P."], passage_languages=one[:1], relevant_queries=one,
        relevant_passages=one, grades=one + 1,
    )  # fmt: skip
    write_collection(tmp_path / "c", replace(collection, topics=topics))
    found = read_collection(tmp_path / "c").topics
    assert (found if found is None else list(found)) == topics
    # Copies of earlier versions lack the key, and a copy without topics is theirs byte for byte.
    assert ("topics" in read_json(tmp_path / "c" / ABOUT)) == (topics is not None)
