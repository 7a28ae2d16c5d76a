"""No number under the name of another set: counts, splits and folders of every benchmark with a published set."""

from __future__ import annotations

import gzip
import json
import shlex
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridret.base.errors import UserError
from hybridret.data.archive import unpacked
from hybridret.data.benchmarks import mlqa_r, mr_tydi, squadshifts, xquad_r
from hybridret.data.benchmarks.beir import CQADUPSTACK, SETS, SUBFORUMS, Beir
from hybridret.data.benchmarks.beir_folder import Folder
from hybridret.data.benchmarks.heldout import Heldout
from hybridret.data.benchmarks.miracl import Miracl
from hybridret.data.benchmarks.miracl_layout import PUBLISHED_COUNTS
from hybridret.data.benchmarks.mlqa_r import MlqaR
from hybridret.data.benchmarks.mr_tydi import MrTydi
from hybridret.data.benchmarks.squadshifts import Squadshifts
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.data.jsonl import JsonlPairs

WriteBeir = Callable[..., Path]
CORPUS = [{"_id": f"d{n}", "title": f"t{n}", "text": f"text {n}", "metadata": {}} for n in range(3)]
QUERIES = [{"_id": "q1", "text": "one?"}, {"_id": "q2", "text": "two?"}]
JUDGMENTS = [("q2", "d2", 2), ("q1", "d1", 1)]
SQUAD = {
    "data": [
        {
            "title": "T",
            "paragraphs": [
                {
                    "context": "One. Two.",
                    "sentence_breaks": [[0, 4], [5, 9]],
                    "qas": [{"id": "a", "question": "q?", "answers": [{"answer_start": 5, "text": "Two"}]}],
                }
            ],
        }
    ]
}


@pytest.fixture
def sets(tmp_path: Path, small: dict[str, Any], write_lines: Any, write_beir: WriteBeir) -> Path:
    """A small set of each benchmark in one folder."""
    write_beir(tmp_path / "scifact", CORPUS, QUERIES, JUDGMENTS)
    for name in ("en.json", "dev-context-en-question-en.json", "nyt_v1.0.json"):
        (tmp_path / name).write_text(json.dumps(SQUAD))
    sw = small["sw"]
    for folder, end in ((tmp_path / "miracl-v1.0-sw", "miracl-v1.0-sw-dev"), (tmp_path / "mrtydi-v1.1-swahili", "")):
        corpus = tmp_path / "miracl-corpus-v1.0-sw" / "docs-0.jsonl.gz" if end else folder / "corpus.jsonl.gz"
        rows = folder if end else folder / "ir-format-data"
        write_lines(rows / (f"topics/topics.{end}.tsv" if end else "topics.test.txt"), sw.topic_lines())
        write_lines(rows / (f"qrels/qrels.{end}.tsv" if end else "qrels.test.txt"), sw.trec_lines())
        write_lines(corpus, sw.rows("docid", "title", "text"))
    return tmp_path


BENCHMARKS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "beir": (
        lambda path, **more: Beir(["scifact"], path, **more),
        "beir_scifact",
        "3 passages where 5,183 were published; 2 queries where 300 were published",
    ),
    "miracl": (
        lambda path, **more: Miracl(path, ["sw"], **more),
        "miracl",
        "3 queries in sw where 482 were published; 5 passages in sw where 131,924 were published",
    ),
    "mr_tydi": (
        lambda path, **more: MrTydi(path, ["sw"], **more),
        "mr_tydi",
        "3 queries in sw where 670 were published; 5 passages in sw where 136,689 were published",
    ),
    "xquad_r": (
        lambda path, **more: XquadR(path, ["en"], **more),
        "xquad_r",
        "1 questions in en where 1,190 were published; 2 sentences in en where 1,180 were published",
    ),
    "mlqa_r": (
        lambda path, **more: MlqaR(path, ["en"], **more),
        "mlqa_r",
        "1 questions in en where 1,148 were published",
    ),
    "squadshifts": (
        lambda path, **more: Squadshifts(path, ["nyt"], **more),
        "squadshifts_nyt",
        "1 questions where 10,065 were published",
    ),
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_other_counts_are_refused_unless_asked_for(sets: Path, name: str) -> None:
    make, called, said = BENCHMARKS[name]
    with pytest.raises(UserError) as error:
        make(str(sets)).collections(None)
    assert f"eval.{name}: these files are not {called} as published: {said}. Check eval.{name}." in str(error.value)
    assert f"under the name {called}_other, set eval.{name}.allow_other=true." in str(error.value)
    (collection,) = make(str(sets), allow_other=True).collections(None)
    assert (collection.name, collection.notes["not as published"]) == (f"{called}_other", said)


@pytest.mark.parametrize("name", BENCHMARKS)
@pytest.mark.parametrize("allow_other", [False, True])
def test_published_counts_bear_the_name(
    sets: Path, name: str, allow_other: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETS, "scifact", replace(SETS["scifact"], counts=(3, 2)))
    monkeypatch.setitem(PUBLISHED_COUNTS, "sw", PUBLISHED_COUNTS["sw"]._replace(dev=3, passages=5))
    monkeypatch.setitem(mr_tydi.PUBLISHED, "sw", mr_tydi.PUBLISHED["sw"]._replace(test=3, passages=5))
    monkeypatch.setattr(xquad_r, "QUESTIONS", 1)
    monkeypatch.setitem(xquad_r.CANDIDATES, "en", 2)
    monkeypatch.setitem(mlqa_r.PUBLISHED_COUNTS, "en", (1, 7))  # candidates depend on the splitter
    monkeypatch.setitem(squadshifts.QUESTIONS, "nyt", 1)
    make, called, _ = BENCHMARKS[name]
    (collection,) = make(str(sets), allow_other=allow_other).collections(None)
    assert collection.name == called
    assert "not as published" not in collection.notes


def test_the_published_files_are_what_they_are_called(real_data: Path) -> None:
    assert XquadR(str(real_data / "eval" / "xquad-r"), ["en", "th"]).collections(None)[0].name == "xquad_r"
    assert MlqaR(str(real_data / "eval" / "mlqa"), ["en", "de"]).collections(None)[0].name == "mlqa_r"


def test_counts_tell_all_sets_of_beir_apart() -> None:
    counts = [facts.counts for facts in [*SETS.values(), *SUBFORUMS.values()]]
    assert len({passages for passages, _ in counts}) == len(counts) == 30


def test_one_set_under_the_name_of_another(
    tmp_path: Path, write_beir: WriteBeir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SETS, "scifact", replace(SETS["scifact"], counts=(3, 2)))
    monkeypatch.setitem(SETS, "nfcorpus", replace(SETS["nfcorpus"], counts=(4, 2)))
    write_beir(tmp_path, CORPUS, QUERIES, JUDGMENTS)
    assert Beir(["scifact"], str(tmp_path)).collections(None)[0].name == "beir_scifact"
    with pytest.raises(UserError, match=r"not beir_nfcorpus as published: 3 passages where 4 were published\. Check"):
        Beir(["nfcorpus"], str(tmp_path)).collections(None)


def test_a_split_stands_in_the_name(tmp_path: Path, write_beir: WriteBeir, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another split only the passages are known; msmarco is measured on dev."""
    for name in ("scifact", "msmarco"):
        monkeypatch.setitem(SETS, name, replace(SETS[name], counts=(3, 2)))
        for split, judgments in (("test", JUDGMENTS), ("train", JUDGMENTS[:1]), ("dev", JUDGMENTS)):
            write_beir(tmp_path / name, CORPUS, QUERIES, judgments, split=split)
    names = {
        (name, split): Beir([name], str(tmp_path), split).collections(None)[0].name
        for name in ("scifact", "msmarco")
        for split in (None, "test", "dev", "train")
    }
    assert names == {
        ("scifact", None): "beir_scifact",
        ("scifact", "test"): "beir_scifact",
        ("scifact", "dev"): "beir_scifact_dev",
        ("scifact", "train"): "beir_scifact_train",
        ("msmarco", None): "beir_msmarco",
        ("msmarco", "test"): "beir_msmarco_test",
        ("msmarco", "dev"): "beir_msmarco",
        ("msmarco", "train"): "beir_msmarco_train",
    }
    (own,) = Folder(str(tmp_path / "scifact"), split="train").collections(None)
    assert own.name == "folder_train"
    write_beir(tmp_path / "scifact", CORPUS[:2], QUERIES, [("q1", "d1", 1)], split="train")
    with pytest.raises(UserError, match=r"not beir_scifact_train as published: 2 passages where 3 were published\. "):
        Beir(["scifact"], str(tmp_path), "train").collections(None)


def test_cqadupstack_is_one_mean_under_one_name(
    tmp_path: Path, write_beir: WriteBeir, monkeypatch: pytest.MonkeyPatch
) -> None:
    for subforum in SUBFORUMS:
        monkeypatch.setitem(SUBFORUMS, subforum, replace(SUBFORUMS[subforum], counts=(3, 2)))
        write_beir(tmp_path / CQADUPSTACK / subforum, CORPUS, QUERIES, JUDGMENTS, split="test")
        write_beir(tmp_path / CQADUPSTACK / subforum, CORPUS, QUERIES, JUDGMENTS, split="train")
    assert {one.group for one in Beir([CQADUPSTACK], str(tmp_path)).collections(None)} == {"beir_cqadupstack"}
    found = Beir([CQADUPSTACK], str(tmp_path), "train").collections(None)
    assert {one.group for one in found} == {"beir_cqadupstack_train"}
    assert found[0].name == "beir_cqadupstack_android_train"
    monkeypatch.setitem(SUBFORUMS, "tex", replace(SUBFORUMS["tex"], counts=(4, 2)))
    found = Beir([CQADUPSTACK], str(tmp_path), allow_other=True).collections(None)
    assert {one.group for one in found} == {"beir_cqadupstack_other"}
    assert sum(one.name.endswith("_other") for one in found) == 1


def test_what_is_fetched_lies_where_no_other_name_finds_it(
    tmp_path: Path, write_beir: WriteBeir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed line is obeyed word for word: the set that was asked for reads the files, another one does not."""
    monkeypatch.setitem(SETS, "scifact", replace(SETS["scifact"], counts=(3, 2)))
    with pytest.raises(UserError) as error:
        Beir(["scifact"], str(tmp_path)).collections(None)
    words = shlex.split(str(error.value).partition(": ")[2].partition("hf download")[2].rstrip("."))
    target = Path(words[words.index("--local-dir") + 1])
    assert target == tmp_path / "scifact"
    write_beir(target, CORPUS, QUERIES, JUDGMENTS)
    for path in (tmp_path, target):
        assert Beir(["scifact"], str(path)).collections(None)[0].name == "beir_scifact"
    with pytest.raises(UserError, match=rf"no folder {tmp_path}/nfcorpus\. .*--local-dir {tmp_path}/nfcorpus\.$"):
        Beir(["nfcorpus"], str(tmp_path)).collections(None)
    (target / "queries.jsonl").unlink()
    for path in (tmp_path, target):
        with pytest.raises(UserError, match=rf"scifact lacks queries\.jsonl\. .*--local-dir {target}\.$"):
            Beir(["scifact"], str(path)).collections(None)


@pytest.mark.parametrize("name", ["miracl", "beir_scifact", "mr_tydi_dev", "xquad_r"])
def test_data_of_the_user_bears_no_published_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=rf"eval\.folder\.name={name} is the name of a published set"):
        Folder("x", name=name)
    rows = [
        {"qid": f"{i}", "lang": "en", "question": f"q {i}", "passage": f"p {i}", "pid": f"{i}", "title": f"t{i}"}
        for i in range(12)
    ]
    (tmp_path / f"{name}.en.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (collection,) = Heldout().collections(JsonlPairs(str(tmp_path)))
    assert collection.name == f"heldout_{name}"


def pack(folder: Path, file: Path) -> Path:
    """As BEIR's archives are: one folder in it, named like the set."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in sorted(folder.rglob("*")):
            archive.write(one, one.relative_to(folder.parent))
        archive.writestr("__MACOSX/._junk", b"junk")
    shutil.rmtree(folder)
    return file


@pytest.mark.parametrize("gzipped", [False, True])
def test_archives_are_read_as_they_are(
    tmp_path: Path, write_beir: WriteBeir, monkeypatch: pytest.MonkeyPatch, gzipped: bool
) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    home = tmp_path / "downloads"
    for name in ("scifact", "nfcorpus"):
        monkeypatch.setitem(SETS, name, replace(SETS[name], counts=(3, 2)))
        write_beir(home / name, CORPUS, QUERIES, JUDGMENTS, packed=gzipped)
        pack(home / name, home / f"{name}.zip")
    for names, path in ((["scifact", "nfcorpus"], home), (["scifact"], home / "scifact.zip")):
        before = sorted(tmp_path.rglob("*"))
        assert Beir(names, str(path)).missing() == Folder(str(home / "scifact.zip")).missing() == []
        assert sorted(tmp_path.rglob("*")) == before  # a look unpacks nothing
        found = Beir(names, str(path)).collections(None)
        assert [one.name for one in found] == [f"beir_{name}" for name in names]
        assert found[0].passages[:] == ["t0 text 0", "t1 text 1", "t2 text 2"]
    (own,) = Folder(str(home / "scifact.zip")).collections(None)
    assert own.queries == ["one?", "two?"]
    assert sorted(one.name for one in home.iterdir()) == ["nfcorpus.zip", "scifact.zip"]  # nothing beside them
    with pytest.raises(UserError, match=rf"It holds nfcorpus\.zip, .* set eval\.folder\.path={home}/nfcorpus\.zip"):
        Folder(str(home)).collections(None)


def test_cqadupstack_in_its_archive(tmp_path: Path, write_beir: WriteBeir, monkeypatch: pytest.MonkeyPatch) -> None:
    for subforum in SUBFORUMS:
        monkeypatch.setitem(SUBFORUMS, subforum, replace(SUBFORUMS[subforum], counts=(3, 2)))
        write_beir(tmp_path / CQADUPSTACK / subforum, CORPUS, QUERIES, JUDGMENTS)
    file = pack(tmp_path / CQADUPSTACK, tmp_path / f"{CQADUPSTACK}.zip")
    for path in (tmp_path, file):
        assert len(Beir([CQADUPSTACK], str(path)).collections(None)) == 12


def test_archives_that_cannot_be_read(tmp_path: Path, write_beir: WriteBeir) -> None:
    write_beir(tmp_path / "scifact", CORPUS, QUERIES, JUDGMENTS)
    file = pack(tmp_path / "scifact", tmp_path / "scifact.zip")
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:60] + bytes([whole[60] ^ 255]) + whole[61:]):
        file.write_bytes(damaged)
        for read in (lambda: Beir(["scifact"], str(tmp_path)), lambda: Folder(str(file))):
            with pytest.raises(UserError, match=r"scifact\.zip .*(Fetch the file again|is empty)"):
                read().collections(None)
    (tmp_path / "scifact.tar.gz").write_bytes(gzip.compress(b"x"))
    with pytest.raises(UserError, match=r"scifact\.tar\.gz: only \.zip archives are read as they are\. Unpack it"):
        Folder(str(tmp_path / "scifact.tar.gz")).collections(None)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("scifact/readme.txt", b"x")
    with pytest.raises(UserError, match=r"scifact\.zip holds no corpus\.jsonl"):
        Beir(["scifact"], str(tmp_path)).collections(None)
    with zipfile.ZipFile(file, "a") as archive:
        for name in ("../corpus.jsonl", "../queries.jsonl", "../qrels/test.tsv", "/corpus.jsonl"):
            archive.writestr(name, b"{}")
    with pytest.raises(UserError, match=r"scifact\.zip holds no corpus\.jsonl"):
        Folder(str(file)).collections(None)
    for name in ("a", "b"):
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(f"{name}/corpus.jsonl", b"{}")
    with pytest.raises(UserError, match=r"scifact\.zip holds several sets \(a, b\)"):
        Folder(str(file)).collections(None)


def test_an_archive_writes_nothing_outside_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16  # a symbolic link
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("../../../out.txt", f"{tmp_path}/absolute.txt", "in.txt"):
            archive.writestr(name, b"x")
        archive.writestr(link, "/etc/passwd")
    folder = unpacked(tmp_path / "a.zip", lambda name: True)
    assert all(one.is_relative_to(folder) and not one.is_symlink() for one in folder.rglob("*"))
    assert {one.name for one in tmp_path.iterdir()} == {"a.zip", "cache"}
    assert (folder / "link").read_text() == "/etc/passwd"
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    (tmp_path / "a.zip").rename(tmp_path / "b.zip")
    with pytest.raises(UserError, match=r"b\.zip unpacks to .* GiB left\. Free some space"):
        unpacked(tmp_path / "b.zip", lambda name: True)


def test_the_folder_above_is_said(tmp_path: Path, write_beir: WriteBeir) -> None:
    folder = write_beir(tmp_path / "data" / "scifact", CORPUS, QUERIES, JUDGMENTS)
    with pytest.raises(UserError, match=rf"has no corpus\.jsonl\. The folder scifact in it .* set \S+path={folder}\."):
        Folder(str(tmp_path / "data")).collections(None)
    with pytest.raises(UserError, match=rf"The folder data in it .* set eval\.beir\.path={tmp_path}/data"):
        Beir(["scifact"], str(tmp_path)).collections(None)
