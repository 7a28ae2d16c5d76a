"""All answers, found as the modules of this folder that hold an `ANSWER`, in the order of the page."""

from __future__ import annotations

from collections.abc import Sequence

from hybridret.base.discovery import discovered
from hybridret.reporting import answers
from hybridret.reporting.answers.answer import Answer, Findings
from hybridret.reporting.evidence import Evidence


def known_answers() -> tuple[Answer, ...]:
    """Every answer. Raises ValueError where two have one name."""
    return tuple(sorted(discovered(answers, "ANSWER", Answer), key=lambda one: (one.position, one.name)))


def find_answers(evidence: Evidence, names: Sequence[str] = ()) -> dict[Answer, Findings]:
    """What all answers (or those of `names`) find; those that have nothing to ask are left out."""
    asked = [one for one in known_answers() if not names or one.name in names]
    return {answer: found for answer in asked if (found := answer.find(evidence)) is not None}
