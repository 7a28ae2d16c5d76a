"""What an evaluation leaves in its folder: our tables, and mteb's files where they are asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hybridret.base.errors import UserError
from hybridret.base.settings import EvaluationSettings
from hybridret.export.mteb_results import model_meta, write_mteb_results
from hybridret.pipelines.scoring import Scores


def write_scores(
    folder: Path, scores: Scores, settings: EvaluationSettings, name: str, revision: str, encoder: Any
) -> None:
    """Write `scores` into `folder`; `encoder` (None for BM25), `name` and `revision` describe the model to mteb."""
    scores.evaluation.write(folder)
    if not settings.mteb:
        return
    counted = encoder.parameters_counted() if encoder is not None else {}
    text = getattr(getattr(encoder, "tokenization", None), "text", None)
    meta = model_meta(
        f"hybridret/{name}",
        revision,
        languages=sorted({language for one in scores.collections for language in one.languages}),
        parameters=counted.get("total"),
        embedding_parameters=counted["total"] - counted["body"] if counted else None,
        dimension=getattr(encoder, "dimension", None),
        max_tokens=getattr(text, "passage_length", None),
        prefixes=bool(text.query_prefix or text.passage_prefix) if text is not None else None,
    )
    revisions = {one.name: one.fingerprint for one in scores.collections if one.fingerprint}
    try:
        write_mteb_results(folder / "mteb", scores.evaluation.metrics, meta, notes=scores.notes, revisions=revisions)
    except UserError as error:  # an export never costs an evaluation its metrics
        print(f"mteb's files are not written: {error}", file=sys.stderr)
        for one in scores.collections:
            scores.notes.setdefault(one.name, {})["mteb"] = f"not written: {error}"
