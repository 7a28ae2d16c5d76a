"""What benchmarks say of themselves without reading: `missing` and `published` agree with what reading finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybridret.base.errors import UserError, refusals
from hybridret.data.benchmarks.beir import SUBFORUMS, Beir
from hybridret.data.benchmarks.beir_folder import Folder
from hybridret.data.benchmarks.heldout import Heldout
from hybridret.data.benchmarks.miracl import Miracl
from hybridret.data.benchmarks.mlqa_r import MlqaR
from hybridret.data.benchmarks.mr_tydi import MrTydi
from hybridret.data.benchmarks.squadshifts import Squadshifts
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.data.jsonl import JsonlPairs

WITH_A_PATH: dict[str, Any] = {
    "beir": lambda path: Beir(["scifact"], path),
    "folder": lambda path: Folder(f"{path}/none"),
    "miracl": lambda path: Miracl(path, ["sw"]),
    "miracl hard": lambda path: Miracl(path, ["sw"], corpus="hard_negatives"),
    "mlqa_r": lambda path: MlqaR(path, ["de"]),
    "mr_tydi": lambda path: MrTydi(path, ["sw"]),
    "squadshifts": lambda path: Squadshifts(path, ["nyt"]),
    "xquad_r": lambda path: XquadR(path, ["de"]),
}


@pytest.mark.parametrize("name", WITH_A_PATH)
def test_what_is_missing_is_what_reading_would_refuse(tmp_path: Path, name: str) -> None:
    benchmark = WITH_A_PATH[name](str(tmp_path))
    with pytest.raises(UserError) as refused:
        benchmark.collections(None)
    assert benchmark.missing() == [str(refused.value)]


def test_every_set_that_is_missing_is_named(tmp_path: Path) -> None:
    found = Beir(["scifact", "nfcorpus"], str(tmp_path)).missing()
    assert [name in text for text, name in zip(found, ("mteb/scifact", "mteb/nfcorpus"), strict=True)] == [True, True]


def test_nothing_is_missing_where_the_files_are(real_data: Path) -> None:
    files = sorted(path for path in real_data.rglob("en.json") if "xquad" in str(path))
    if not files:
        pytest.skip("no XQuAD-R among the real data")
    benchmark = XquadR(str(files[0].parent))
    assert benchmark.missing() == []
    (collection,) = benchmark.collections(None)
    assert benchmark.published() == (len(collection.query_ids), len(collection.passage_ids))


def test_published_counts_follow_what_is_asked_for() -> None:
    assert Miracl(languages=["sw", "yo"]).published() == (482 + 119, 131_924 + 49_043)
    assert Miracl(corpus="hard_negatives").published() == (
        sum(Miracl(languages=[one], corpus="hard_negatives").published()[0] for one in Miracl()._languages),  # type: ignore[index]
        2_458_198 - 5183 - 3633,
    )
    assert MrTydi(languages=["sw"], split="dev").published() == (526, 136_689)
    assert MlqaR("x", ["de", "en"]).published() == (512 + 1148, 2362 + 6264)
    assert Beir(["scifact", "nfcorpus"]).published() == (300 + 323, 5183 + 3633)
    assert Beir(["bioasq"]).published() == (500, 14_914_602)
    assert XquadR("x", ["de", "th"]).published() == (2 * 1190, 1276 + 852)
    assert Beir(["cqadupstack"]).published() == tuple(
        sum(one.counts[place] for one in SUBFORUMS.values()) for place in (1, 0)
    )


def test_what_only_reading_tells_is_not_guessed() -> None:
    for benchmark in (Beir(["scifact"], split="train"), Heldout(), Folder("x")):
        assert benchmark.published() is None


def test_pairs_tell_of_their_files(tmp_path: Path) -> None:
    source = JsonlPairs(str(tmp_path / "none"))
    with pytest.raises(UserError) as refused:
        source.training()
    assert source.missing() == [str(refused.value)]
    (tmp_path / "a.jsonl").write_text("not read\n")
    assert JsonlPairs(str(tmp_path)).missing() == []


def test_all_refusals_are_collected() -> None:
    def refuse(text: str) -> None:
        raise UserError(text)

    assert refusals(lambda: refuse("one"), lambda: None, lambda: refuse("two")) == ["one", "two"]
    with pytest.raises(KeyError):
        refusals(lambda: {}["no input of a user"])
