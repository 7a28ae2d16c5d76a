"""What is ranked at each validation of a training, from its config."""

from __future__ import annotations

from hybridret.base.errors import UserError
from hybridret.components.components import Components
from hybridret.data.pair_collection import pair_collection
from hybridret.data.question_sample import sampled_collection
from hybridret.data.source import PairSource
from hybridret.evaluation.probe import RetrievalProbe


def retrieval_probe(components: Components, source: PairSource) -> RetrievalProbe | None:
    """The probe of `training.validate_retrieval` questions, None where that is 0.

    Raises UserError where the data holds out no pair, or the benchmark of the questions is too large.
    """
    settings = components.settings
    questions, benchmark = settings.training.validate_retrieval, settings.training.validation_benchmark
    if not questions:
        return None
    if benchmark is not None:
        return _of_benchmark(components, source, benchmark, questions)
    pairs = source.validation()
    if not len(pairs):
        raise UserError(
            f"training.validate_retrieval={questions}: the training data has no validation part. Hold out a share of "
            "it for validation, or set training.validate_retrieval=0."
        )
    return RetrievalProbe((pair_collection(pairs, questions),), settings.evaluation)


def _of_benchmark(components: Components, source: PairSource, name: str, questions: int) -> RetrievalProbe:
    evaluation = components.settings.evaluation
    collections = components.benchmarks[name].collections(source)
    passages = max((len(one.passages) for one in collections), default=0)
    if passages > evaluation.full_ranks:
        raise UserError(
            f"training.validation_benchmark={name} has {passages:,} passages, which each validation would encode anew, "
            f"and evaluation.full_ranks={evaluation.full_ranks:,}. Choose a smaller benchmark, or raise "
            "evaluation.full_ranks."
        )
    probe = RetrievalProbe(tuple(sampled_collection(one, questions) for one in collections), evaluation)
    if not probe.names:
        raise UserError(
            f"training.validation_benchmark={name}: none of its questions has a relevant passage in one language or "
            "across two. Choose another benchmark."
        )
    return probe
