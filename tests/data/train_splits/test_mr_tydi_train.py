"""Mr. TyDi's train split: rows with their passages, and bad input."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from split_folders import QUESTIONS, all_pairs, pairs_of, write_mr_tydi

from hybridret.base.errors import UserError
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.train_splits.mr_tydi import MrTydiTrain


def mr_tydi(folder: Path, **options: Any) -> PreparedSource:
    return PreparedSource(MrTydiTrain(str(folder), ["sw", "ko"], **{"validation_questions": 3, **options}))


def rewrite(folder: Path, change: Callable[[str], str]) -> None:
    (file,) = folder.rglob("mrtydi-v1.1-korean/train.jsonl.gz")
    before = gzip.decompress(file.read_bytes()).decode()
    assert change(before) != before
    file.write_bytes(gzip.compress(change(before).encode()))


def test_mr_tydi_has_every_pair_once_in_its_language(tmp_path: Path) -> None:
    source = mr_tydi(write_mr_tydi(tmp_path / "m"), negatives=2)
    judged = [(n, n if n != 7 else 6) for n in range(QUESTIONS)] + [(3, 80)]
    expected = {(one, f"{one} question {q}?", f"T{p} {one} text {p}\u2028.") for one in ("sw", "ko") for q, p in judged}
    assert set(all_pairs(source)) == expected
    training = source.training()[0]
    unseen = {text for _, _, text in pairs_of(source.validation())}
    for row, name in enumerate(map(str, training.question_ids)):
        language, query, _ = name.split("-")
        numbers = [] if query == "5" else [200 + int(query), int(query) + 1]
        numbers = [one for one in numbers if f"T{one} {language} text {one}\u2028." not in unseen]
        found = [one.text for one in training.negatives[language][row]]
        assert found == [f"T{one} {language} text {one}\u2028." for one in numbers]


def test_a_relevant_passage_is_no_negative_of_its_row(tmp_path: Path) -> None:
    folder = write_mr_tydi(tmp_path / "m")

    def repeat(text: str) -> str:
        lines = text.split("\n")
        lines[4] = lines[4].replace('"docid": "300#0"', '"docid": "4#0"')
        return "\n".join(lines)

    rewrite(folder, repeat)
    training = mr_tydi(folder, negatives=3).training()[0]
    held = {str(one) for one in mr_tydi(folder).validation().passages["ko"] if one is not None}
    row = next(row for row, name in enumerate(training.question_ids) if str(name).startswith("ko-4-"))
    texts = [one.text for one in training.negatives["ko"][row]]
    assert texts == [text for text in ("T204 ko text 204\u2028.", "T5 ko text 5\u2028.") if text not in held]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"positive_passages"', '"positive_ctxs"'), r"line 1: no 'positive_passages'"),
        (lambda text: text.replace('"query_id": "3"', '"query_id": ""'), r"line 4: 'query_id' is empty"),
        (lambda text: text.replace('"docid": "4#0", ', "", 2), r"line 4: 'negative_passages': no 'docid'"),
        (lambda text: text.replace('"positive_passages": [{', '"positive_passages": [[], {', 1), "must be a list of"),
        (lambda text: text.replace('"query": "ko question 4?"', '"query": " "'), "name questions in ko that are"),
        (lambda text: text.replace('"ko text 4\u2028."', '""').replace('"T4"', '""'), "name passages in ko .*'4#0'"),
        (lambda text: text.replace('"query_id": "4"', '"query_id": "2"'), "'2' stands in two rows with different"),
        (lambda text: text[: len(text) // 2], "broken JSON"),
        (lambda text: "", "holds no questions|is empty"),
    ],
)  # fmt: skip
def test_malformed_rows_of_mr_tydi(tmp_path: Path, change: Any, message: str) -> None:
    folder = write_mr_tydi(tmp_path / "m")
    rewrite(folder, change)
    with pytest.raises(UserError, match=message) as caught:
        mr_tydi(folder).training()
    assert "mrtydi-v1.1-korean" in str(caught.value)


def test_an_archive_of_mr_tydi_that_is_cut_short(tmp_path: Path) -> None:
    (file,) = write_mr_tydi(tmp_path / "m", ("sw",)).rglob("train.jsonl.gz")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"train\.jsonl\.gz, after line .*truncated"):
        PreparedSource(MrTydiTrain(str(tmp_path / "m"), ["sw"], 3)).training()
