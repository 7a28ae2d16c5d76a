"""The data card, with every number counted: `python -m hybridret.data.cldr.card > docs/data_card_cldr.md`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version

from hybridret.base.languages import language_name, script_of
from hybridret.base.markup import markdown_table
from hybridret.data.cldr.described import Described
from hybridret.data.cldr.fact_split import MENTIONS, Part
from hybridret.data.cldr.facts import REFERENCE
from hybridret.data.cldr.names import name_of
from hybridret.data.cldr.source import CldrCorpus
from hybridret.data.cldr.things import KINDS, Thing

EXAMPLES = ("T:JP:currency", "G:sw:word.sunday", "S:Geor:place")


def card(corpus: CldrCorpus) -> str:
    """The whole card as Markdown."""
    return "\n".join(
        [
            _INTRODUCTION.format(
                facts=len(corpus.facts),
                relations=len({one.fact.relation for one in corpus.facts}),
                languages=len(corpus.languages),
                scripts=len({script_of(language) for language in corpus.languages}),
                passages=len(corpus.facts) * len(corpus.languages),
                babel=version("babel"),
                reference="-".join(f"{number:02}" for number in REFERENCE),
                fingerprint=corpus.fingerprint(),
            ),
            "## Examples\n",
            preview(corpus, EXAMPLES),
            "## Languages\n",
            _languages(corpus),
            "## Relations and split\n",
            _SPLIT.format(mentions=MENTIONS),
            _relations(corpus),
            _entities(corpus),
            "## Known artefacts\n",
            _artefacts(corpus),
            "## Licence\n",
            corpus.licence() + "\n",
        ]
    )


def preview(corpus: CldrCorpus, ids: Iterable[str]) -> str:
    """A Markdown table of the texts of some facts (those of `ids` that the corpus has), a row per language."""
    known = {one.fact.id: one for one in corpus.facts}
    rows = [
        [f"`{one.fact.id}`", language, *one.texts[language].questions, one.texts[language].passage]
        for one in (known[name] for name in ids if name in known)
        for language in corpus.languages
    ]
    return _table(["fact", "language", "question 1", "question 2", "passage"], rows)


def _languages(corpus: CldrCorpus) -> str:
    rows = []
    for language in corpus.languages:
        texts = [one.texts[language] for one in corpus.facts]
        question = sum(len(text.questions[0]) + len(text.questions[1]) for text in texts) / (2 * len(texts))
        passage = sum(len(text.passage) for text in texts) / len(texts)
        same = sum(_same_name(one.fact.entity, language) for one in corpus.facts) / len(texts)
        rows.append(
            [language, language_name(language), script_of(language), f"{question:.0f}", f"{passage:.0f}", f"{same:.0%}"]
        )
    return _table(
        ["code", "language", "script", "characters per question", "per passage", "entity as in English"], rows
    )


def _same_name(entity: Thing, language: str) -> bool:
    return (name_of(entity, language) or "").casefold() == (name_of(entity, "en") or "").casefold()


def _relations(corpus: CldrCorpus) -> str:
    count = Counter((one.fact.relation, part) for one, part in zip(corpus.facts, corpus.parts, strict=True))
    rows = []
    for relation in sorted({relation for relation, _ in count}):
        chosen = [one for one in corpus.facts if one.fact.relation == relation]
        values = len({one.fact.slots["v"] for one in chosen})
        rows.append([f"`{relation}`", len(chosen), values, *(count[relation, part] for part in Part)])
    totals = [sum(part is where for where in corpus.parts) for part in Part]
    rows.append(["all", len(corpus.facts), "", *totals])
    return _table(["relation", "facts", "distinct values", *Part], rows)


def _entities(corpus: CldrCorpus) -> str:
    rows = []
    for kind, what in KINDS.items():
        entities = {one.fact.entity for one in corpus.facts if one.fact.entity.kind == kind}
        parts = zip(corpus.facts, corpus.parts, strict=True)
        unseen = {one.fact.entity for one, part in parts if part is Part.UNSEEN and one.fact.entity.kind == kind}
        if entities:
            rows.append([f"`{kind}`", what, len(entities), len(unseen)])
    return _table(["kind", "entity", "entities", "of them unseen"], rows)


def _artefacts(corpus: CldrCorpus) -> str:
    tested = [one for one, part in zip(corpus.facts, corpus.parts, strict=True) if part is Part.TEST]
    trained = {_link(one) for one, part in zip(corpus.facts, corpus.parts, strict=True) if part is Part.TRAINING}
    inverse = sum(_link(one)[::-1] in trained for one in tested)
    literal = sum(not isinstance(one.fact.slots["v"], Thing) for one in corpus.facts)
    return _ARTEFACTS.format(inverse=inverse, tested=len(tested), literal=literal, facts=len(corpus.facts))


def _link(one: Described) -> tuple[Thing | str, Thing | str]:
    return one.fact.entity, one.fact.slots["v"]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return f"{markdown_table(head, rows)}\n"


_INTRODUCTION = """\
# Data card: the built-in CLDR corpus

Written by `python -m hybridret.data.cldr.card > docs/data_card_cldr.md`; do not edit by hand.

**What it is.** Parallel questions and passages in {languages} languages and {scripts} scripts, generated on the
spot, without a download, from the names and facts of Unicode CLDR (package `babel` {babel}) and hand-written
sentence templates: {facts} facts of {relations} relations, each with two wordings of its question and one passage
per language; {passages} passages in all. Fingerprint with default arguments: `{fingerprint}`.

**What it is for.** Seeing how mono, cross and hybrid batches behave, in minutes and offline. It is a
**name-alignment task, not general question answering**: a model has to learn which names and phrasings mean the
same in different languages. Numbers measured here say nothing about absolute quality on real text; compare
strategies with each other.

**What it is not.** The templates were not checked by native speakers. CLDR gives names in their citation form only,
so the sentences put names where that form is right, which sounds stiff in places ("le pays appelé Japon"), and
"country" is also said of territories that are none. Facts are CLDR's, as of {reference}, right or wrong.
"""

_SPLIT = """\
Relations are prefixed by the kind of the entity that they ask about. The split is drawn by hashing `seed` and the
id of each fact, so that it depends on no random generator and not on the languages chosen.

- `unseen` (test set `cldr_unseen`): entities that training never mentions, neither as what is asked about nor as an
  answer. Only entities that are the answer of at most {mentions} facts are drawn. `background` facts mention an
  unseen entity although they ask about another one: they are in no training or test set, only in the pool.
- `test` (test set `cldr`) and `validation`: unseen combinations. Training asks about the same entity with other
  attributes and about the same attribute with other entities, never about this combination, and never shows its
  passage.
- `training`: the rest; both wordings are trained on. Each word of `G:word` counts as an attribute of its own.

The pool of both test sets is the passages of ALL facts in all chosen languages, training facts included, so every
query has as many relevant passages as there are languages. Test sets ask one wording per fact, drawn by the seed. A
fact that shares a question or a passage with another fact in any language was dropped, as was every fact that is
not fully named in all languages. Many facts share a value (the euro); their passages still differ, because they
name the entity.
"""

_ARTEFACTS = """\
- **Names that languages share.** Latin-script languages write many names alike (column "entity as in English"), and
  codes, years and foreign words are the same string in all languages: the value of {literal} of {facts} facts.
  Questions never contain such a value.
- **Inverse facts.** For {inverse} of the {tested} `test` facts, training holds the inverse (who issues the yen /
  what Japan pays with). The combination is unseen, the link between the two names is not.
- **Speaking names.** Some names contain others (Swiss Franc, Japan Time), so an "unseen" entity may be partly known
  by its name.
- **Templates repeat.** A relation always has the same three sentences per language; lexical matching inside a
  language is easy, and monolingual scores are high for every strategy.
- **Odd facts of CLDR.** Language shares count everyone who can use a language, also as a foreign one (the most
  widespread language of Ethiopia is English here); a language has one script and one home even where real life has
  several; English has its home in the United States. `Z:language` is about the country in which a place lies, not
  about the place.
- **Gaps.** Names missing from one language's CLDR data remove the fact from all languages: less known scripts, old
  currencies.
"""

if __name__ == "__main__":
    sys.stdout.write(card(CldrCorpus()))
