"""BEIR: retrieval in English over many domains (https://arxiv.org/abs/2104.08663), its 18 sets and MS MARCO.

What is special to a set stands in one table. Commits are those that mteb 2 evaluates; the hub's `mteb/*` copies are
JSON lines of the published archives. cqadupstack is 12 subforums, each with a corpus of its own, whose values are
averaged: they are collections of one group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hybridret.data.beir_layout import CORPUS, QUERIES, read_beir
from hybridret.data.hub import fetch
from hybridret.data.retrieval_set import collection_of
from hybridret.data.source import PairSource
from hybridret.errors import UserError, nearest, refusals
from hybridret.records import Collection

LICENSED = "its texts are licensed and not on the hub: build the folder as github.com/beir-cellar/beir describes"
CQADUPSTACK = "cqadupstack"


@dataclass(frozen=True)
class BeirSet:
    """`repo` and `revision`: its copy on the hub, "" where there is none. `counts`: published passages and queries with
    a judgment of `split`, None where not known."""

    repo: str
    revision: str
    counts: tuple[int, int] | None = None
    split: str = "test"
    identical: bool = False  # queries are passages of the corpus themselves: a passage with the query's id is no hit


SETS = {
    "arguana": BeirSet("mteb/arguana", "c22ab2a51041ffd869aaddef7af8d8215647e41a", (8674, 1406), identical=True),
    "bioasq": BeirSet("", ""),
    "climate-fever": BeirSet("mteb/climate-fever", "47f2ac6acb640fc46020b02a5b59fdda04d39380", (5416593, 1535)),
    "dbpedia-entity": BeirSet("mteb/dbpedia", "c0f706b76e590d620bd6618b3ca8efdd34e2d659", (4635922, 400)),
    "fever": BeirSet("mteb/fever", "bea83ef9e8fb933d90a2f1d5515737465d613e12", (5416568, 6666)),
    "fiqa": BeirSet("mteb/fiqa", "27a168819829fe9bcd655c2df245fb19452e8e06", (57638, 648)),
    "hotpotqa": BeirSet("mteb/hotpotqa", "ab518f4d6fcca38d87c25209f94beba119d02014", (5233329, 7405)),
    "msmarco": BeirSet("mteb/msmarco", "c5a29a104738b98a9e76336939199e264163d4a0", (8841823, 6980), split="dev"),
    "nfcorpus": BeirSet("mteb/nfcorpus", "ec0fa4fe99da2ff19ca1214b7966684033a58814", (3633, 323)),
    "nq": BeirSet("mteb/nq", "b774495ed302d8c44a3a7ea25c90dbce03968f31", (2681468, 3452)),
    "quora": BeirSet("mteb/quora", "e4e08e0b7dbe3c8700f0daef558ff32256715259", (522931, 10000), identical=True),
    "robust04": BeirSet("", ""),
    "scidocs": BeirSet("mteb/scidocs", "f8c2fcf00f625baaa80f62ec5bd9e1fff3b8ae88", (25657, 1000)),
    "scifact": BeirSet("mteb/scifact", "d56462d0e63a25450459c4f213e49ffdb866f7f9", (5183, 300)),
    "signal1m": BeirSet("", ""),
    "trec-covid": BeirSet("mteb/trec-covid", "bb9466bac8153a0349341eb1b22e06409e78ef4e", (171332, 50)),
    "trec-news": BeirSet("", ""),
    "webis-touche2020": BeirSet("mteb/touche2020", "a34f9a33db75fa0cbb21bb5cfc3dae8dc8bec93f", (382545, 49)),
}

SUBFORUMS = {
    "android": BeirSet("mteb/cqadupstack-android", "f46a197baaae43b4f621051089b82a364682dfeb", (22998, 699)),
    "english": BeirSet("mteb/cqadupstack-english", "ad9991cb51e31e31e430383c75ffb2885547b5f0", (40221, 1570)),
    "gaming": BeirSet("mteb/cqadupstack-gaming", "4885aa143210c98657558c04aaf3dc47cfb54340", (45301, 1595)),
    "gis": BeirSet("mteb/cqadupstack-gis", "5003b3064772da1887988e05400cf3806fe491f2", (37637, 885)),
    "mathematica": BeirSet("mteb/cqadupstack-mathematica", "90fceea13679c63fe563ded68f3b6f06e50061de", (16705, 804)),
    "physics": BeirSet("mteb/cqadupstack-physics", "79531abbd1fb92d06c6d6315a0cbbbf5bb247ea4", (38316, 1039)),
    "programmers": BeirSet("mteb/cqadupstack-programmers", "6184bc1440d2dbc7612be22b50686b8826d22b32", (32176, 876)),
    "stats": BeirSet("mteb/cqadupstack-stats", "65ac3a16b8e91f9cee4c9828cc7c335575432a2a", (42269, 652)),
    "tex": BeirSet("mteb/cqadupstack-tex", "46989137a86843e03a6195de44b09deda022eec7", (68184, 2906)),
    "unix": BeirSet("mteb/cqadupstack-unix", "6c6430d3a6d36f8d2a829195bc5dc94d7e063e53", (47382, 1072)),
    "webmasters": BeirSet("mteb/cqadupstack-webmasters", "160c094312a0e1facb97e55eeddb698c0abe3571", (17405, 506)),
    "wordpress": BeirSet("mteb/cqadupstack-wordpress", "4ffe81d471b1924886b33c7567bfb200e9eec5c4", (48605, 541)),
}


class Beir:
    """A collection `beir_NAME` for each set; 12 of them, `beir_cqadupstack_SUBFORUM`, for cqadupstack.

    names: which sets, by BEIR's names (`SETS`, and cqadupstack).
    path: a folder with PATH/NAME/{corpus.jsonl,queries.jsonl,qrels/SPLIT.tsv}, plain or .gz, as BEIR's archives unpack
    (cqadupstack: PATH/cqadupstack/SUBFORUM/...), or that folder itself where one set is asked for; None: the hub.
    split: of the judgments; None: what each set is evaluated on, dev for msmarco and test for the others.
    revision: a branch, tag or commit on the hub for all sets; None: the commits of the table above.
    """

    def __init__(
        self, names: list[str], path: str | None = None, split: str | None = None, revision: str | None = None
    ) -> None:
        known = [*SETS, CQADUPSTACK]
        for name in names:
            if name not in known:
                raise UserError(f"eval.beir.names: BEIR has no set {name!r}. {nearest(name, known)}")
        if not names or len(set(names)) < len(names):
            raise UserError(f"eval.beir.names={names}: name one or more sets, none of them twice: {', '.join(known)}.")
        self._names = names
        self._path = path
        self._split = split
        self._revision = revision

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing or malformed files, and without network; says how to fetch them."""
        return tuple(self._collections())

    def missing(self) -> list[str]:
        return refusals(
            *(
                partial(self._folder, name, facts, below, self._split or facts.split)
                for name, facts, below in self._sets()
            )
        )

    def published(self) -> tuple[int, int] | None:
        sets = [facts for _, facts, _ in self._sets()]
        counts = [facts.counts for facts in sets if facts.counts and self._split in (None, facts.split)]
        if len(counts) < len(sets):
            return None
        return sum(queries for _, queries in counts), sum(passages for passages, _ in counts)

    def _collections(self) -> Iterator[Collection]:
        for name, facts, below in self._sets():
            yield self._collection(name, facts, below)

    def _sets(self) -> Iterator[tuple[str, BeirSet, str]]:
        """Name of the collection, facts, and folder below `path`."""
        for name in self._names:
            if name != CQADUPSTACK:
                yield name, SETS[name], name
                continue
            for subforum, facts in SUBFORUMS.items():
                yield f"{CQADUPSTACK}_{subforum}", facts, f"{CQADUPSTACK}/{subforum}"

    def _collection(self, name: str, facts: BeirSet, below: str) -> Collection:
        split = self._split or facts.split
        data = read_beir(self._folder(name, facts, below, split), split, name, "eval.beir")
        notes = {"split": split, **data.notes()}
        if facts.identical:
            notes["identical ids"] = "a passage with the id of the query is no hit"
        collection = collection_of(
            f"beir_{name}", [data.part("en")], notes, drop_identical=facts.identical, fingerprint=data.fingerprint()
        )
        if below != name:
            collection = replace(collection, group=f"beir_{CQADUPSTACK}")
        if facts.counts is None or split != facts.split:
            return collection
        ours = (len(collection.passage_ids), len(collection.query_ids))
        counted = f"passages {ours[0]} / {facts.counts[0]}, queries {ours[1]} / {facts.counts[1]}"
        return replace(collection, notes={**collection.notes, "counts (ours / published)": counted})

    def _folder(self, name: str, facts: BeirSet, below: str, split: str) -> Path:
        """Where the set lies, with the judgments of `split` if it has none at all."""
        if self._path is None:
            if not facts.repo:
                raise UserError(f"eval.beir: {name}: {LICENSED}, then set eval.beir.path to the folder above it.")
            folder = None
        else:
            folder = Path(self._path).expanduser()
            alone = below.partition("/")[2]  # where one set is asked for, `path` may be its own folder
            if len(self._names) == 1 and not (folder / below).is_dir() and (folder / alone).is_dir():
                below = alone
            folder /= below
            if not facts.repo:
                if not folder.is_dir():
                    raise UserError(f"eval.beir.path: there is no folder {folder}. {name}: {LICENSED}.")
                return folder
        files = [CORPUS, QUERIES]
        if folder is None or not (folder / "qrels").is_dir():
            files.append(f"qrels/{split}.jsonl")
        return fetch(facts.repo, files, self._revision or facts.revision, self._path, "eval.beir", below)
