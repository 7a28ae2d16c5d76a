"""The content of `result.json`, with the same keys for trained runs, added evaluations and untrained backbones."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from hybridret.base.settings import EvaluateSettings, Settings
from hybridret.data.prepared.mined import MinedSet
from hybridret.data.prepared.source import PreparedSource
from hybridret.pipelines.scoring import Scores
from hybridret.runs.identity import RunIdentity
from hybridret.runs.sums import VERSION

_BESIDE = ("name", "fingerprint", "licence", "summary")


def head(run: RunIdentity, settings: EvaluateSettings) -> dict[str, Any]:
    """The identity of the run."""
    alpha = settings.batching.get("alpha") if isinstance(settings, Settings) else None  # nothing is drawn without it
    return {
        "version": VERSION,
        "run": run.directory.name,
        "sweep": settings.sweep,
        "strategy": run.strategy,
        "alpha": None if alpha is None else float(alpha),
        "seed": settings.seed,
        "backbone": str(settings.backbone.get("name", "custom")),
        "size": settings.model.size,
        "config_hash": run.config_hash,
    }


def data(source: PreparedSource, tokens: dict[str, Any], mined: MinedSet | None = None) -> dict[str, Any]:
    """The training data: name, fingerprint, licence, what the reader counted and dropped, if it counts, its data card
    with the lengths in `tokens` of `training_lengths`, and the hard negatives that were mined for them, if there are
    any; what stands beside the card is not in it again.
    """
    summary = source.summary()
    return {
        "name": source.name,
        "fingerprint": source.fingerprint(),
        "licence": source.licence(),
        **({"summary": summary} if summary is not None else {}),
        "card": {key: value for key, value in source.card().items() if key not in _BESIDE} | {"tokens": tokens},
        **({"mined": mined.record} if mined is not None else {}),
    }


def outcome(scores: Scores, settings: EvaluateSettings, encoder: Any) -> dict[str, Any]:
    """The results, and how they were measured; `encoder` (None for BM25) has the text settings that were used."""
    return {
        "metrics": scores.evaluation.macro(),
        "notes": scores.notes,
        "text": None if encoder is None else asdict(encoder.tokenization.text),
        "eval": settings.eval,
        "evaluation": {**vars(settings.evaluation)},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
