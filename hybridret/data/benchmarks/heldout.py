"""The test part of the training data itself: articles or facts that training never saw."""

from __future__ import annotations

from dataclasses import replace

from hybridret.base.errors import UserError
from hybridret.base.records import Collection
from hybridret.data.benchmarks.published import is_published
from hybridret.data.source import PairSource


class Heldout:
    """All test collections of the pair source; a collection with the name of a published set becomes heldout_NAME."""

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError when there is no source, or it has no held-out part."""
        if source is None:
            raise UserError("eval=heldout tests on the held-out part of the training data, so it needs data=...")
        found = source.test()
        if not found:
            raise UserError(
                f"eval=heldout: the training data {source.name} has no test part. Name test sets, such as "
                f"eval=[xquad_r] or eval=[folder]. Sources that are split themselves, such as data=jsonl, have one "
                f"where data.test_share is above 0."
            )
        return tuple(replace(one, name=f"heldout_{one.name}") if is_published(one.name) else one for one in found)

    def missing(self) -> list[str]:
        return []  # its files are those of the training data

    def published(self) -> tuple[int, int] | None:
        return None
