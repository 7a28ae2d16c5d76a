"""SquadFamily: published layouts made small by hand, parallel questions, what is left out, bad input."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hybridret.base.errors import UserError
from hybridret.base.records import ParallelPairs
from hybridret.data import squad
from hybridret.data.jsonl import JsonlPairs
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.squad_family import SquadFamily

ARTICLES = 12


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


def paragraph(language: str, article: int, number: int) -> dict[str, Any]:
    """A paragraph of two sentences and two questions, one on each; keys in the order of SQuAD 1.1."""
    first, second = f"{language} fact {article}.{number} is blue.", f"It is {1000 + article} years old."
    text = f"{first}\n{second}"
    return {
        "context": text,
        "qas": [
            {
                "answers": [{"answer_start": text.index("blue"), "text": "blue"}],
                "question": f"{language}: which colour has {article}.{number}?",
                "id": f"56be{article:02x}{number}0",
            },
            {
                "answers": [{"answer_start": text.index(str(1000 + article)), "text": str(1000 + article)}],
                "question": f"{language}: how old is {article}.{number}?",
                "id": f"56be{article:02x}{number}1",
            },
        ],
    }


def content(language: str, paragraphs: int = 2) -> dict[str, Any]:
    articles = [
        {
            "title": f"{language}_{article}",
            "paragraphs": [paragraph(language, article, one) for one in range(paragraphs)],
        }
        for article in range(ARTICLES)
    ]
    return {"data": articles, "version": "1.1"}


def write(folder: Path, name: str, value: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    raw = json.dumps(value).encode()
    (folder / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """English and a Danish translation."""
    write(tmp_path / "squad", "squad.en.json", content("en"))
    return write(tmp_path / "squad", "squad.da.json.gz", content("da"))


def pairs_of(source: Any) -> set[tuple[str, str, str, str]]:
    """Id, language, question and passage of every pair that is trained or validated on."""
    found = set()
    for pairs in (*source.training(), source.validation()):
        for language in pairs.languages:
            for identifier, query, passage in zip(
                pairs.question_ids, pairs.queries[language], pairs.passages[language], strict=True
            ):
                if query is not None:
                    found.add((identifier, language, str(query), str(passage)))
    return found


def groups_of(pairs: ParallelPairs) -> dict[str, int]:
    return dict(zip(pairs.question_ids, pairs.passage_groups.tolist(), strict=True))


def test_translations_are_joined_by_id(folder: Path) -> None:
    source = SquadFamily(str(folder), test_share=0)
    expected = set()
    for language in ("en", "da"):
        for article in content(language)["data"]:
            for one in article["paragraphs"]:
                expected |= {(qa["id"], language, qa["question"], one["context"]) for qa in one["qas"]}
    assert pairs_of(source) == expected
    (training,) = source.training()
    assert (training.name, training.languages) == ("squad", ("da", "en"))
    assert training.present.all()
    groups = groups_of(training)
    for one, group in groups.items():
        assert {other for other in groups if groups[other] == group} == {one[:-1] + "0", one[:-1] + "1"}
    assert source.summary()["ids_in_no_other_language"] == {"squad": {"da": 0, "en": 0}}
    assert source.summary()["left_out"] == {}


def test_the_sentence_with_the_answer(folder: Path) -> None:
    source = SquadFamily(str(folder), passages="sentences")
    for identifier, language, _, passage in pairs_of(source):
        article, number = int(identifier[4:6], 16), identifier[6]
        about = f"{language} fact {article}.{number} is blue." if identifier[-1] == "0" else f"It is {1000 + article}"
        assert passage.startswith(about)
        assert "\n" not in passage
    for pairs in source.training():
        groups = groups_of(pairs)
        twins = [one for one in groups if one[-1] == "1" and one[:-1] + "0" in groups]
        assert twins
        assert all(groups[one] != groups[one[:-1] + "0"] for one in twins)


def test_an_answer_at_the_start_of_a_sentence_is_in_that_one(tmp_path: Path) -> None:
    """Breaks without a gap: where one sentence ends the next one starts."""
    value = content("en", 1)
    for article in value["data"]:
        for one in article["paragraphs"]:
            at = one["context"].index("It is")
            one["sentence_breaks"] = [[0, at], [at, len(one["context"])]]
            one["qas"][1]["answers"] = [{"answer_start": at, "text": "It"}]
    source = SquadFamily(str(write(tmp_path / "s", "s.en.json", value)), passages="sentences")
    found = {question: text for _, _, question, text in pairs_of(source)}
    assert found
    for question, text in found.items():
        assert text.startswith("It is") == ("how old" in question)


def test_breaks_in_the_file_come_first(tmp_path: Path) -> None:
    """XQuAD-R's layout: `sentence_breaks` beside the context."""
    value = content("en")
    for article in value["data"]:
        for one in article["paragraphs"]:
            one["sentence_breaks"] = [[0, len(one["context"])]]
    write(tmp_path / "x", "en.json", value)
    passages = {passage for *_, passage in pairs_of(SquadFamily(str(tmp_path / "x"), passages="sentences"))}
    assert all("blue" in passage and "years" in passage for passage in passages)


def test_unanswerable_questions_are_left_out_and_counted(tmp_path: Path) -> None:
    """SQuAD 2.0's layout: `is_impossible` and `plausible_answers`; a test file without answers."""
    value = content("en")
    for number, article in enumerate(value["data"]):
        for one in article["paragraphs"]:
            for qa in one["qas"]:
                qa["is_impossible"] = False
        extra = {"question": "Why?", "id": f"none{number}", "answers": [], "is_impossible": True}
        article["paragraphs"][0]["qas"].append({"plausible_answers": [{"text": "x", "answer_start": 0}]} | extra)
    del value["data"][0]["paragraphs"][1]["qas"][0]["answers"]
    value["data"][1]["paragraphs"][1]["qas"][0]["answers"] = []
    write(tmp_path / "s", "train-v2.0.json", value)
    source = SquadFamily(str(tmp_path / "s"), {"en": "train-v2.0.json"}, test_share=0)
    assert source.summary()["left_out"] == {"unanswerable": ARTICLES, "without_answer": 2}
    assert source.summary()["rows"]["read"] == ARTICLES * 4 - 2
    assert not any(identifier.startswith("none") for identifier, *_ in pairs_of(source))


def test_an_answer_in_no_sentence_is_counted(folder: Path) -> None:
    value = content("en")
    value["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 10_000
    del value["data"][0]["paragraphs"][0]["qas"][1]["answers"][0]["answer_start"]
    write(folder, "squad.en.json", value)
    assert SquadFamily(str(folder)).summary()["left_out"] == {}
    found = SquadFamily(str(folder), passages="sentences", unaligned_allowed=1).summary()
    assert found["left_out"] == {"answer_in_no_sentence": 2}


def test_two_texts_of_a_language_in_one_group_stay_with_their_questions(tmp_path: Path) -> None:
    """MLQA: two English paragraphs, whose questions one German paragraph answers."""
    english, german = content("en"), content("de")
    merged = german["data"][0]["paragraphs"]
    merged[0]["context"] = merged[0]["context"] + " " + merged[1]["context"]
    merged[0]["qas"] += merged.pop(1)["qas"]
    write(tmp_path / "m", "x.en.json", english)
    write(tmp_path / "m", "x.de.json", german)
    for seed in range(20):
        source = SquadFamily(str(tmp_path / "m"), split_seed=seed)
        found = [one for one in pairs_of(source) if one[0].startswith("56be00")]
        if not found:
            (test,) = source.test()
            break
        assert {(identifier, passage) for identifier, language, _, passage in found if language == "en"} == {
            (qa["id"], one["context"]) for one in english["data"][0]["paragraphs"] for qa in one["qas"]
        }
        (groups,) = [
            groups_of(one) for one in (*source.training(), source.validation()) if "56be0000" in one.question_ids
        ]
        assert len({groups[f"56be00{n}{k}"] for n in (0, 1) for k in (0, 1)}) == 1
    for query, identifier in enumerate(test.query_ids):
        if "56be00" in identifier:
            relevant = test.relevant_passages[test.relevant_queries == query]
            texts = {test.passages[index] for index in relevant.tolist()}
            assert texts == {merged[0]["context"], english["data"][0]["paragraphs"][int(identifier[-2])]["context"]}


def test_files_by_language_glob_pattern_and_dataset(folder: Path) -> None:
    plain = pairs_of(SquadFamily(str(folder)))
    for files in (
        {"en": "squad.en.json", "da": ["squad.da.json.gz"]},
        {"EN": "squad.en*", "dan": "squad.da.json"},
        "squad.{l}.json",
        ["squad.*"],
        {"squad": {"en": "squad.en.json", "da": "squad.da.json"}},
        {"squad": "squad.{l}.json"},
    ):
        source = SquadFamily(str(folder), files)  # type: ignore[arg-type]
        assert pairs_of(source) == plain
        assert [one.name for one in source.training()] == ["squad"]
    write(folder, "jaquad_train_0000.json", content("ja", 1))
    write(folder, "jaquad_dev_0000.json", {"data": []})
    files = {"squad": "squad.{l}.json", "jaquad": {"ja": "jaquad_train_*.json"}}
    source = SquadFamily(str(folder), files)
    assert [(one.name, one.languages) for one in source.training()] == [("jaquad", ("ja",)), ("squad", ("da", "en"))]
    assert source.summary()["ids_in_no_other_language"] == {"squad": {"da": 0, "en": 0}}


def test_mlqa_in_its_archive(tmp_path: Path) -> None:
    """The files whose question is in another language do not match; the archive is read as it is published."""
    packed = tmp_path / "MLQA_V1.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for asked in ("en", "de"):
            for answered in ("en", "de"):
                name = f"MLQA_V1/dev/dev-context-{answered}-question-{asked}.json"
                archive.writestr(name, json.dumps({"version": 1.0, **content(asked if asked == answered else "xx")}))
        archive.writestr("__MACOSX/MLQA_V1/dev/._dev-context-en-question-en.json", b"junk")
    source = SquadFamily(str(packed), "MLQA_V1/dev/dev-context-{l}-question-{l}.json")
    assert source.missing() == []
    assert not (tmp_path / "cache").exists()  # a look unpacks nothing
    assert {language for _, language, *_ in pairs_of(source)} == {"de", "en"}
    assert not any("xx" in passage for *_, passage in pairs_of(source))
    assert [file.name for file in tmp_path.iterdir() if file.name != "cache"] == ["MLQA_V1.zip"]
    (said,) = SquadFamily(str(packed)).missing()
    assert "which has several (en, de)" in said or "which has several (de, en)" in said
    assert source.key() == SquadFamily(str(packed), "dev-context-{l}-question-{l}.json").key()


def test_tydi_has_its_languages_in_the_ids(tmp_path: Path) -> None:
    """One file for all languages, no title, ids with one or two hyphens."""
    articles = []
    for name, mark in (("english", "--"), ("swahili", "-"), ("korean", "-")):
        for number in range(ARTICLES):
            one = paragraph(name, number, 0)
            one["qas"] = [{**one["qas"][0], "id": f"{name}{mark}{number:019d}-1"}]
            articles.append({"paragraphs": [one]})
    write(
        tmp_path / "t", "tydiqa-goldp-v1.1-train.json", {"version": "TyDiQA-GoldP-1.1-for-SQuAD-1.1", "data": articles}
    )
    source = SquadFamily(
        str(tmp_path / "t"), {"by_id": "tydiqa-goldp-v1.1-train.json"}, complete_test=False, name="tydi"
    )
    assert {language for _, language, *_ in pairs_of(source)} == {"en", "ko", "sw"}
    (training,) = source.training()
    assert training.present.sum(axis=1).max() == 1
    assert source.summary()["ids_in_no_other_language"] == {}
    write(tmp_path / "t", "tydiqa-goldp-v1.1-train.json", content("en"))
    source = SquadFamily(str(tmp_path / "t"), {"by_id": "tydiqa-goldp-v1.1-train.json"})
    with pytest.raises(UserError, match=r"question '56be0000': the id does not begin with a language"):
        source.training()


def test_languages_are_chosen_and_renamed(folder: Path) -> None:
    source = SquadFamily(str(folder), rename={"da": "nb"}, languages=["nb"])
    assert source.training()[0].languages == ("nb",)
    assert source.summary()["dropped_rows"]["other_language"] == ARTICLES * 4
    every = SquadFamily(str(folder))
    held = {one.split(":")[1] for one in every.test()[0].query_ids}
    assert {one.split(":")[1] for one in source.test()[0].query_ids} == held  # the split does not depend on languages
    with pytest.raises(UserError, match=r"data\.rename: no file is in sv"):
        SquadFamily(str(folder), rename={"sv": "da"}).training()
    with pytest.raises(UserError, match=r"data\.languages asks for sv, .* only da, en\. Choose among these, or widen"):
        SquadFamily(str(folder), languages=["sv"]).training()
    with pytest.raises(UserError, match=r"id '56be0000' in 'en' was already given in .*squad\.da\.json\.gz|squad\.en"):
        SquadFamily(str(folder), rename={"da": "en"}).training()


def test_ids_that_are_numbers(tmp_path: Path) -> None:
    """GermanQuAD and SberQuAD write them so; a title may be null."""
    value = content("de")
    for number, article in enumerate(value["data"]):
        article["title"] = None if number % 2 else ""
        for one in article["paragraphs"]:
            for qa in one["qas"]:
                qa["id"] = int(qa["id"], 16)
    write(tmp_path / "g", "GermanQuAD_train.json", value)
    source = SquadFamily(str(tmp_path / "g"), {"de": "GermanQuAD_train.json"}, test_share=0)
    assert len(pairs_of(source)) == ARTICLES * 4
    assert source.articles() == frozenset()


def renumbered(language: str, first: int) -> dict[str, Any]:
    """Ids that are counted per language: equal ones are other questions."""
    value = content(language)
    every = [qa for article in value["data"] for one in article["paragraphs"] for qa in one["qas"]]
    for number, qa in enumerate(every):
        qa["id"] = str((number + first) % len(every))
    return value


def test_ids_that_do_not_align_are_refused(folder: Path) -> None:
    value = content("da")
    value["data"][0]["paragraphs"][0]["qas"][0]["id"] = "own"
    del value["data"][1]["paragraphs"][0]["qas"][0]
    write(folder, "squad.da.json.gz", value)
    with pytest.raises(UserError, match=r"squad: 1 of 47 question ids in da exist in no other language, such as 'own'"):
        SquadFamily(str(folder)).training()
    source = SquadFamily(str(folder), unaligned_allowed=0.03)
    assert source.summary()["ids_in_no_other_language"] == {"squad": {"da": 1, "en": 2}}
    value["data"] = value["data"][1:]  # a translation may lack questions
    write(folder, "squad.da.json.gz", value)
    assert SquadFamily(str(folder)).summary()["ids_in_no_other_language"] == {"squad": {"da": 0, "en": 5}}


def test_equal_ids_of_other_questions_are_refused(tmp_path: Path) -> None:
    """All ids align, and no pair does: the answers in figures show it."""
    write(tmp_path / "n", "x.en.json", renumbered("en", 0))
    write(tmp_path / "n", "x.ko.json", renumbered("ko", 4))
    with pytest.raises(UserError, match=r"x: only 0 of 24 answers that are a number in en are the same .* in ko, so "):
        SquadFamily(str(tmp_path / "n")).training()
    source = SquadFamily(str(tmp_path / "n"), parallel=False, complete_test=False)
    (training,) = source.training()
    assert training.present.sum(axis=1).max() == 1
    assert source.summary()["rows"]["read"] == 96
    write(tmp_path / "n", "x.ko.json", renumbered("ko", 0))
    assert SquadFamily(str(tmp_path / "n")).training()[0].present.all()


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    value = content("en")
    change(value["data"][3]["paragraphs"][1])
    return json.dumps(value).encode()


BAD: dict[str, tuple[str, bytes, str]] = {
    "cut gzip": ("squad.en.json.gz", gzip.compress(edited(lambda one: 0))[:-20], r"Cannot read .*squad\.en\.json\.gz"),
    "no gzip": ("squad.en.json.gz", b"{}", r"Cannot read .*squad\.en\.json\.gz"),
    "latin-1": ("squad.en.json", b'{"data": [{"title": "caf\xe9"', r"Cannot read .*squad\.en\.json: 'utf-8'"),
    "UTF-16": ("squad.en.json", json.dumps(content("en")).encode("utf-16"), r"Cannot read .*squad\.en\.json: 'utf-8'"),
    "cut": ("squad.en.json", edited(lambda one: 0)[:-20], r"squad\.en\.json, line 1: not valid JSON"),
    "empty": ("squad.en.json", b"", r"squad\.en\.json.*(not valid JSON|is empty)"),
    "no questions": ("squad.en.json", b'{"data": []}', r"squad\.en\.json holds no question with an answer"),
    "JSON lines": ("squad.en.json", b'{"qid": "1"}\n{"qid": "2"}\n', r"squad\.en\.json, line 2: not valid JSON"),
    "other JSON": ("squad.en.json", b'[{"question": "x"}]', r"no 'data'\. Is this a file of the SQuAD shape"),
    "empty question": (
        "squad.en.json",
        edited(lambda one: one["qas"][0].update(question=" ")),
        r"data\[3\]\.paragraphs\[1\]\.qas\[0\]\.question must be a text that is not empty",
    ),
    "empty context": (
        "squad.en.json",
        edited(lambda one: one.update(context="")),
        r"data\[3\]\.paragraphs\[1\]\.context must be a text that is not empty",
    ),
    "half a surrogate pair": (
        "squad.en.json",
        edited(lambda one: one["qas"][0].update(question="\ud83d")),
        r"squad\.en\.json: question '56be0310': 'question' holds a character that UTF-8 cannot write",
    ),
    "an id twice": (
        "squad.en.json",
        edited(lambda one: one["qas"][0].update(id="56be0000")),
        r"squad\.en\.json: id '56be0000' in 'en' was already given in the same file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_errors_that_name_them(folder: Path, name: str) -> None:
    file, raw, said = BAD[name]
    (folder / "squad.en.json").unlink()
    (folder / file).write_bytes(raw)
    with pytest.raises(UserError, match=said):
        SquadFamily(str(folder)).training()


def test_a_byte_order_mark_is_no_part_of_the_text(folder: Path) -> None:
    plain = SquadFamily(str(folder)).fingerprint()
    (folder / "squad.en.json").write_bytes(b"\xef\xbb\xbf" + (folder / "squad.en.json").read_bytes())
    assert SquadFamily(str(folder)).fingerprint() == plain


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"en": "squad.en.jsn"}, r"no file matches 'squad\.en\.jsn'; there is: .*Did you mean 'squad\.en\.json'\?"),
        ({"xx-yy-zz-q": "squad.en.json"}, r"data\.files: 'xx-yy-zz-q' is not a language code"),
        ({False: "squad.en.json"}, r"data\.files: False is not a language code .*put it in quotes"),
        ({"en": "squad.en.json", "da": "squad.*"}, r"squad\.en\.json is chosen twice, as squad in en and as squad in"),
        ("{l}.en.json", r"matches squad\.en\.json, where 'squad' is no language"),
        ({}, r"data\.files is empty"),
    ],
)
def test_files_that_cannot_be_chosen(folder: Path, files: Any, said: str) -> None:
    source = SquadFamily(str(folder), files)
    with pytest.raises(UserError, match=said) as error:
        source.training()
    assert source.missing() == [str(error.value)]


def test_paths_that_hold_nothing(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match=r"data\.path is not set"):
        SquadFamily(None)
    assert "There is no file or folder" in SquadFamily(str(tmp_path / "none")).missing()[0]
    (folder / "deeper").mkdir()
    assert f"set data.path={folder}." in SquadFamily(str(folder / "deeper")).missing()[0]
    write(tmp_path / "train", "train.json", content("en"))
    (said,) = SquadFamily(str(tmp_path / "train")).missing()
    assert said.startswith("The language of train.json cannot be seen in its name, which has none: set data.files")
    (tmp_path / "a.zip").write_bytes(b"no archive")
    assert "cannot be read as a .zip archive" in SquadFamily(str(tmp_path / "a.zip")).missing()[0]
    one = SquadFamily(str(folder / "squad.en.json"))
    assert one.training()[0].languages == ("en",)


def test_a_file_that_is_too_large_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squad, "LARGEST", 100)
    with pytest.raises(UserError, match=r"too large to be read at once"):
        SquadFamily(str(folder)).training()


def test_the_key_follows_settings_and_files(folder: Path) -> None:
    key = SquadFamily(str(folder)).key()
    assert SquadFamily(str(folder)).key() == key
    for other in (
        SquadFamily(str(folder), passages="sentences"),
        SquadFamily(str(folder), rename={"da": "nb"}),
        SquadFamily(str(folder), parallel=False),
        SquadFamily(str(folder), ["squad.en*"]),
    ):
        assert other.key() != key
    write(folder, "squad.en.json", content("en", 1))
    assert SquadFamily(str(folder)).key() != key


def test_the_prepared_copy_holds_the_same(folder: Path) -> None:
    source = SquadFamily(str(folder))
    copy = PreparedSource(SquadFamily(str(folder)))
    assert pairs_of(copy) == pairs_of(source)
    assert copy.summary() == source.summary()
    assert copy.fingerprint() == source.fingerprint()


def squad_json(rows: Path, target: Path) -> None:
    """Rows of a JSON Lines file back in the layout that their publishers chose."""
    articles: dict[str, dict[str, Any]] = {}
    with gzip.open(rows, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            paragraphs = articles.setdefault(row["title"], {})
            one = paragraphs.setdefault(row["pid"], {"context": row["passage"], "qas": []})
            answers = [{"text": row["answer"], "answer_start": row["answer_start"]}]
            one["qas"].append({"id": row["qid"], "question": row["question"], "answers": answers})
    data = [{"title": title, "paragraphs": list(paragraphs.values())} for title, paragraphs in articles.items()]
    target.write_text(json.dumps({"data": data, "version": "1.1"}), encoding="utf-8")


@pytest.mark.slow
def test_squad_in_eight_languages_is_what_its_rows_are(real_data: Path, tmp_path: Path) -> None:
    for file in sorted((real_data / "train").glob("squad-dev.*.jsonl.gz")):
        squad_json(file, tmp_path / file.name.replace(".jsonl.gz", ".json"))
    made = SquadFamily(str(tmp_path), ["squad-dev.*"])
    rows = JsonlPairs(str(real_data / "train"), files=["squad-dev.*"])
    assert made.summary()["rows"] == rows.summary()["rows"]
    assert made.summary()["rows"]["read"] == 49_591
    assert made.summary()["ids_in_no_other_language"]["squad-dev"]["en"] == 127
    assert pairs_of(made) == pairs_of(rows)
    (one,), (other,) = made.training(), rows.training()
    mine = np.array([groups_of(one)[identifier] for identifier in other.question_ids])
    pairs = {(int(a), int(b)) for a, b in zip(mine, other.passage_groups, strict=True)}
    assert len(pairs) == len(set(other.passage_groups.tolist())) == 1444  # no group of the rows is torn apart
    assert len(set(mine.tolist())) == 1443  # and two whose translation is one text are one


def test_mlqa_dev_as_published(real_data: Path) -> None:
    source = SquadFamily(
        str(real_data / "eval" / "mlqa"),
        "dev-context-{l}-question-{l}.json",
        complete_test=False,
        test_share=0,
        validation_share=0.01,
        name="mlqa",
    )
    summary = source.summary()
    assert summary["rows"]["read"] == 517 + 512 + 1148 + 500 + 507 + 511 + 504
    assert summary["ids_in_no_other_language"]["mlqa"] == dict.fromkeys(["ar", "de", "en", "es", "hi", "vi", "zh"], 0)
    assert summary["passages_that_differ_within_a_pid"] == 0
    several = pairs_of(source)
    contexts = {}
    for language in ("en", "de"):
        file = real_data / "eval" / "mlqa" / "dev" / f"dev-context-{language}-question-{language}.json.gz"
        for article in json.loads(gzip.decompress(file.read_bytes()))["data"]:
            for one in article["paragraphs"]:
                contexts |= {(qa["id"], language): one["context"] for qa in one["qas"]}
    found = {(identifier, language): passage for identifier, language, _, passage in several}
    assert all(found[key] == contexts[key] for key in contexts)
    partly = {"de": "dev-context-de-question-de.json", "es": "dev-context-es-question-es.json"}
    with pytest.raises(UserError, match=r"304 of 500 question ids in es exist in no other language"):
        SquadFamily(str(real_data / "eval" / "mlqa" / "dev"), partly).training()


def test_xquad_r_as_published(real_data: Path) -> None:
    source = SquadFamily(str(real_data / "eval" / "xquad-r"), passages="sentences", name="xquad")
    summary = source.summary()
    assert summary["rows"]["read"] == 11 * 1190
    assert summary["left_out"] == {}
    assert set(summary["ids_in_no_other_language"]["xquad"].values()) == {0}
    assert source.training()[0].present.all()


@pytest.mark.slow
def test_tydi_with_ids_of_its_own_in_each_language(real_data: Path, tmp_path: Path) -> None:
    for language in ("en", "ko", "sw"):
        squad_json(
            real_data / "train" / f"tydiqa-goldp.{language}.jsonl.gz", tmp_path / f"tydiqa-goldp.{language}.json"
        )
    for allowed in (0.01, 1.0):
        with pytest.raises(UserError, match=r"so equal ids are no translations"):
            SquadFamily(str(tmp_path), unaligned_allowed=allowed).training()
    source = SquadFamily(str(tmp_path), parallel=False, complete_test=False)
    assert source.summary()["rows"]["read"] == 3696 + 1625 + 2755
    assert source.training()[0].present.sum(axis=1).max() == 1


@pytest.mark.slow
def test_jaquad(real_data: Path, tmp_path: Path) -> None:
    squad_json(real_data / "train" / "jaquad.ja.jsonl.gz", tmp_path / "jaquad_train_0000.json")
    source = SquadFamily(str(tmp_path), {"ja": "jaquad_train_*.json"}, name="jaquad")
    assert source.summary()["rows"]["read"] == 31_748
    assert (
        source.summary()["articles"] == JsonlPairs(str(real_data / "train"), files=["jaquad.*"]).summary()["articles"]
    )
