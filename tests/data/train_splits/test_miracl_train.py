"""MIRACL's train split: pairs, groups, hard negatives, real counts, and bad input."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from split_folders import QUESTIONS, all_pairs, miracl, miracl_pairs, number_of, pairs_of, passage, write_miracl

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.batching.mix import realised_mix
from hybridret.batching.mono import Mono
from hybridret.data.benchmarks.miracl import TRAIN_LANGUAGES
from hybridret.data.benchmarks.miracl_layout import PUBLISHED_COUNTS
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.qrels import read_qrels
from hybridret.data.train_splits.miracl import MiraclTrain
from hybridret.data.train_splits.mr_tydi import MrTydiTrain


class Killed(Quiet):
    """Ends the preparation when the task `name` is to begin."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begun: list[str] = []

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Any]:
        if description == self.name:
            raise KeyboardInterrupt
        self.begun.append(description)
        with super().task(description, total) as advance:
            yield advance


def test_miracl_has_every_pair_once_in_its_language(folder: Path) -> None:
    source = miracl(folder)
    assert all_pairs(source) == miracl_pairs("sw", "ko")
    (training,) = source.training()
    assert training.languages == ("sw", "ko")
    for data in (training, source.validation()):
        assert {str(one).split("-")[0] for one in data.question_ids} == {"sw", "ko"}
    assert source.summary() is not None


def test_a_language_file_of_other_rows_costs_little(folder: Path) -> None:
    source = miracl(folder)
    training = source.training()[0]
    for language in ("sw", "ko"):
        stored: Any = training.queries[language]
        assert stored.present.sum() == training.present[:, training.languages.index(language)].sum()


def test_what_shares_a_question_or_a_passage_is_one_group_and_held_out_together(folder: Path) -> None:
    source = miracl(folder, validation_questions=4)
    training, validation = source.training()[0], source.validation()
    for data in (training, validation):
        group = dict(zip(map(str, data.question_ids), data.passage_groups.tolist(), strict=True))
        for language in ("sw", "ko"):
            one = [group[name] for name in (f"{language}-0-0#0", f"{language}-0-90#0") if name in group]
            linked = [f"{language}-{pair}" for pair in ("1-1#0", "2-1#0", "2-2#0")]
            other = [group[name] for name in linked if name in group]
            assert len(one) in (0, 2)
            assert len(other) in (0, 3)
            assert len(set(one)) <= 1
            assert len(set(other)) <= 1
        assert len(set(group.values())) == len(group) - sum(1 for n in group if n.endswith(("90#0", "2-1#0", "2-2#0")))
    assert not {p for _, _, p in pairs_of(training)} & {p for _, _, p in pairs_of(validation)}


def test_which_questions_are_held_out_does_not_depend_on_the_other_languages(folder: Path) -> None:
    both = {str(one) for one in miracl(folder).validation().question_ids}
    alone = {str(one) for one in miracl(folder, ("ko",)).validation().question_ids}
    assert alone == {one for one in both if one.startswith("ko")}
    assert len(alone) >= 3


def test_the_order_of_lines_changes_nothing(folder: Path) -> None:
    fingerprint, ids = miracl(folder).fingerprint(), list(miracl(folder).training()[0].question_ids)
    for file in (*folder.rglob("topics.*.tsv"), *folder.rglob("qrels.*.tsv")):
        file.write_bytes(b"".join(reversed(file.read_bytes().splitlines(keepends=True))))
    assert list(miracl(folder).training()[0].question_ids) == ids
    assert miracl(folder).fingerprint() == fingerprint


@pytest.mark.parametrize("count", [1, 2, 5])
def test_judged_irrelevant_passages_are_hard_negatives(folder: Path, count: int) -> None:
    source = miracl(folder, negatives=count)
    training, validation = source.training()[0], source.validation()
    unseen = {text for _, _, text in pairs_of(validation)}
    numbers = training.passage_groups.tolist()
    groups = {
        text: group
        for language in training.languages
        for text, group in zip(training.passages[language], numbers, strict=True)
    }
    seen = 0
    for row, name in enumerate(map(str, training.question_ids)):
        language, query, _ = name.split("-")
        expected = [f"{(int(query) + 1) % QUESTIONS}#0"] if query != "2" else []
        texts = [passage(language, number_of(one)) for one in sorted([*expected, f"50#{query}"], key=str)][:count]
        for other in training.languages:
            found = training.negatives[other][row]
            if other != language:
                assert found == ()
                continue
            assert [one.text for one in found] == [text for text in texts if text not in unseen]
            assert all(one.group == groups.get(one.text, -1) for one in found)
            seen += len(found)
    summary: Any = source.summary()
    assert seen == sum(one["negatives"] for one in summary["datasets"]["miracl"].values())
    assert seen
    assert not miracl(folder).training()[0].negatives


def test_positives_limits_the_pairs_of_a_question(folder: Path) -> None:
    found = all_pairs(miracl(folder, positives=1))
    assert len(found) == 2 * QUESTIONS
    assert len({(language, query) for language, query, _ in found}) == 2 * QUESTIONS


@pytest.mark.parametrize("length", [None, 30])
def test_an_archive_that_is_cut_short(folder: Path, length: int | None) -> None:
    (folder / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz").write_bytes(
        (folder / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz").read_bytes()[: length or -12]
    )
    with pytest.raises(UserError, match=r"docs-0\.jsonl\.gz.* (truncated|broken)"):
        miracl(folder).training()


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("topics.miracl-v1.0-ko-train.tsv", lambda raw: raw.replace(b"3\tko", b"3 ko"), "line 4: expected"),
        ("topics.miracl-v1.0-ko-train.tsv", lambda raw: raw.replace(b"ko question 3?", b" "), "line 4: expected query"),
        ("topics.miracl-v1.0-ko-train.tsv", lambda raw: raw.replace(b"\n3\t", b"\n77\t"),
         r"qrels.*ko-train\.tsv: 1 of 14 judgments name questions in ko that are missing or empty, such as '3'"),
        ("qrels.miracl-v1.0-ko-train.tsv", lambda raw: raw.replace(b"\tQ0", b""),""),
        ("qrels.miracl-v1.0-ko-train.tsv", lambda raw: raw.replace(b"3\tQ0\t3#0\t1", b"3\tQ0\t3#0"), "columns"),
        ("qrels.miracl-v1.0-ko-train.tsv", lambda raw: raw.replace(b"3\tQ0\t3#0\t1", b"3\tQ0\t300#0\t1"),
         r"1 of 14 judgments name passages in ko that are missing or empty, such as '300#0', more than 1%"),
        ("qrels.miracl-v1.0-ko-train.tsv", lambda raw: raw.replace(b"\t1\n", b"\t0\n"), "no question in ko has a rel"),
        ("qrels.miracl-v1.0-ko-train.tsv", lambda raw: b"", "ko-train.tsv (holds no judgments|is empty)"),
    ],
)  # fmt: skip
def test_malformed_files_are_errors_that_name_them(folder: Path, file: str, change: Any, message: str) -> None:
    (path,) = folder.rglob(file)
    raw = change(path.read_bytes())
    assert raw != path.read_bytes()
    path.write_bytes(raw)
    if not message:  # three columns are another layout that is read
        assert all_pairs(miracl(folder)) == miracl_pairs("sw", "ko")
        return
    with pytest.raises(UserError, match=message):
        miracl(folder).training()


def test_up_to_one_percent_of_lost_passages_is_counted(tmp_path: Path) -> None:
    folder = write_miracl(tmp_path / "large", ("sw",), questions=200)
    (qrels,) = folder.rglob("qrels.miracl-v1.0-sw-train.tsv")
    qrels.write_bytes(qrels.read_bytes().replace(b"150\tQ0\t150#0\t1", b"150\tQ0\tgone#0\t1"))
    source = miracl(folder, ("sw",))
    expected = [one for one in miracl_pairs("sw", questions=200) if one[1] != "sw question 150?"]
    assert all_pairs(source) == expected
    summary: Any = source.summary()
    assert summary["datasets"]["miracl"]["sw"] | {"groups": 0} == {
        "lost_passages": 1, "pairs": 201, "questions": 199, "passages": 199, "groups": 0, "largest_group": 3,
        "validation_pairs": len(source.validation()),
    }  # fmt: skip


def test_empty_passages_count_as_lost(folder: Path) -> None:
    for file in folder.rglob("docs-*.jsonl.gz"):
        text = gzip.decompress(file.read_bytes()).decode()
        rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")] if "\u2028" not in text else []
        rows = rows or [json.loads(line) for line in text.split("\n") if line]
        rows = [{**row, "title": "", "text": " "} if row["docid"] == "3#0" else row for row in rows]
        file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    with pytest.raises(UserError, match=r"name passages in sw that are missing or empty, such as '3#0'"):
        miracl(folder).training()


def test_languages_are_checked_and_named() -> None:
    with pytest.raises(UserError, match=r"data\.languages: no 'de' .*MIRACL has no train questions in it"):
        MiraclTrain("x", ["de"])
    with pytest.raises(UserError, match=r"data\.languages: 'kx' is not a language code"):
        MiraclTrain("x", ["kx"])
    with pytest.raises(UserError, match=r"data\.languages: no 'fr' in Mr\.TyDi"):
        MrTydiTrain("x", ["fr"])
    assert MiraclTrain("x").languages == TRAIN_LANGUAGES
    assert len(TRAIN_LANGUAGES) == 16


def test_missing_files_name_both_commands(tmp_path: Path) -> None:
    (text,) = MiraclTrain(str(tmp_path), ["sw"]).missing()
    assert text.count("hf download miracl/miracl") == 2
    assert "topics.miracl-v1.0-sw-train.tsv" in text
    assert "eval." not in text
    (text,) = MrTydiTrain(str(tmp_path), ["sw"]).missing()
    assert "hf download castorini/mr-tydi --repo-type dataset --revision 0a9bdc2" in text
    assert "mrtydi-v1.1-swahili/train.jsonl.gz" in text


def test_what_was_written_whole_survives_a_kill(folder: Path) -> None:
    killed = PreparedSource(MiraclTrain(str(folder), ["sw", "ko"], 3), Killed("read the passages of miracl in ko"))
    with pytest.raises(KeyboardInterrupt):
        killed.training()
    second = Killed("nothing")
    again = PreparedSource(MiraclTrain(str(folder), ["sw", "ko"], 3), second)
    assert all_pairs(again) == miracl_pairs("sw", "ko")
    assert [one for one in second.begun if "passages" in one] == ["read the passages of miracl in ko"]


def test_a_changed_file_gives_another_copy(folder: Path) -> None:
    first = miracl(folder)
    first.training()
    (topics,) = folder.rglob("topics.miracl-v1.0-ko-train.tsv")
    topics.write_bytes(topics.read_bytes().replace(b"question 3", b"question three"))
    assert miracl(folder).path != first.path
    assert miracl(folder).fingerprint() != first.fingerprint()
    assert miracl(folder, negatives=1).path != miracl(folder).path


def test_real_topics_and_judgments_with_their_counts(real_data: Path, tmp_path: Path) -> None:
    """Passages are made up: the corpus is not here."""
    published = {"ko": (868, 1973, 712), "te": (3452, 4119, 2717), "sw": (1901, 2687, 1204)}
    for language in published:
        for kind in ("topics", "qrels"):
            (tmp_path / "real" / kind).mkdir(parents=True, exist_ok=True)
            name = f"{kind}.miracl-v1.0-{language}-train.tsv.gz"
            (tmp_path / "real" / kind / name).symlink_to(real_data / "eval" / "miracl" / kind / name)
        docs = tmp_path / "real" / f"miracl-corpus-v1.0-{language}" / "docs-0.jsonl.gz"
        docs.parent.mkdir()
        qrels = read_qrels(tmp_path / "real" / "qrels" / f"qrels.miracl-v1.0-{language}-train.tsv.gz", "trec")
        rows = [{"docid": one, "title": language, "text": one} for one in sorted({*qrels.passage_ids, "x#1"})]
        docs.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode(), 1))
    source = miracl(tmp_path / "real", tuple(published), validation_questions=100)
    counts: Any = source.summary()
    for language, (questions, pairs, groups) in published.items():
        own = counts["datasets"]["miracl"][language]
        assert (own["questions"], own["pairs"], own["groups"]) == (questions, pairs, groups)
        assert questions == PUBLISHED_COUNTS[language].train
        assert own["validation_pairs"] >= 100
    schedule = Mono().schedule(source.training(), 64)
    drawn = realised_mix((schedule(1, step) for step in range(300)), source.training())
    assert drawn["monolingual_datasets"] == ["miracl"]
    assert min(drawn["languages"].values()) > 60  # uniform: te has four times the questions of ko
