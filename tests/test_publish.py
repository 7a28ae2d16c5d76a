"""The entry `publish`: a run becomes a folder for sentence-transformers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from hybridret import publish
from hybridret.base.progress import Quiet
from hybridret.base.settings import TextSettings
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.folder import load_encoder, save_encoder
from hybridret.encoders.scratch import Scratch
from hybridret.retrieval.encode import encode_texts

pytestmark = pytest.mark.slow

HEADER = "dataset,setting,query_language,corpus_language,metric,cutoff,value,num_queries\n"


class TextSource:
    def texts(self) -> Iterable[str]:
        return [f"What is the square of {i}? El cuadrado de {i} es {i**2}." for i in range(40)]

    def fingerprint(self) -> str:
        return "publish"


def encoder() -> DualEncoder:
    family = Scratch({"tiny": {"width": 16, "layers": 1, "heads": 2}}, vocabulary_size=300, max_positions=32)
    return family.encoder("tiny", TextSettings("Q: ", "P: ", 20, 20), TextSource(), 0)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What a finished run leaves, as far as publishing reads it."""
    folder = tmp_path / "multirun" / "s" / "batching-mono_seed-1"
    save_encoder(encoder(), folder / "checkpoints" / "best")
    result = {"strategy": "mono", "training": {"steps": 7}, "tokens": {"en": {}, "es": {}}, "config_hash": "abc"}
    (folder / "result.json").write_text(json.dumps(result))
    (folder / "config.yaml").write_text("training: {batch_size: 8}\noptim: {lr: 0.5}\nloss: {temperature: 0.05}\n")
    (folder / "metrics.csv").write_text(HEADER + "cldr,monolingual,macro,macro,map,,0.25,9\n")
    (folder / "evaluations" / "more").mkdir(parents=True)
    (folder / "evaluations" / "more" / "metrics.csv").write_text(
        HEADER + "xquad_r,multilingual,macro,macro,ndcg,10,1,9\n"
    )
    (folder.parent / "sweep.json").write_text(json.dumps({"command": "python -m hybridret.run -m batching=mono,cross"}))
    return folder


def test_a_run_becomes_a_folder(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    assert publish.main([str(run), str(tmp_path / "out")]) == 0
    assert str(tmp_path / "out") in capsys.readouterr().out
    model = sentence_transformers.SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True)
    texts = ["What is the square of 7?", "El cuadrado"]
    expected = encode_texts(load_encoder(run / "checkpoints" / "best"), texts, "query", 2, Quiet())
    np.testing.assert_allclose(model.encode_query(texts), expected, atol=1e-6)
    card = (tmp_path / "out" / "README.md").read_text()
    for words in (
        "# out",
        "| cldr | monolingual | 0.2500 |  |",
        "| xquad_r | multilingual |  | 1.0000 |",
        "| batch size | 8 |",
        "python -m hybridret.run -m batching=mono,cross\npython -m hybridret.publish",
        "en, es",
    ):
        assert words in card


def test_a_name_for_the_card(run: Path, tmp_path: Path) -> None:
    assert publish.main([str(run), str(tmp_path / "out"), "--name", "my retriever"]) == 0
    assert "# my retriever" in (tmp_path / "out" / "README.md").read_text()


def test_the_card_has_the_data_card_of_the_training(run: Path, tmp_path: Path) -> None:
    """Its headings stand below one of the model card; names are somebody else's."""
    lengths = {"texts": 9, "mean": 40.5, "median": 40, "p95": 60, "max": 1070}
    texts = {"questions": 1200, "passages": 500, "question_characters": lengths, "passage_characters": None}
    dataset = {
        "part": "training", "name": "my|<b>", "languages": ["en", "de"], "questions": 1300, "one_in": 1,
        "in_all_languages": 700, "coverage": [[1200, 700], [700, 800]], "texts": {"en": texts, "de": texts},
    }  # fmt: skip
    tokens = {"sample": 2000, "languages": {"en": {"question": lengths, "passage": None}}}
    found = {"dataset": "my", "benchmark": "d", "side": "questions", "language": "en"}
    leak = {**found, "texts": 20, "exact": 1, "near": 2, "through_ids": 3}
    result = json.loads((run / "result.json").read_text())
    result |= {
        "data": {"name": "mine", "fingerprint": "f00d", "licence": "CC0", "summary": {"dropped_rows": {"other": 12}},
                 "card": {"datasets": [dataset], "test": [], "shared": [], "tokens": tokens}},
        "leaks": {"rows": [leak], "compared": {"d": {"questions": 20, "passages": 30}}},
    }  # fmt: skip
    (run / "result.json").write_text(json.dumps(result))
    assert publish.main([str(run), str(tmp_path / "out")]) == 0
    card = (tmp_path / "out" / "README.md").read_text()
    for words in (
        "## Training data\n\nCounted from the prepared training data with the content hash `f00d`.\n\n### Languages",
        "| my\\|&lt;b&gt; | training | en (English) | 1,200 | 500 | 40.5 / 40 / 60 / 1,070 |  |",
        "| en | 40.5 / 40 / 60 / 1,070 |  |",
        "of up to 2,000 evenly spaced",
        "| de | 700 | 800 |\n\n700 of 1,300 questions exist in all languages.",
        "| dropped rows | other 12 |",
        "| my | d | questions | en | 20 | 1 | 2 | 3 |",
        "| all | d | passages | all | 30 | 0 | 0 | 0 |",
    ):
        assert words in card


def damage(run: Path, how: str) -> None:
    if how == "no run":
        run.rename(run.parent / "elsewhere")
    elif how == "not finished":
        (run / "result.json").unlink()
    elif how == "not trained":
        (run / "result.json").write_text('{"training": null}')
    elif how == "no weights":
        (run / "checkpoints" / "best" / "encoder.json").unlink()
    elif how == "damaged weights":
        path = run / "checkpoints" / "best" / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-8])
    elif how == "no config":
        (run / "config.yaml").unlink()
    elif how == "no metrics":
        (run / "metrics.csv").unlink()
    elif how == "strange metrics":
        (run / "metrics.csv").write_text("a,b\n1,2\n")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no run", "there is no such folder"),
        ("not finished", "not a finished run"),
        ("not trained", "without training"),
        ("no weights", "encoder.json is missing"),
        ("damaged weights", "SHA-256"),
        ("no config", "no config.yaml"),
        ("no metrics", "metrics.csv cannot be read"),
        ("strange metrics", "lacks the columns"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    run: Path, tmp_path: Path, how: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(run, how)
    assert publish.main([str(run), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("Error: ")
    assert words in line
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish.main([str(run), str(run)]) == 2
    assert "not an empty folder" in capsys.readouterr().err


def test_help_is_light() -> None:
    program = (
        "import sys, runpy; sys.argv = ['hybridret.publish', '--help']\n"
        "try: runpy.run_module('hybridret.publish', run_name='__main__')\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        "assert not {'torch', 'transformers', 'pandas', 'numpy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "FOLDER" in done.stdout
