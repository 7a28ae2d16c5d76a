"""Which runs have no values of single questions, and why: the same words wherever answers are shown."""

from __future__ import annotations

from itertools import islice

from hybridret.reporting.evidence import Evidence

NAMED = 5  # runs by name; of a folder with hundreds the rest is counted


def left_out_remarks(evidence: Evidence) -> list[str]:
    """One remark for each of the first runs, and one that counts the others; none before values are read."""
    left = evidence.left_out
    remarks = [f"{run}: its questions are not compared. {why}" for run, why in islice(left.items(), NAMED)]
    if more := len(left) - len(remarks):
        remarks.append(f"So it is with {more:,} more {'run' if more == 1 else 'runs'} of {len(evidence.runs):,}.")
    return remarks
