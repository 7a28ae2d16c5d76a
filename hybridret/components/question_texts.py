"""The texts behind the numbers of a sweep: a test set of one of its runs, read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hybridret.analysis.pitfalls.texts import QuestionTexts
from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.components.evaluate_components import EvaluateComponents
from hybridret.components.open_run import check_heldout, read_config
from hybridret.config.trust import REMOTE_CODE
from hybridret.config.validate import read_evaluate_settings
from hybridret.encoders.tokenization import Tokenization
from hybridret.runs import RunDirectory


def run_components(path: Path, trust: Sequence[str] = ()) -> EvaluateComponents:
    """What the config of a finished run names for its evaluation. Raises UserError where it cannot be read, starts what
    neither `conf/` nor `trust` names, or where its held-out data changed."""
    run = RunDirectory(path)
    components = EvaluateComponents(read_evaluate_settings(read_config(run, trust)))
    if (result := run.read_result()) is not None:
        check_heldout(components, result, run.path)
    return components


def collection_of(components: EvaluateComponents, dataset: str, path: Path) -> Collection:
    """The test set `dataset`. Raises UserError where the run has no such one."""
    found = components.collections(Quiet())
    for one in found:
        if one.name == dataset:
            return one
    raise UserError(
        f"{path} was not evaluated on {dataset!r} when it was trained, so its config does not say where the texts are. "
        f"It has {', '.join(one.name for one in found) or 'no test set'}; choose one with --dataset."
    )


def tokenization_of(components: EvaluateComponents, path: Path, trust: Sequence[str] = ()) -> Tokenization | None:
    """The tokenizer of a trained run; None for a run without an encoder of its own."""
    run = RunDirectory(path)
    return components.load(run, REMOTE_CODE in trust).tokenization if run.best_checkpoint.is_dir() else None


def read_texts(path: Path, dataset: str, trust: Sequence[str] = ()) -> QuestionTexts:
    """Questions, relevant passages and token counts of `dataset` by the run in `path`. Raises UserError, as above."""
    components = run_components(path, trust)
    return question_texts(collection_of(components, dataset, path), tokenization_of(components, path, trust))


def question_texts(collection: Collection, tokenization: Tokenization | None = None) -> QuestionTexts:
    """The frames of a collection; `question` is the text of its number, as in `queries.parquet`. Tokens are those of
    the bare question, without prefix and special tokens."""
    languages = [collection.languages[number] for number in collection.query_languages.tolist()]
    asked = pd.DataFrame(
        {
            "question": [str(number) for number in collection.questions.tolist()],
            "language": languages,
            "text": list(collection.queries),
            "topic": list(collection.topics) if collection.topics is not None else "",
        }
    )
    if tokenization is not None:
        ids = tokenization.untruncated(list(collection.queries))
        asked["tokens"] = [len(row) for row in ids]
        if (unknown := tokenization.tokenizer.unk_token_id) is not None:
            asked["unknown"] = [row.count(unknown) for row in ids]
    names = asked["question"].tolist()
    rows, passages = collection.relevant_queries.tolist(), collection.relevant_passages.tolist()
    spoken = collection.passage_languages
    answers = pd.DataFrame(
        {
            "question": [names[row] for row in rows],
            "language": [collection.languages[int(spoken[passage])] for passage in passages],
            "text": _chosen(collection.passages, passages),
        }
    ).drop_duplicates(ignore_index=True)
    return QuestionTexts(asked, answers)


def _chosen(texts: Sequence[str], rows: Sequence[int]) -> list[str]:
    known: dict[int, str] = {}
    for row in rows:
        if row not in known:
            known[row] = texts[row]
    return [known[row] for row in rows]
