"""How often FSDP2 talks: one rule, so that it can be held against a count."""

from __future__ import annotations


def collectives(groups: int, trained_groups: int, chunks: int, recompute: bool) -> tuple[int, int]:
    """All-gathers and reduce-scatters of a step of `chunks` chunks, of one parameter group each; the last of `groups`
    holds what is in no layer.

    Each chunk gathers every layer for the forward pass and once more for the backward pass: where the chunk is computed
    again it is that computation that gathers, and its layers stay gathered until their gradient is there (torch does
    not reshard in `post_forward` while a backward pass runs). Layers that are computed again gather nothing. The root
    group stays gathered from its first use to the end of a backward pass, of which recomputed chunks have one each.
    Gradients are synchronised with the last chunk only; groups with no weight that is trained have none.
    """
    return 2 * (groups - 1) * chunks + (chunks if recompute else 1), trained_groups
