"""`python -m hybridret.analyse` with the texts of a run, and its search for edits, on real text with BM25 and on a
trained encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from commands import Commands, paragraph, run_of

from hybridret.components.question_texts import collection_of, read_texts, run_components, tokenization_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lexical(command: Commands, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BM25 on XQuAD-R in three languages; the run directory."""
    pytest.importorskip("bm25s")
    folder = tmp_path_factory.mktemp("lexical")
    done = command(
        "evaluate", "backbone=bm25", "logger=none", "eval=[xquad_r]", "evaluation.cutoffs=[10]",
        f"eval.xquad_r.path={real_data / 'eval' / 'xquad-r'}", "eval.xquad_r.languages=[de,en,th]", folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return run_of(folder)


def test_words_that_languages_share_save_questions(lexical: Path, command: Commands, tmp_path: Path) -> None:
    """BM25 crosses languages by shared words only: questions with digits or names are lost less often."""
    options = ("--texts", "--only", "pitfalls", "--output", str(tmp_path), "--permutations", "500")
    done = command("analyse", str(lexical.parent), *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    groups = pd.read_csv(tmp_path / "pitfalls_groups.csv").set_index("group")
    for name in ("questions with digits", "questions with names"):
        assert groups.at[name, "high"] < 0.6
        assert groups.at[name, "p_corrected"] < 0.02
    assert groups.at["questions whose names are not in the passage", "low"] > 1
    assert sum(groups["feature"] == "topic") == 48  # articles of XQuAD
    assert "in questions with digits as elsewhere" in done.stdout
    examples = pd.read_csv(tmp_path / "pitfalls_examples.csv")
    assert examples["text"].notna().all()


def test_edits_flip_real_questions(lexical: Path, command: Commands, tmp_path: Path) -> None:
    options = ("--flips", lexical.name, "--dataset", "xquad_r", "--questions", "4", "--output", str(tmp_path))
    done = command("analyse", str(lexical.parent), *options, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(tmp_path / "pitfalls_flips.csv")
    assert found["kind"].tolist() == ["lost"] * 4 + ["kept"] * 4
    recorded = pd.read_parquet(lexical / "queries.parquet")
    recorded = recorded[(recorded["metric"] == "mrr") & (recorded["setting"] == "cross-lingual")]
    values = recorded.astype({"question": str}).set_index(["question", "query_language", "corpus_language"])["value"]
    for row in found.astype({"question": str}).to_dict("records"):
        value = values[row["question"], row["query_language"], row["corpus_language"]]
        if row["kind"] == "kept":
            assert row["before"] == pytest.approx(1 / value)  # the position that the evaluation found
        else:
            assert value == 0
            assert not row["before"] <= 10
        if pd.notna(row["flipped"]):
            assert (row["after"] <= 10) == (row["kind"] == "lost")
            assert row["flipped"] != row["text"]
    assert found.loc[found["kind"] == "kept", "number"].notna().all()


def test_texts_are_those_of_the_evaluated_questions(lexical: Path) -> None:
    texts = read_texts(lexical, "xquad_r")
    assert len(texts.questions) == 3 * 1190
    assert set(texts.questions["question"]) == set(pd.read_parquet(lexical / "queries.parquet")["question"].astype(str))
    assert "tokens" not in texts.questions
    assert len(texts.passages[["question", "language"]].drop_duplicates()) == 3 * 1190
    collection = collection_of(run_components(lexical), "xquad_r", lexical)
    number = texts.questions.index[texts.questions["language"] == "th"][5]
    assert texts.questions.at[number, "text"] == collection.queries[number]
    relevant = collection.relevant_passages[collection.relevant_queries == number]
    own = texts.passages[texts.passages["question"] == texts.questions.at[number, "question"]]
    assert set(own["text"]) == {collection.passages[i] for i in relevant}


def test_a_trained_run_counts_its_tokens(whole: Path, command: Commands, tmp_path: Path) -> None:
    (dataset,) = {key.split("/")[0] for key in json.loads((whole / "result.json").read_text())["metrics"]}
    texts = read_texts(whole, dataset)
    tokenization = tokenization_of(run_components(whole), whole)
    assert tokenization is not None
    text = texts.questions["text"].iloc[0]
    assert texts.questions["tokens"].iloc[0] == len(tokenization.untruncated([text])[0])
    options = ("--flips", whole.name, "--dataset", dataset, "--questions", "2", "--output", str(tmp_path))
    done = command("analyse", str(whole.parent), *options, folder=whole.parents[2])
    assert done.returncode == 0, done.stderr
    assert (pd.read_csv(tmp_path / "pitfalls_flips.csv")["before"] >= 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--flips", "NAME"), "give one SWEEP, and one --dataset NAME"),
        (("--flips", "nothing", "--dataset", "xquad_r"), "there is no such run"),
        (("--flips", "NAME", "--dataset", "xquad"), "was not evaluated on 'xquad'"),
        (("--flips", "NAME", "--dataset", "xquad_r", "--questions", "0"), "give at least 1"),
    ],
)
def test_wrong_options_of_the_search_are_one_paragraph(
    options: tuple[str, ...], message: str, lexical: Path, command: Commands, tmp_path: Path
) -> None:
    named = [lexical.name if one == "NAME" else one for one in options]
    done = command("analyse", str(lexical.parent), *named, folder=tmp_path)
    assert done.returncode == 2
    assert message in paragraph(done)
