"""JsonlPairs: what is read, how it is split, what is counted, and every kind of bad input."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.records import Collection, ParallelPairs
from hybridret.data.jsonl import JsonlPairs

LANGUAGES = ("da", "en", "zh")


def row(qid: str, lang: str, pid: str, title: str | None, **other: Any) -> dict[str, Any]:
    return {
        "qid": qid,
        "lang": lang,
        "question": f"question {qid} in {lang}?",
        "passage": f"passage {pid} in {lang}.",
        "answer": "x",
        "answer_start": 0,
        "title": title,
        "pid": pid,
    } | other


def family(articles: int = 12, passages: int = 3) -> list[dict[str, Any]]:
    """Two questions per passage; the first in all languages, the second not in zh. Titles are translated."""
    rows = []
    for article in range(articles):
        for passage in range(passages):
            pid = f"p{article}.{passage}"
            for number, languages in enumerate((LANGUAGES, LANGUAGES[:2])):
                rows += [row(f"q{article}.{passage}.{number}", code, pid, f"{code} {article}") for code in languages]
    return rows


def write(folder: Path, rows: list[dict[str, Any]], stem: str = "qa", packed: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for language in sorted({row["lang"] for row in rows}):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows if row["lang"] == language)
        file = folder / f"{stem}.{language}.jsonl{'.gz' if packed else ''}"
        file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return folder


def same(one: ParallelPairs, other: ParallelPairs) -> bool:
    return (
        (one.name, one.languages, one.question_ids) == (other.name, other.languages, other.question_ids)
        and (one.queries, one.passages, one.negatives) == (other.queries, other.passages, other.negatives)
        and np.array_equal(one.passage_groups, other.passage_groups)
    )


def texts_of(pairs: ParallelPairs) -> set[str]:
    return {text for column in pairs.passages.values() for text in column if text is not None}


def assert_sound(collection: Collection) -> None:
    """Arrays of matching lengths, unique ids, judgments in the order of the queries, every query judged."""
    assert len(collection.query_ids) == len(set(collection.query_ids)) == len(collection.queries)
    assert len(collection.passage_ids) == len(set(collection.passage_ids)) == len(collection.passages)
    assert len(collection.query_languages) == len(collection.questions) == len(collection.queries)
    assert len(collection.passage_languages) == len(collection.passages)
    assert np.all(np.diff(collection.relevant_queries) >= 0)
    assert np.all(np.diff(collection.query_languages) >= 0)
    assert np.all(np.diff(collection.passage_languages) >= 0)
    assert set(collection.relevant_queries.tolist()) == set(range(len(collection.queries)))
    assert len(collection.relevant_queries) == len(collection.relevant_passages) == len(collection.grades)


def test_pairs_are_aligned_across_languages(tmp_path: Path) -> None:
    source = JsonlPairs(str(write(tmp_path, family())))
    (pairs,) = source.training()
    assert pairs.name == "qa"
    assert pairs.languages == LANGUAGES
    for index, qid in enumerate(pairs.question_ids):
        pid = "p" + qid[1:].rsplit(".", 1)[0]
        for language in LANGUAGES:
            absent = language == "zh" and qid.endswith(".1")
            assert pairs.queries[language][index] == (None if absent else f"question {qid} in {language}?")
            assert pairs.passages[language][index] == (None if absent else f"passage {pid} in {language}.")
    pids = ["p" + qid[1:].rsplit(".", 1)[0] for qid in pairs.question_ids]
    same_group = pairs.passage_groups[:, None] == pairs.passage_groups[None, :]
    assert np.array_equal(same_group, np.array([[one == other for other in pids] for one in pids]))
    assert pairs.present.sum() == sum(text is not None for column in pairs.queries.values() for text in column)


def test_split_keeps_articles_whole_though_titles_are_translated(tmp_path: Path) -> None:
    source = JsonlPairs(str(write(tmp_path, family())))
    (training,), validation, (test,) = source.training(), source.validation(), source.test()

    def articles(texts: Any) -> set[str]:
        return {text.split()[1].split(".")[0] for text in texts}

    parts = [articles(texts_of(training)), articles(texts_of(validation)), articles(test.passages)]
    assert [len(part) for part in parts] == [7, 1, 4]
    assert len(set.union(*parts)) == 12


def test_test_asks_complete_questions_and_pools_every_passage(tmp_path: Path) -> None:
    rows = family()
    # A passage with no complete question at all still belongs to the pool.
    rows += [row(f"extra{a}", "en", f"p{a}.extra", f"en {a}") for a in range(12)]
    (test,) = JsonlPairs(str(write(tmp_path, rows))).test()
    assert_sound(test)
    assert len(test.queries) == 4 * 3 * 3
    assert np.bincount(test.passage_languages).tolist() == [12, 16, 12]
    assert all(identifier.endswith(".0") for identifier in test.query_ids)
    for query, passage in zip(test.relevant_queries, test.relevant_passages, strict=True):
        assert test.passages[passage].split()[1] == "p" + test.query_ids[query].split(":q")[1][:-2]
    assert np.bincount(test.relevant_queries).tolist() == [3] * 36  # one per language
    per_cluster = np.bincount(test.questions)
    assert per_cluster.tolist() == [3] * 12


def test_incomplete_questions_are_asked_when_told(tmp_path: Path) -> None:
    folder = str(write(tmp_path, family()))
    (test,) = JsonlPairs(folder, complete_test=False).test()
    assert_sound(test)
    assert len(test.queries) == 4 * 3 * (3 + 2)
    assert JsonlPairs(folder, complete_test=False).summary()["dropped_rows"]["test_not_in_all_languages"] == 0


def test_articles_without_a_complete_question_train(tmp_path: Path) -> None:
    rows = [row for row in family() if not (row["lang"] == "zh" and int(row["pid"][1:].split(".")[0]) >= 8)]
    source = JsonlPairs(str(write(tmp_path, rows)))
    assert source.summary()["articles"] == {"all": 12, "eligible": 8, "train": 9, "validation": 1, "test": 2}
    (training,) = source.training()
    assert {f"passage p{article}.0 in en." for article in range(8, 12)} <= texts_of(training)


def test_every_row_is_counted(tmp_path: Path) -> None:
    rows = family()
    write(tmp_path, rows)
    write(tmp_path, [row(f"m{a}", "en", f"m{a}", f"en {a}" if a < 12 else None) for a in range(20)], stem="mono")
    source = JsonlPairs(str(tmp_path), languages=["en", "zh"])
    summary = source.summary()
    assert summary["held_out"] == ["qa"]
    counts = summary["rows"]
    assert counts["read"] == len(rows) + 20
    assert counts["read"] == sum(counts[part] for part in ("train", "validation", "test")) + sum(
        summary["dropped_rows"].values()
    )
    assert summary["dropped_rows"] == {
        "other_language": 12 * 3 * 2,
        "test_not_in_all_languages": 4 * 3,
        "shares_article_with_held_out": 5,
    }
    trained = {pairs.name: int(pairs.present.sum()) for pairs in source.training()}
    assert trained == {"mono": 15, "qa": counts["train"] - 15}
    assert int(source.validation().present.sum()) == counts["validation"]
    assert len(source.test()[0].queries) == counts["test"]
    assert json.loads(json.dumps(summary)) == summary


def test_languages_keep_their_order_and_do_not_move_articles(tmp_path: Path) -> None:
    folder = str(write(tmp_path, family()))
    chosen = JsonlPairs(folder, languages=["zh", "da"])
    assert chosen.training()[0].languages == ("zh", "da")
    assert chosen.test()[0].languages == ("zh", "da")
    assert_sound(chosen.test()[0])

    def numbers(source: JsonlPairs) -> set[str]:
        return {passage.split()[1] for passage in source.test()[0].passages}

    assert numbers(chosen) == numbers(JsonlPairs(folder))


def test_same_split_whatever_the_packing_and_another_for_another_seed(tmp_path: Path) -> None:
    plain = JsonlPairs(str(write(tmp_path / "plain", family())))
    packed = JsonlPairs(str(write(tmp_path / "packed", family(), packed=True)))
    assert plain.fingerprint() == packed.fingerprint()
    assert same(plain.training()[0], packed.training()[0])
    assert same(plain.validation(), packed.validation())
    assert plain.test()[0].passage_ids == packed.test()[0].passage_ids
    other = JsonlPairs(str(tmp_path / "plain"), split_seed=2)
    assert other.fingerprint() != plain.fingerprint()
    assert other.test()[0].passage_ids != plain.test()[0].passage_ids


def test_split_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    shuffled = family()
    random.Random(0).shuffle(shuffled)
    one = JsonlPairs(str(write(tmp_path / "a", family())))
    other = JsonlPairs(str(write(tmp_path / "b", shuffled)))
    assert set(one.test()[0].passage_ids) == set(other.test()[0].passage_ids)
    assert set(one.validation().question_ids) == set(other.validation().question_ids)


@pytest.mark.parametrize(
    "change",
    [{"languages": ["da", "en"]}, {"validation_share": 0.2}, {"test_share": 0.2}, {"complete_test": False}],
)
def test_fingerprint_knows_how_the_data_is_used(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = str(write(tmp_path, family()))
    assert JsonlPairs(folder, **change).fingerprint() != JsonlPairs(folder).fingerprint()


def test_fingerprint_knows_the_content(tmp_path: Path) -> None:
    rows = family()
    first = JsonlPairs(str(write(tmp_path, rows))).fingerprint()
    rows[0]["passage"] += "!"
    assert JsonlPairs(str(write(tmp_path, rows))).fingerprint() != first


def test_families_are_datasets_and_a_field_names_them(tmp_path: Path) -> None:
    write(tmp_path, family())
    write(tmp_path, [row(f"{n}", "sw", f"s{n}", None) for n in range(4)], stem="tydiqa-goldp")
    write(tmp_path, [row(f"{n}", "sw", f"t{n}", None, dataset="named") for n in range(4)], stem="whatever")
    (tmp_path / "ko.jsonl").write_text(json.dumps(row("1", "ko", "k", None)) + "\n", encoding="utf-8")
    source = JsonlPairs(str(tmp_path), name="mine")
    assert [pairs.name for pairs in source.training()] == ["mine", "named", "qa", "tydiqa-goldp"]
    assert [pairs.name for pairs in JsonlPairs(str(tmp_path), files=["qa.*", "tydi*"]).training()] == [
        "qa",
        "tydiqa-goldp",
    ]
    assert [test.name for test in source.test()] == ["qa"]


def test_equal_qids_of_different_passages_are_different_questions(tmp_path: Path) -> None:
    rows = [row(str(n), language, f"{language}:{n}", None) for n in range(20) for language in ("en", "ko")]
    source = JsonlPairs(str(write(tmp_path, rows)), complete_test=False)
    (pairs,) = source.training()
    assert pairs.present.sum(axis=1).max() == 1
    assert len(set(pairs.question_ids)) == len(pairs)
    assert source.summary()["qids_with_several_pids"] == 20


def test_a_passage_text_under_two_pids_is_one_article(tmp_path: Path) -> None:
    rows = [row(f"q{n}", "en", f"p{n}", None, passage=f"shared {n // 2}") for n in range(40)]
    source = JsonlPairs(str(write(tmp_path, rows)))
    assert source.summary()["articles"]["all"] == 20
    assert source.summary()["passages_that_repeat_another"] == 20
    assert not texts_of(source.training()[0]) & set(source.test()[0].passages)


def test_first_passage_of_a_pid_is_taken_and_others_counted(tmp_path: Path) -> None:
    rows = [row(f"q{n}", "en", f"p{n // 2}", None, passage=f"p{n // 2}" + "!" * (n % 2)) for n in range(40)]
    source = JsonlPairs(str(write(tmp_path, rows)))
    assert source.summary()["passages_that_differ_within_a_pid"] == 20
    assert not any("!" in text for text in texts_of(source.training()[0]))


def test_passages_without_pid_are_joined_by_text_and_qid(tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key not in ("pid", "title")} for row in family()]
    with_pid, without = write(tmp_path / "a", family()), write(tmp_path / "b", rows)
    (one,) = JsonlPairs(str(with_pid), test_share=0).training()
    other = JsonlPairs(str(without), test_share=0)
    pairs = other.training()[0]
    assert other.summary()["articles"]["all"] == 36
    pids = ["p" + qid[1:].rsplit(".", 1)[0] for qid in pairs.question_ids]
    assert len(set(zip(pids, pairs.passage_groups.tolist(), strict=True))) == len(set(pids))
    assert len(set(pids)) == len(set(pairs.passage_groups.tolist()))
    assert one.languages == pairs.languages


def test_hard_negatives_carry_groups_and_never_come_from_held_out_articles(tmp_path: Path) -> None:
    rows = family()
    for entry in rows:
        entry["negatives"] = ["unknown", "by pid", "passage p3.0 in en.", "passage p4.0 in en."]
        entry["negative_pids"] = [None, "p5.0", None, "p4.0"]
    source = JsonlPairs(str(write(tmp_path, rows)))
    (pairs,) = source.training()
    group = {
        text: number for text, number in zip(pairs.passages["en"], pairs.passage_groups.tolist(), strict=True) if text
    }
    trained = set(group)
    expected = [("unknown", -1)]
    if "passage p5.0 in en." in trained:
        expected.append(("by pid", group["passage p5.0 in en."]))
    if "passage p3.0 in en." in trained:
        expected.append(("passage p3.0 in en.", -1))
    if "passage p4.0 in en." in trained:
        expected.append(("passage p4.0 in en.", group["passage p4.0 in en."]))
    assert {tuple((n.text, n.group) for n in found) for found in pairs.negatives["en"]} == {tuple(expected)}
    assert 1 < len(expected) < 4, "the split must hold out some of the three, else this test shows nothing"
    assert source.summary()["dropped_negatives"] == source.summary()["rows"]["train"] * (4 - len(expected))


def test_no_test_set_when_its_share_is_zero(tmp_path: Path) -> None:
    source = JsonlPairs(str(write(tmp_path, family())), test_share=0)
    assert source.test() == ()
    assert len(source.validation()) == 6
    assert len(source.training()[0]) == 66


def test_one_file_with_all_languages(tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    text = "\n\n".join(json.dumps(row) for row in family())
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    source = JsonlPairs(str(file), licence="CC0")
    assert source.training()[0].name == "all"
    assert source.licence() == "CC0"
    assert source.summary()["rows"]["read"] == len(family())


SEPARATORS = "\u2028\u2029\x85\x0b\x0c\x1c\x1e"


@pytest.mark.parametrize("escaped", [True, False])
def test_line_separators_inside_a_text_end_no_line(tmp_path: Path, escaped: bool) -> None:
    """Python's `splitlines` ends a line at each of these; written as escapes they come back all the same. Control
    characters must be escaped in JSON."""
    kept = SEPARATORS if escaped else "".join(one for one in SEPARATORS if one >= " ")
    rows = family()
    for one in rows:
        one["question"] = f"{kept}{one['question']}{kept}end"
        one["passage"] += f" {kept}."
    file = tmp_path / "all.jsonl"
    file.write_bytes("".join(json.dumps(one, ensure_ascii=escaped) + "\n" for one in rows).encode())
    source = JsonlPairs(str(file))
    assert source.summary()["rows"]["read"] == len(rows)
    for pairs in (*source.training(), source.validation()):
        for language in pairs.languages:
            for question, passage in zip(pairs.queries[language], pairs.passages[language], strict=True):
                assert (question is None) == (passage is None)
                if question is not None:
                    assert question.startswith(f"{kept}question")
                    assert str(passage).endswith(f" {kept}.")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1", "gb18030"])
def test_another_encoding_is_an_error_that_names_the_line(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "all.jsonl"
    good = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in family(2))
    answer = "é" if encoding == "latin-1" else "é 漢"
    bad = json.dumps(row("q", "zh", "p", "t", answer=answer), ensure_ascii=False)
    file.write_bytes(good.encode() + bad.encode(encoding) + b"\n")
    with pytest.raises(UserError, match=rf"all\.jsonl, line {len(family(2)) + 1}: (not UTF-8|broken JSON)"):
        JsonlPairs(str(file)).training()


def test_texts_are_those_of_training(tmp_path: Path) -> None:
    source = JsonlPairs(str(write(tmp_path, family())))
    (pairs,) = source.training()
    queries = {text for column in pairs.queries.values() for text in column if text is not None}
    texts = list(source.texts())
    assert len(texts) == len(set(texts))
    assert set(texts) == queries | texts_of(pairs)


def bad_line(change: dict[str, Any] | None = None, drop: str | None = None) -> bytes:
    entry = row("new", "en", "p0.0", "en 0") | (change or {})
    return json.dumps({key: value for key, value in entry.items() if key != drop}).encode()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"qid": "1", ', "broken JSON"),
        (b"[1, 2]", "a row must be a JSON object, not list"),
        (b"[" * 100_000, "broken JSON"),
        (b'{"qid": "\xff\xfe"}', "not UTF-8"),
        (b'{"qid": "\\ud800", "lang": "en"}', "UTF-8 cannot write"),
        (bad_line(drop="qid"), "no 'qid'"),
        (bad_line(drop="lang"), "no 'lang'"),
        (bad_line(drop="question"), "no 'question'"),
        (bad_line(drop="passage"), "no 'passage'"),
        (bad_line(drop="pid"), "no 'pid', while other rows of 'qa' have one"),
        (bad_line({"passage": ""}), "'passage' is empty"),
        (bad_line({"passage": None}), "'passage' is empty"),
        (bad_line({"question": " \n\t "}), "'question' is empty"),
        (bad_line({"qid": 7.5}), "'qid' must be text, not float"),
        (bad_line({"qid": True}), "'qid' must be text, not bool"),
        (bad_line({"language": "en"}, drop="lang"), "no 'lang'; it has 'qid', 'question', 'passage', 'answer', "),
        (bad_line({"language": "en"}, drop="lang"), "Is 'language' meant?"),
        (bad_line({"passage": ["a"]}), "'passage' must be text, not list"),
        (bad_line({"title": {}}), "'title' must be text, not dict"),
        (bad_line({"lang": "qq"}), "'qq' is not a language code"),
        (bad_line({"lang": "englisch"}), "Did you mean 'en' (English)"),
        (bad_line({"qid": "q0.0.0"}), "qid 'q0.0.0' in 'en' was already given in line 1"),
        (bad_line({"negatives": "text"}), "'negatives' must be a list of texts"),
        (bad_line({"negatives": [" "]}), "'negatives' must be a list of texts, none of them empty"),
        (bad_line({"negatives": ["a"], "negative_pids": []}), "1 'negatives' but 0 'negative_pids'"),
        (bad_line({"negatives": ["a"], "negative_pids": [1.5]}), "'negative_pids' must be a list"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    file = write(tmp_path, family()) / "qa.en.jsonl"
    good = file.read_bytes()
    file.write_bytes(good + b"\n" + line + b"\n")
    with pytest.raises(UserError) as error:
        JsonlPairs(str(tmp_path)).training()
    number = len(good.splitlines()) + 2
    assert f"{file}, line {number}: " in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_duplicates_in_two_files_name_both(tmp_path: Path) -> None:
    write(tmp_path, family())
    (tmp_path / "qa.jsonl").write_text(json.dumps(row("q0.0.0", "en", "p0.0", None)) + "\n", encoding="utf-8")
    with pytest.raises(UserError) as error:
        JsonlPairs(str(tmp_path)).training()
    assert f"{tmp_path / 'qa.jsonl'}, line 1" in str(error.value)
    assert f"{tmp_path / 'qa.en.jsonl'}, line 1" in str(error.value)


def test_first_five_problems_are_told_and_the_others_counted(tmp_path: Path) -> None:
    file = write(tmp_path, family()) / "qa.da.jsonl"
    file.write_text("nonsense\n" * 12, encoding="utf-8")
    with pytest.raises(UserError) as error:
        JsonlPairs(str(tmp_path)).training()
    assert str(error.value).count("broken JSON") == 5
    assert "and 7 more problems" in str(error.value)


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_truncated_archive_is_an_error(tmp_path: Path, keep: float) -> None:
    file = write(tmp_path, family(), packed=True) / "qa.en.jsonl.gz"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(UserError, match=r"qa\.en\.jsonl\.gz, after line \d+: the gzip archive is truncated or broken"):
        JsonlPairs(str(tmp_path)).training()


def test_an_archive_with_a_flipped_byte_is_an_error(tmp_path: Path) -> None:
    file = write(tmp_path, family(), packed=True) / "qa.en.jsonl.gz"
    content = bytearray(file.read_bytes())
    content[10] = 0xFF  # behind the header: a kind of block that does not exist
    file.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"qa\.en\.jsonl\.gz, after line 0: .* truncated or broken"):
        JsonlPairs(str(tmp_path)).training()


def test_a_file_that_is_no_archive_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, family())
    (tmp_path / "qa.sv.jsonl.gz").write_text("plain", encoding="utf-8")
    with pytest.raises(UserError, match="truncated or broken"):
        JsonlPairs(str(tmp_path)).training()


def test_missing_files_say_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file or folder"):
        JsonlPairs(str(tmp_path / "absent")).training()
    with pytest.raises(UserError, match="it is empty"):
        JsonlPairs(str(tmp_path)).training()
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match=r"there is: notes\.txt"):
        JsonlPairs(str(tmp_path)).training()
    with pytest.raises(UserError, match=r"must end in \.jsonl"):
        JsonlPairs(str(tmp_path / "notes.txt")).training()
    (tmp_path / "qa.en.jsonl").write_text("\n", encoding="utf-8")
    with pytest.raises(UserError, match="holds no rows"):
        JsonlPairs(str(tmp_path)).training()
    with pytest.raises(UserError, match=r"'squad.*' \(files\); there is: qa\.en\.jsonl"):
        JsonlPairs(str(tmp_path), files=["squad*"]).training()
    with pytest.raises(UserError, match=r"data\.path is not set"):
        JsonlPairs(None)


def test_absent_languages_and_datasets_are_named(tmp_path: Path) -> None:
    folder = str(write(tmp_path, family()))
    with pytest.raises(UserError, match=r"asks for th, sw, but .* only da, en, zh"):
        JsonlPairs(folder, languages=["en", "th", "sw"]).training()
    with pytest.raises(UserError, match="'english' is not a language code"):
        JsonlPairs(folder, languages=["english"])
    with pytest.raises(UserError, match="none twice"):
        JsonlPairs(folder, languages=["en", "eng-Latn"])
    with pytest.raises(UserError, match="False is not a language code but a bool; put it in quotes"):
        JsonlPairs(folder, languages=[False])  # type: ignore[list-item]  # Norwegian in YAML
    with pytest.raises(UserError, match="none twice"):
        JsonlPairs(folder, languages=["en", "en"])
    with pytest.raises(UserError, match="Did you mean 'qa'"):
        JsonlPairs(folder, held_out=["qaa"]).training()


def test_too_little_to_split(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Too few articles to split: 2 in all, 2 of them"):
        JsonlPairs(str(write(tmp_path / "two", family(articles=2)))).training()
    lonely = [entry for entry in family() if entry["qid"].endswith(".1") or entry["lang"] != "zh"]
    lonely += [row("z", "zh", "z", None)]
    with pytest.raises(UserError, match="exists in all of da, en, zh"):
        JsonlPairs(str(write(tmp_path / "incomplete", lonely))).training()


@pytest.mark.parametrize("shares", [{"validation_share": 0}, {"test_share": 1.0}, {"test_share": 0.95}])
def test_shares_are_checked(tmp_path: Path, shares: dict[str, float]) -> None:
    with pytest.raises(UserError, match="_share"):
        JsonlPairs(str(tmp_path), **shares)  # type: ignore[arg-type]


def test_a_name_is_not_empty(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.name is empty"):
        JsonlPairs(path=str(tmp_path), languages=["en", "de"], name=" ")


@pytest.mark.slow
def test_real_parallel_data(real_data: Path) -> None:
    source = JsonlPairs(str(real_data / "train"), files=["squad-dev.*"])
    (training,), validation, (test,) = source.training(), source.validation(), source.test()
    assert training.languages == ("da", "en", "es", "id", "it", "pt", "sv", "zh")
    summary = source.summary()
    assert summary["rows"]["read"] == 49_591
    assert summary["articles"] == {"all": 48, "eligible": 33, "train": 35, "validation": 3, "test": 10}
    assert (
        sum(summary["rows"][part] for part in ("train", "validation", "test")) + sum(summary["dropped_rows"].values())
        == 49_591
    )
    assert_sound(test)
    assert len(test.queries) == 8 * summary["questions"]["test"] == 8 * 439
    assert np.bincount(test.relevant_queries).tolist() == [8] * len(test.queries)
    assert len(test.passages) == 2_292
    # The plain twin: passages of the three parts never meet, as texts.
    held = set(test.passages), texts_of(validation)
    assert not texts_of(training) & (held[0] | held[1])
    assert not held[0] & held[1]


@pytest.mark.slow
def test_real_complete_questions(real_data: Path) -> None:
    """All complete questions stand in 33 articles; held out or not, none is lost."""
    source = JsonlPairs(str(real_data / "train"), files=["squad-dev.*"])
    (training,) = source.training()
    complete = int(training.present.all(axis=1).sum()) + int(source.validation().present.all(axis=1).sum())
    assert complete + source.summary()["questions"]["test"] == 1_441


@pytest.mark.slow
def test_real_monolingual_families(real_data: Path) -> None:
    source = JsonlPairs(str(real_data / "train"), files=["squad-dev.*", "tydiqa-*", "arcd.*"])
    assert [pairs.name for pairs in source.training()] == ["arcd", "squad-dev", "tydiqa-goldp"]
    tydi = source.training()[2]
    assert tydi.present.sum(axis=1).max() == 1  # equal ids of different languages are other questions there
    assert source.summary()["held_out"] == ["squad-dev"]


def test_numbers_are_read_as_text_and_counted(tmp_path: Path) -> None:
    """As the readers of benchmarks do."""
    rows = [
        row(str(n), code, str(n), None, negatives=["no"], negative_pids=["7"])
        for n in range(30)
        for code in ("en", "de")
    ]
    numbers = [{**one, "qid": int(one["qid"]), "pid": int(one["pid"]), "negative_pids": [7]} for one in rows]
    texts, counted = (JsonlPairs(str(write(tmp_path / name, found))) for name, found in (("a", rows), ("b", numbers)))
    assert counted.fingerprint() == texts.fingerprint()
    assert same(counted.training()[0], texts.training()[0])
    assert counted.summary() == {**texts.summary(), "numbers_read_as_text": 180}
    (one,), (other,) = counted.test(), texts.test()
    assert one.notes == {**other.notes, "numbers read as text": "180"}


def test_unknown_fields_are_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{**one, "language": "en", "colour": "red", "titel": "x"} for one in family()]
    JsonlPairs(str(write(tmp_path, rows))).training()
    said = "fields that are not read: 'language' (did you mean 'lang'?), 'colour', 'titel' (did you mean 'title'?)."
    assert caplog.messages == [f"{tmp_path}: {said}"]


def test_pids_of_each_language(tmp_path: Path) -> None:
    """Translations beside pids that are counted per language: the error says so, and `ignore_pid` reads them."""
    rows = [row(f"q{n}", code, f"{code}-{n}", None) for n in range(30) for code in ("de", "es")]
    folder = str(write(tmp_path / "own", rows))
    with pytest.raises(
        UserError,
        match=r"30 of 30 qids do, but with another pid in each language, such as qid 'q0' with 'de-0', 'es-0'\. .*"
        r"data\.ignore_pid=true",
    ):
        JsonlPairs(folder).training()
    shared = [{**one, "pid": None} for one in rows]
    own, told = JsonlPairs(folder, ignore_pid=True), JsonlPairs(str(write(tmp_path / "shared", shared)))
    assert same(own.training()[0], told.training()[0])
    assert own.training()[0].present.all()
    with pytest.raises(UserError, match="No question of qa exists in all of de, es, so nothing"):
        JsonlPairs(str(write(tmp_path / "none", [{**one, "qid": one["qid"] + one["lang"]} for one in rows]))).training()


def partly_aligned(lonely: int, of: int = 100) -> list[dict[str, Any]]:
    """Questions 0 to 119 in English, and `of` in Danish, `lonely` of which exist in no other language."""
    danish = [*range(of - lonely), *range(1000, 1000 + lonely)]
    return [row(f"q{n}", code, f"p{n}", None) for code, ids in (("en", range(120)), ("da", danish)) for n in ids]


@pytest.mark.parametrize(("lonely", "refused"), [(0, False), (1, False), (2, True), (99, True), (100, False)])
def test_ids_that_do_not_align_are_refused_and_counted(tmp_path: Path, lonely: int, refused: bool) -> None:
    """English may have more. A language that shares no id at all brings questions of its own."""
    folder = str(write(tmp_path, partly_aligned(lonely)))
    alone = {"qa": {"da": lonely, "en": 20 + lonely}}
    if refused:
        words = rf"qa: {lonely} of 100 .* in da exist in no other.*q1000.*data\.equal_ids=separate.*=translations"
        with pytest.raises(UserError, match=words):
            JsonlPairs(folder, complete_test=False).training()
    else:
        assert JsonlPairs(folder, complete_test=False).summary()["ids_in_no_other_language"] == alone
    trusted = JsonlPairs(folder, complete_test=False, equal_ids="translations")
    assert trusted.summary()["ids_in_no_other_language"] == alone
    assert JsonlPairs(folder, languages=["en"], complete_test=False).training()


@pytest.mark.parametrize("pids", [True, False])
def test_equal_ids_of_other_questions(tmp_path: Path, pids: bool) -> None:
    """Ids counted in each language: the answers in figures tell."""
    rows = [
        row(str(n), code, str(n), None, answer=str(year + n)) | ({} if pids else {"pid": None})
        for code, year in (("en", 1000), ("ko", 1500))
        for n in range(100)
    ]
    folder = str(write(tmp_path, rows))
    with pytest.raises(UserError, match=r"only 0 of 100 answers .* data\.equal_ids=separate"):
        JsonlPairs(folder).training()
    own = JsonlPairs(folder, equal_ids="separate", complete_test=False)
    assert own.training()[0].present.sum(axis=1).max() == 1
    assert own.training()[0].question_ids[0].partition(":")[0] in ("en", "ko")
    joined = JsonlPairs(folder, equal_ids="translations").training()[0]
    assert joined.present.all()


def test_the_choice_about_ids_is_part_of_the_key(tmp_path: Path) -> None:
    folder = str(write(tmp_path, family()))
    keys = [JsonlPairs(folder, equal_ids=choice).key() for choice in ("checked", "translations", "separate")]
    assert len({str(key) for key in keys}) == 3


def test_every_form_of_a_code_is_one_language(tmp_path: Path) -> None:
    """Rows, names of files and the config's list: in each the codes may be written in another way."""
    one = JsonlPairs(str(write(tmp_path / "one", family())))
    forms = {"en": "eng", "zh": "zho", "da": "dan-Latn"}
    rows = [{**row, "lang": forms[row["lang"]]} for row in family()]
    other = JsonlPairs(str(write(tmp_path / "other", rows)), languages=["DA", "en", "zho-Hans"])
    assert {file.name for file in (tmp_path / "other").iterdir()} == {f"qa.{form}.jsonl" for form in forms.values()}
    assert other.fingerprint() == JsonlPairs(str(tmp_path / "one"), languages=["da", "en", "zh"]).fingerprint()
    assert [pairs.name for pairs in other.training()] == [pairs.name for pairs in one.training()] == ["qa"]
    assert other.training()[0].languages == ("da", "en", "zh")
