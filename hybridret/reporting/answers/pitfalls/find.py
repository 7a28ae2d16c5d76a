"""Which questions are found in their own language and lost in another one, and what these have in common."""

from __future__ import annotations

import pandas as pd

from hybridret.analysis.pitfalls.examples import examples, with_position, with_texts
from hybridret.analysis.pitfalls.groups import language_groups, text_groups
from hybridret.analysis.pitfalls.lost import LostQuestions, lost_by_pair, lost_questions
from hybridret.analysis.pitfalls.lost_share import lost_share, share_difference
from hybridret.analysis.pitfalls.over_representation import over_representation, over_representation_by_pair
from hybridret.analysis.pitfalls.texts import QuestionTexts
from hybridret.analysis.pitfalls.transfer import transfer
from hybridret.analysis.question_values import QuestionValues
from hybridret.base.errors import UserError
from hybridret.reporting.answers.answer import Answer, Finding, Findings
from hybridret.reporting.answers.pitfalls import tables as t
from hybridret.reporting.answers.pitfalls.sentences import (
    LEVEL,
    gain_sentence,
    group_sentences,
    loss_sentence,
    transfer_sentence,
)
from hybridret.reporting.evidence import Evidence

METRICS = ("mrr", "recall", "success")  # the first that both settings have; MRR tells where a passage stands
COMPARED = 10  # configurations whose lost questions are compared with each other: all pairs of more take minutes
EXAMPLES = 25  # of each configuration and kind


def find(evidence: Evidence) -> Findings | None:
    """Findings on every dataset with values of both settings; None where there is none."""
    parts = [part for dataset in evidence.datasets if (part := _of_dataset(evidence, dataset)) is not None]
    if not parts:
        return None
    names = {name for part in parts for name in part.frames}
    return Findings(
        sentences=[one for part in parts for one in part.sentences],
        tables=[one for part in parts for one in part.tables],
        frames={
            name: pd.concat([part.frames[name] for part in parts if name in part.frames], ignore_index=True)
            for name in sorted(names)
        },
        remarks=[one for part in parts for one in part.remarks],
    )


def _measured(evidence: Evidence, dataset: str) -> tuple[QuestionValues, QuestionValues] | None:
    """Monolingual and cross-lingual values of one metric."""
    known = dict(evidence.measures(dataset))
    values = evidence.values(dataset)
    for metric in METRICS:
        if metric in known:
            own, other = (values.get((one, metric, known[metric])) for one in ("monolingual", "cross-lingual"))
            if own is not None and other is not None:
                return own, other
    return None


def _of_dataset(evidence: Evidence, dataset: str) -> Findings | None:
    measured = _measured(evidence, dataset)
    if measured is None or not set(measured[0].runs) & set(measured[1].runs):
        return None
    lost = lost_questions(*measured)
    first = next(iter(lost.values()))
    if not first.questions or not first.pairs:
        return None
    seed = evidence.seed
    shares = {name: lost_share(one, evidence.resamples, seed) for name, one in lost.items()}
    able = [name for name in lost if shares[name].found]
    if not able:
        text = f"{dataset}: no configuration finds any question in its own language, so none can be lost."
        return Findings(sentences=[Finding(text=text, decided=False, runs=len(measured[0].runs))])
    trained = set(evidence.runs.loc[evidence.runs["trained"].astype(bool), "configuration"])
    shown = sorted([name for name in able if name in trained] or able, key=lambda name: -shares[name].share)
    difference = None
    if len(shown) > 1:
        difference = share_difference(lost[shown[0]], lost[shown[-1]], evidence.resamples, seed, len(shown))
    texts, remarks = _texts(evidence, dataset, first)
    groups = language_groups(len(first.questions), first.pairs)
    if texts is not None:
        groups += text_groups(first.questions, first.pairs, texts.questions, texts.passages)
    tested = over_representation(lost, groups, evidence.permutations, seed)
    single = over_representation_by_pair(lost, groups)
    clear = single[single["p_corrected"] <= LEVEL] if len(single) else single
    compared = {name: lost[name] for name in [*shown, *(one for one in able if one not in shown)][:COMPARED]}
    compared |= {shown[-1]: lost[shown[-1]]}
    if len(compared) < len(able):
        remarks.append(
            f"{dataset}: of {len(able)} configurations, the {len(compared)} that lose most, and least, are compared "
            f"with each other."
        )
    moved = transfer(compared, evidence.permutations, evidence.resamples, seed)
    found = examples(lost, EXAMPLES)
    if measured[0].metric == "mrr" and len(found):
        found = with_position(found, *measured)
    if texts is not None:
        found = with_texts(found, texts.questions, texts.passages)
        remarks.append(
            f"{dataset}: in single language pairs, {len(clear):,} of {len(single):,} tests of groups hold after "
            f"correction{'; pitfalls_groups_by_pair.csv has them' if len(clear) else ''}."
        )
    pairs = pd.concat([lost_by_pair(one).assign(configuration=name) for name, one in lost.items()], ignore_index=True)
    sentences = [
        loss_sentence(dataset, measured[0].cutoff, lost, shares, shown, difference),
        gain_sentence(dataset, lost, shown),
        *group_sentences(dataset, tested, lost),
        transfer_sentence(dataset, moved, shown, lost) if len(shown) > 1 else None,
    ]
    tables = [
        t.pairs_table(dataset, pairs),
        t.groups_table(dataset, tested),
        t.transfer_table(dataset, moved) if len(moved) else None,
        t.examples_table(dataset, found) if len(found) else None,
    ]
    frames = {"pairs": pairs, "groups": tested, "groups_by_pair": clear, "transfer": moved, "examples": found}
    return Findings(
        sentences=[one for one in sentences if one is not None],
        tables=[one for one in tables if one is not None],
        frames={
            f"pitfalls_{name}": frame.assign(dataset=dataset)[["dataset", *frame.columns]]
            for name, frame in frames.items()
            if len(frame)
        },
        remarks=remarks,
    )


def _texts(evidence: Evidence, dataset: str, lost: LostQuestions) -> tuple[QuestionTexts | None, list[str]]:
    """The texts, if they are asked for and are those of the questions; and a remark where they are not there."""
    if evidence.texts is None:
        return None, [
            f"{dataset}: without the texts of the questions only scripts and families are compared; "
            f"{evidence.way_to_texts}."
        ]
    try:
        texts = evidence.texts(dataset)
    except UserError as error:
        return None, [f"{dataset}: its texts are not known. {error}"]
    known = set(texts.questions["question"])
    if missing := [one for one in lost.questions if one not in known]:
        return None, [
            f"{dataset}: its texts are left out, as they lack {len(missing)} of {len(lost.questions)} questions (such "
            f"as {missing[0]}): the test set changed."
        ]
    return texts, []


ANSWER = Answer(
    name="pitfalls",
    position=40,
    title="Questions lost across languages",
    about=(
        "A question is lost where a relevant passage is among the first k in its own language and none is in another "
        "one, in most seeds. Which questions are these, and do several configurations lose the same?"
    ),
    needs="values of single questions within and across languages",
    find=find,
)
