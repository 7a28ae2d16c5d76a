"""How often FSDP2 talks: one rule, so that it can be held against a count."""

from __future__ import annotations


def collectives(groups: int, trained_groups: int, chunks: int) -> tuple[int, int]:
    """All-gathers and reduce-scatters of a step of `chunks` chunks, of one parameter group each.

    Each chunk gathers every group for the forward pass and once more for the backward pass: where the chunk is computed
    again it is that computation that gathers, and its groups stay gathered until their gradient is there (torch does
    not reshard in `post_forward` while a backward pass runs). Layers that are computed again gather nothing. Gradients
    are synchronised with the last chunk only; groups with no weight that is trained have none.
    """
    return 2 * groups * chunks, trained_groups
