"""The typed sections of the config. Values are in `conf/`, so nothing here has a default.

What can be swapped (backbone, adapter, batching, data, eval, index, loss, optim) is a plug-in: a yaml with `_target_`
whose other keys are the constructor's arguments. What cannot is one of these sections. Only `hybridret.config` turns a
config into them. What a value may be stands in its annotation, which `base.ranges` checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen

from hybridret.base.range_words import Because, OrInfinite
from hybridret.base.ranges import Count, Natural, NotNegative, Positive, Share

LARGEST_SEED = 2**63 - 1  # numpy takes no negative seeds and torch 64 bits; tables hold 63
Seed = Annotated[int, Ge(0), Le(LARGEST_SEED), Because("Choose another, like seed=1.")]
Setting = Literal["monolingual", "cross-lingual", "multilingual"]
Monitor = Literal[
    "loss", "mono", "cross", "mono_mrr", "cross_mrr", "mono_recall", "cross_recall", "mono_entropy", "cross_entropy"
]  # fmt: skip
_Negatives = Because("The other passages of a batch are its negatives.")


@dataclass(frozen=True)
class ModelSettings:
    """Which size of the backbone family: a key of `backbone.sizes`."""

    size: str


@dataclass(frozen=True)
class TextSettings:
    """How text becomes tokens; stored with every checkpoint. Lengths in tokens, special tokens included."""

    query_prefix: str
    passage_prefix: str
    query_length: Count
    passage_length: Count


@dataclass(frozen=True)
class TrainingSettings:
    """The length of the training and how its batches are divided.

    The batch is sorted by length and encoded in chunks of at most `chunk_size` texts and at most `chunk_tokens` tokens
    with padding, each padded on its own; both null: all at once. `recompute` drops the activations of a chunk and
    computes them again in the backward pass: the memory of one chunk for a third more work. Without it chunks only save
    padding. `recompute_layers` does the same for each layer of the body inside a chunk: the memory of one layer, for
    another third. `compile` compiles each layer with torch.compile. The gradient is the same in all cases. `ema`:
    half-life, in pairs, of the average of the weights that is validated and kept instead of them; training is the same
    with and without. A step of the optimizer takes the mean gradient of `accumulate` batches, each of which is a loss
    of its own: more pairs without more negatives.
    """

    steps: Count
    batch_size: Annotated[int, Ge(2), _Negatives]
    chunk_size: Count | None
    chunk_tokens: Count | None
    recompute: bool
    recompute_layers: bool
    compile: bool
    clip_norm: Annotated[float, Gt(0), OrInfinite(), Because("null turns clipping off.")] | None
    validate_every: Count
    validation_batches: Natural
    patience: Count | None  # validations without improvement before training stops early; null: never
    checkpoint_every: Count
    validate_retrieval: Natural  # questions that are also ranked at each validation; 0: none
    validation_benchmark: str | None  # one of `eval` whose questions these are; null: those of the validation pairs
    monitor: Monitor  # what `best` and early stopping look at: losses and entropies go down, MRR@10 and recall@10 up
    hard_negatives: Natural | None  # of each question in a step, drawn where it has more; null: all that the data give
    mined: str | None  # the set of `python -m hybridret.mine` that gives them; null: the data's own
    accumulate: Annotated[int, Ge(1), Because("1 is one batch for each step of the optimizer.")]
    ema: Annotated[Natural, Because("It is the half-life in pairs of the average of the weights; 0 is none.")]


@dataclass(frozen=True)
class LearningRateSettings:
    """Learning rate over time: linear warm-up over a share of the steps, then `decay` (linear, cosine or constant).

    `embedding_lr` replaces the optimizer's `lr` for input embeddings; null keeps one rate for all.
    """

    warmup: Annotated[Share, Because("It is the share of the steps in which the rate rises.")]
    decay: Literal["linear", "cosine", "constant"]
    embedding_lr: Annotated[NotNegative, Because("null is the optimizer's own rate, optim.lr.")] | None


@dataclass(frozen=True)
class TrainerSettings:
    """Where the training runs. `threads` null: torch's own choice. `strategy`: auto, ddp, or fsdp (FSDP2 over all
    processes). `precision` as Lightning names it: 32-true, bf16-mixed, 16-mixed or 64-true.
    """

    accelerator: str
    devices: Count
    nodes: Count
    strategy: str
    precision: str
    workers: Natural
    threads: Count | None


@dataclass(frozen=True)
class EvaluationSettings:
    """How benchmarks are encoded, searched and scored. `batch_size` in texts; `entropy_temperature` and
    `entropy_sample` as in the definition of contrastive entropy: the same for every run.

    Pools of up to `full_ranks` passages are ranked in full, larger ones searched for the best `depth`. Vectors of
    corpora with `cache_from` passages or more are kept below `cache` (null: nowhere) as `vectors`, float32 or float16.
    """

    batch_size: Count
    settings: Annotated[list[Setting], MinLen(1), Because("Name one or more of them, such as [monolingual].")]
    cutoffs: Annotated[list[Count], MinLen(1), Because("Name one or more ranks, such as [10,100].")]
    entropy_temperature: Positive
    entropy_sample: Count
    precision: Literal["fp32", "bf16", "fp16"]  # of the encoder's forward pass; scores are fp32 always
    full_ranks: Natural
    depth: Count
    cache: str | None
    cache_from: Natural
    vectors: Literal["float32", "float16"]
    trec: bool  # also write judgments and rankings as TREC files
    mteb: bool  # also write the metrics in mteb's layout


@dataclass(frozen=True)
class LoggerSettings:
    """Weights & Biases: mode offline, online or disabled. Files in the run directory are always written."""

    mode: Literal["offline", "online", "disabled"]
    project: str
    entity: str | None
    tags: list[str]


@dataclass(frozen=True)
class PlanSettings:
    """What `python -m hybridret.plan` assumes, and what `run` does with a point that cannot fit. No result depends on
    it.

    `utilisation`: the share of a GPU's dense bf16 peak that training reaches, recomputation not counted.
    `price_per_gpu_hour` in any currency. `reserve`: the share of a GPU's memory that is left free for the allocator's
    gaps. `refuse`: whether `run` ends before a training that cannot fit.
    """

    gpus: list[str]
    price_per_gpu_hour: Annotated[float, Ge(0), OrInfinite()]
    utilisation: Annotated[float, Gt(0), Le(1), Because("It is a share of the GPU's peak.")]
    reserve: Annotated[float, Ge(0), Lt(1), Because("It is a share of the GPU's memory.")]
    refuse: bool


@dataclass(frozen=True)
class LeakSettings:
    """The section `data.leaks`: questions and relevant passages of the benchmarks that stand in the training data.

    `check`: whether `run` looks for them. `allowed`: the largest share of the texts of a benchmark in one language that
    may stand there; above it nothing is trained. `threshold`: the Jaccard index of sets of letters from which on two
    texts are almost equal; `permutations` of MinHash that find them. `near_up_to`: up to this many texts, of benchmarks
    and training data together, they are looked for; equal texts always. null: always, too.
    """

    check: bool
    allowed: Annotated[Share, Because("1 refuses nothing, 0 every leak.")]
    threshold: Annotated[float, Ge(0.5), Le(1), Because("Texts that share less than half are different texts.")]
    permutations: Annotated[int, Ge(16), Le(1024), Because("128 is usual.")]
    near_up_to: Natural | None


@dataclass(frozen=True)
class MiningSettings:
    """Which passages `python -m hybridret.mine` takes for hard negatives.

    `queries`: `same` as the passages, `cross`, or a language. Of the ranking without known answers, the `first`-th to
    `last`-th passage count, counted from 1. A score above that of the positive minus `margin`, or above its share 1 -
    `relative_margin`, is refused; so is what the `judge`, a backbone or a run, finds as close. `negatives` are kept for
    each question: the `best`, or `random` ones.
    """

    queries: str
    first: Count
    last: Count
    negatives: Count
    margin: Annotated[NotNegative, Because("null is no such rule.")] | None
    relative_margin: Annotated[Share, Because("null is no such rule.")] | None
    draw: Literal["best", "random"]
    judge: str | None
    judge_margin: Annotated[NotNegative, Because("null is no such rule.")] | None
    judge_relative_margin: Annotated[Share, Because("null is no such rule.")] | None


@dataclass(frozen=True)
class EvaluateSettings:
    """The config of an evaluation. Plug-ins stay mappings until `components` binds them to their target's signature."""

    seed: Seed
    sweep: str
    output: str
    model: ModelSettings
    text: TextSettings
    trainer: TrainerSettings
    evaluation: EvaluationSettings
    logger: LoggerSettings
    plan: PlanSettings
    backbone: dict[str, Any]
    data: dict[str, Any]
    eval: dict[str, Any]
    index: dict[str, Any]


@dataclass(frozen=True)
class Settings(EvaluateSettings):
    """The config of a run: a training and its evaluation."""

    training: TrainingSettings
    schedule: LearningRateSettings
    adapter: dict[str, Any]
    batching: dict[str, Any]
    loss: dict[str, Any]
    optim: dict[str, Any]
    leaks: LeakSettings  # `data.leaks` of the config: no argument of a source


@dataclass(frozen=True)
class MergeSettings:
    """The config of `python -m hybridret.merge`: run directories `mono` and `cross`, and the share of mono's weights in
    each merged run. `trainer` and `logger` null: those of the mono run. `trust`: what the runs may start."""

    mono: str
    cross: str
    ratios: Annotated[list[Share], MinLen(1), Because("1 is the mono run, 0 the cross run, such as [0.25,0.5,0.75].")]
    trust: list[str]
    trainer: dict[str, Any] | None
    logger: dict[str, Any] | None
