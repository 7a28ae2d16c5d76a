"""An encoder of ours run by mteb gets the numbers that we get."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hybridret.base.errors import UserError
from hybridret.base.progress import Quiet
from hybridret.base.records import Collection
from hybridret.base.settings import EvaluationSettings, TextSettings
from hybridret.data.benchmarks.xquad_r import XquadR
from hybridret.encoders.dual import DualEncoder
from hybridret.encoders.scratch import Scratch
from hybridret.evaluation.evaluate import evaluate
from hybridret.export.mteb_model import MtebModel
from hybridret.export.mteb_results import model_meta, write_mteb_results
from hybridret.retrieval.dense import Dense
from hybridret.retrieval.encode import encode_texts

pytestmark = pytest.mark.slow

TEXT = TextSettings(query_prefix="Frage: ", passage_prefix="Satz: ", query_length=24, passage_length=48)


@dataclass(frozen=True)
class Texts:
    lines: tuple[str, ...]

    def texts(self) -> Iterator[str]:
        return iter(self.lines)

    def fingerprint(self) -> str:
        return str(len(self.lines))


def small_encoder(lines: tuple[str, ...]) -> DualEncoder:
    """Random weights: a noisy bag of tokens, which finds sentences that share words with the question."""
    sizes = {"bag": {"width": 128, "layers": 1, "heads": 2}}
    return Scratch(sizes, vocabulary_size=4000, max_positions=48).encoder("bag", TEXT, Texts(lines), 0)


@pytest.fixture
def model(mteb: Any) -> MtebModel:
    return MtebModel(small_encoder(("Wo liegt Rom?", "Rom liegt in Italien.")), "me/toy", "1", languages=["de"])


def test_queries_and_passages_are_read_with_their_own_rules(mteb: Any, model: MtebModel) -> None:
    from mteb.types import PromptType

    texts = ["Rom liegt in Italien", "Wo " * 40, "Rom"]
    batches = [{"text": texts[:2], "title": ["", ""]}, {"text": texts[2:]}]
    task = mteb.get_task("SciFact").metadata
    for prompt, kind in ((PromptType.query, "query"), (PromptType.document, "passage"), (None, "passage")):
        got = model.encode(batches, task_metadata=task, hf_split="test", hf_subset="default", prompt_type=prompt)
        np.testing.assert_array_equal(got.numpy(), encode_texts(model._encoder, texts, kind, 64, Quiet()))
    assert not torch.equal(
        got, model.encode(batches, task_metadata=task, hf_split="", hf_subset="", prompt_type="query")
    )
    with pytest.raises(UserError, match="SciFact is not about text"):
        model.encode([{"image": []}], task_metadata=task, hf_split="", hf_subset="")
    with pytest.raises(UserError, match="precision=int8"):
        model.encode(batches, task_metadata=task, hf_split="", hf_subset="", precision="int8")


def test_it_is_an_encoder_of_mteb(mteb: Any, model: MtebModel) -> None:
    from mteb.models import EncoderProtocol

    assert isinstance(model, EncoderProtocol)
    meta = model.mteb_model_meta
    assert (meta.name, meta.revision, meta.embed_dim, meta.max_tokens) == ("me/toy", "1", 128, 48)
    assert meta.n_parameters == sum(one.numel() for one in model._encoder.parameters())
    assert meta.languages == ["deu-Latn"]
    assert meta.use_instructions


def test_similarities_are_cosines(model: MtebModel) -> None:
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((3, 5)), rng.standard_normal((4, 5))
    expected = (left / np.linalg.norm(left, axis=1)[:, None]) @ (right / np.linalg.norm(right, axis=1)[:, None]).T
    np.testing.assert_allclose(model.similarity(left, torch.from_numpy(right)).numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(model.similarity(left[0], right).numpy(), expected[:1], atol=1e-6)
    pairwise = model.similarity_pairwise(left, right[:3])
    np.testing.assert_allclose(pairwise.numpy(), np.diag(expected[:, :3]), atol=1e-6)


@pytest.mark.parametrize("name", ["toy", "a/b/c"])
def test_a_name_that_mteb_does_not_take(mteb: Any, name: str) -> None:
    with pytest.raises(UserError, match="ORGANISATION/MODEL"):
        MtebModel(small_encoder(("Rom",)), name, "1")


def test_without_mteb_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mteb", None)
    monkeypatch.setitem(sys.modules, "mteb.models", None)
    with pytest.raises(UserError, match=r"pip install 'hybridret\[mteb\]'"):
        MtebModel(small_encoder(("Rom",)), "me/toy", "1")


def local_task(mteb: Any, collection: Collection) -> Any:
    """A task of mteb on a collection of one language, offline."""
    from datasets import Dataset
    from mteb.abstasks import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    class Local(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="LocalXquadR",
            description="sentences of XQuAD-R",
            dataset={"path": "local/xquad-r", "revision": "1"},
            type="Retrieval",
            eval_splits=["test"],
            eval_langs=["deu-Latn"],
            main_score="ndcg_at_10",
        )

    relevant: dict[str, dict[str, int]] = {identifier: {} for identifier in collection.query_ids}
    for query, passage, grade in zip(
        collection.relevant_queries.tolist(),
        collection.relevant_passages.tolist(),
        collection.grades.tolist(),
        strict=True,
    ):
        relevant[collection.query_ids[query]][collection.passage_ids[passage]] = grade
    task = Local()
    task.dataset = {
        "default": {
            "test": {
                "queries": Dataset.from_dict({"id": list(collection.query_ids), "text": list(collection.queries)}),
                "corpus": Dataset.from_dict({"id": list(collection.passage_ids), "text": list(collection.passages)}),
                "relevant_docs": relevant,
                "top_ranked": None,
            }
        }
    }
    task.data_loaded = True
    return task


def test_mteb_measures_what_we_measure(mteb: Any, real_data: Path, tmp_path: Path) -> None:
    from mteb.results import TaskResult

    whole = XquadR(str(real_data / "eval" / "xquad-r"), ["de"]).collections(None)[0]
    collection = replace(whole, contexts=None)  # mteb knows no context of a passage
    encoder = small_encoder((*collection.passages, *collection.queries))
    results = mteb.evaluate(
        MtebModel(encoder, "me/toy", "1"), local_task(mteb, collection), cache=None, show_progress_bar=False
    )
    (theirs,) = results.task_results[0].scores["test"]
    settings = EvaluationSettings(
        batch_size=64, settings=["monolingual"], cutoffs=[1, 10, 100], entropy_temperature=0.05, entropy_sample=8,
        precision="fp32", full_ranks=200_000, depth=1000, cache=None, cache_from=50_000, vectors="float32", trec=False,
        mteb=False,
    )  # fmt: skip
    ours = evaluate(Dense(encoder, 64), collection, settings, 0, Quiet())
    (path,) = write_mteb_results(tmp_path, ours.metrics, model_meta("me/toy", "1"))
    (mine,) = TaskResult.from_disk(path).scores["test"]
    measures = [f"{name}_at_{k}" for name in ("ndcg", "mrr", "recall", "hit_rate") for k in (1, 10, 100)]
    assert {name: mine[name] for name in measures} == pytest.approx({name: theirs[name] for name in measures}, abs=1e-5)
    assert mine["main_score"] == pytest.approx(theirs["main_score"], abs=1e-5)
    assert 0.05 < mine["main_score"] < 0.5  # neither all nor nothing is found
