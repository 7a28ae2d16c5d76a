"""The files that an evaluation writes: our tables, and mteb's files where they are asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hybridret.base.errors import UserError
from hybridret.base.settings import EvaluationSettings
from hybridret.export.mteb_results import model_meta, write_mteb_results
from hybridret.pipelines.scoring import Scores
from hybridret.runs.identity import RunIdentity

if TYPE_CHECKING:
    from hybridret.encoders.dual import DualEncoder


def write_scores(
    folder: Path, scores: Scores, settings: EvaluationSettings, run: RunIdentity, encoder: DualEncoder | None
) -> None:
    """Write `scores` into `folder`; `encoder` (None for BM25) and `run` describe the model to mteb."""
    scores.evaluation.write(folder)
    if not settings.mteb:
        return
    counted = encoder.parameters_counted() if encoder is not None else {}
    text = encoder.tokenization.text if encoder is not None else None
    meta = model_meta(
        f"hybridret/{run.directory.name}",
        run.config_hash,
        languages=sorted({language for one in scores.collections for language in one.languages}),
        parameters=counted.get("total"),
        embedding_parameters=counted["total"] - counted["body"] if counted else None,
        dimension=encoder.dimension if encoder is not None else None,
        max_tokens=text.passage_length if text is not None else None,
        prefixes=bool(text.query_prefix or text.passage_prefix) if text is not None else None,
    )
    revisions = {one.name: one.fingerprint for one in scores.collections if one.fingerprint}
    try:
        write_mteb_results(folder / "mteb", scores.evaluation.metrics, meta, notes=scores.notes, revisions=revisions)
    except UserError as error:  # a failed export must not lose the metrics
        print(f"mteb's files are not written: {error}", file=sys.stderr)
        for one in scores.collections:
            scores.notes.setdefault(one.name, {})["mteb"] = f"not written: {error}"
