"""Each kind of table as a source of `data=mix`: the same pairs as alone, and batches of one dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slow_tables as twins

from hybridret.base.errors import UserError
from hybridret.batching.hybrid import Hybrid
from hybridret.config.instantiate import make
from hybridret.data.mix import Mix
from hybridret.data.prepared.source import PreparedSource

COLUMNS = {"question": "q", "passage": "p", "language": "lang", "id": "id"}


def rows(kind: str) -> list[dict[str, Any]]:
    return [
        {"lang": one, "id": f"{n}", "q": f"{kind} {one} q {n}", "p": f"{kind} {one} p {n}"}
        | ({"negatives": [f"{kind} {one} p {n + 1}"]} if kind in ("jsonl", "parquet") else {})
        for n in range(30)
        for one in ("en", "de")
    ]


def mix(folder: Path) -> Mix:
    sources: dict[str, Any] = {}
    for kind, module in (("tsv", "tsv"), ("csv", "tsv"), ("jsonl", "json_rows"), ("parquet", "parquet")):
        (folder / kind).mkdir(exist_ok=True)
        if not (folder / kind / f"a.{kind}").is_file():
            twins.WRITERS[kind](folder / kind / f"a.{kind}", rows(kind))
        columns = COLUMNS | ({"negatives": "negatives"} if kind in ("jsonl", "parquet") else {})
        given = {"path": str(folder / kind), "columns": columns, "validation_questions": 4, "name": kind}
        sources[kind] = {"_target_": f"hybridret.data.tables.{module}.{module}", **given}
    sources["csv"] |= {"delimiter": ",", "quoted": True}
    sources["hub"] = sources["parquet"] | {
        "_target_": "hybridret.data.tables.hub.hub", "repo": "OWNER/NAME", "revision": "a" * 40, "files": "*.parquet"
    }  # fmt: skip
    made: Mix = make({"_target_": "hybridret.data.mix.Mix", "sources": sources}, "data")
    return made


def test_pairs_of_a_mix_are_those_of_its_tables(tmp_path: Path) -> None:
    made = mix(tmp_path)
    alone = {name: PreparedSource(source) for name, source in made.sources.items()}
    together = PreparedSource(made)
    assert [one.name for one in together.training()] == list(alone)
    for mine, own in zip(together.training(), alone.values(), strict=True):
        assert len(mine) == 26
        assert twins.pairs_of(mine) == twins.pairs_of(own.training()[0])
    held = [(pair.texts, [text for text, _ in pair.negatives["en"]]) for pair in twins.pairs_of(together.validation())]
    assert held == [
        (pair.texts, [text for text, _ in pair.negatives["en"]])
        for own in alone.values()
        for pair in twins.pairs_of(own.validation())
    ]
    batches = [Hybrid(0.5).schedule(together.training(), 8)(1, step) for step in range(40)]
    assert {batch.dataset for batch in batches} == set(range(5))


def test_a_column_that_a_source_lacks_is_named_with_the_source(tmp_path: Path) -> None:
    mix(tmp_path)
    twins.write_tsv(tmp_path / "tsv" / "a.tsv", [{"query": "a", "p": "b", "lang": "en", "id": "1"}])
    with pytest.raises(UserError, match=r"^Source tsv of the mix \(.*data\.sources\.tsv\.KEY\).*no column 'q'"):
        PreparedSource(mix(tmp_path)).training()
