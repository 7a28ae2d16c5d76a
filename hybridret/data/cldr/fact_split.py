"""The split of the facts into parts, among them the `unseen` facts.

- `unseen`: all facts about entities that no training text mentions, neither as the subject nor as an answer.
- `background`: facts about other entities that mention an unseen entity, and those that `data.training_share` leaves
  out. They are used neither in training nor as test questions; their passages are distractors in the pool.
- `test`, `validation`: unseen combinations. Training asks about the entity with other attributes, and about the
  attribute with other entities, but not about this combination, so its passage is not in the training data.
- `training`: the rest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from enum import StrEnum

from hybridret.data.cldr.facts import Fact
from hybridret.data.cldr.things import Thing, uniform

MENTIONS = 3  # an entity that is the answer of more facts is not held out: too many facts would become background


class Part(StrEnum):
    """The part of the split that a fact belongs to."""

    TRAINING = "training"
    VALIDATION = "validation"
    TEST = "test"
    UNSEEN = "unseen"
    BACKGROUND = "background"


def split(
    facts: Sequence[Fact], seed: int, validation_share: float, test_share: float, unseen_share: float
) -> list[Part]:
    """The part of each fact.

    `validation_share` and `test_share` are shares of the facts about seen entities, `unseen_share` is the share of the
    entities of each kind. An entity with one fact keeps it for training.
    """
    unseen = _unseen_entities(facts, seed, unseen_share)
    parts = [Part.TRAINING] * len(facts)
    by_entity: dict[Thing, list[int]] = defaultdict(list)
    for index, fact in enumerate(facts):
        if fact.entity in unseen:
            parts[index] = Part.UNSEEN
        elif fact.mentions & unseen:
            parts[index] = Part.BACKGROUND
        else:
            by_entity[fact.entity].append(index)
    for indices in by_entity.values():
        # The first fact is never held out; so the others are drawn more often, to give the requested shares.
        _first, *others = sorted(indices, key=lambda index: uniform(seed, "order", facts[index].id))
        for index in others:
            draw = uniform(seed, "part", facts[index].id) * len(others) / len(indices)
            if draw < test_share:
                parts[index] = Part.TEST
            elif draw < test_share + validation_share:
                parts[index] = Part.VALIDATION
    return parts


def _unseen_entities(facts: Sequence[Fact], seed: int, share: float) -> frozenset[Thing]:
    mentioned = Counter(thing for fact in facts for thing in fact.mentions)
    by_kind: dict[str, set[Thing]] = defaultdict(set)
    for fact in facts:
        by_kind[fact.entity.kind].add(fact.entity)
    chosen: set[Thing] = set()
    for entities in by_kind.values():
        eligible = [entity for entity in entities if mentioned[entity] <= MENTIONS]
        eligible.sort(key=lambda entity: (uniform(seed, "unseen", str(entity)), str(entity)))
        chosen.update(eligible[: round(share * len(entities))])
    return frozenset(chosen)
