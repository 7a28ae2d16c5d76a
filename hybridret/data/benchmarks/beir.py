"""BEIR: retrieval in English over many domains (https://arxiv.org/abs/2104.08663), its 18 sets and MS MARCO.

The properties of each set are in one table. Commits are those that mteb 2 evaluates; the hub's `mteb/*` copies are JSON
lines of the published archives. cqadupstack consists of 12 subforums, each with a corpus of its own, whose values are
averaged: they are collections of one group.

Counts are those of table 1 of the paper (the table of github.com/beir-cellar/beir has them rounded). Those of msmarco
and of the subforums are mteb's; the latter add up to the paper's 13,145 queries and 457,199 passages. The files are
compared with these counts: the corpus for every split, the queries for the split that a set is evaluated on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from hybridret.base.errors import UserError, nearest, refusals
from hybridret.base.records import Collection
from hybridret.data.beir_layout import CORPUS, QUERIES, read_beir
from hybridret.data.beir_location import elsewhere, location_of
from hybridret.data.benchmarks.published import OTHER, Compared, checked_name
from hybridret.data.hub import fetch, find
from hybridret.data.retrieval_set import collection_of
from hybridret.data.source import PairSource

LICENSED = "its texts are licensed and not on the hub: build the folder as github.com/beir-cellar/beir describes"
CQADUPSTACK = "cqadupstack"
KEY = "eval.beir"


@dataclass(frozen=True)
class BeirSet:
    """`repo` and `revision`: the copy of the set on the hub, "" if there is no copy. `counts`: published passages, and
    queries with a judgment of `split`."""

    repo: str
    revision: str
    counts: tuple[int, int]
    split: str = "test"
    identical: bool = False  # queries are also passages of the corpus: a passage with the query's id is no hit


SETS = {
    "arguana": BeirSet("mteb/arguana", "c22ab2a51041ffd869aaddef7af8d8215647e41a", (8674, 1406), identical=True),
    "bioasq": BeirSet("", "", (14914602, 500)),
    "climate-fever": BeirSet("mteb/climate-fever", "47f2ac6acb640fc46020b02a5b59fdda04d39380", (5416593, 1535)),
    "dbpedia-entity": BeirSet("mteb/dbpedia", "c0f706b76e590d620bd6618b3ca8efdd34e2d659", (4635922, 400)),
    "fever": BeirSet("mteb/fever", "bea83ef9e8fb933d90a2f1d5515737465d613e12", (5416568, 6666)),
    "fiqa": BeirSet("mteb/fiqa", "27a168819829fe9bcd655c2df245fb19452e8e06", (57638, 648)),
    "hotpotqa": BeirSet("mteb/hotpotqa", "ab518f4d6fcca38d87c25209f94beba119d02014", (5233329, 7405)),
    "msmarco": BeirSet("mteb/msmarco", "c5a29a104738b98a9e76336939199e264163d4a0", (8841823, 6980), split="dev"),
    "nfcorpus": BeirSet("mteb/nfcorpus", "ec0fa4fe99da2ff19ca1214b7966684033a58814", (3633, 323)),
    "nq": BeirSet("mteb/nq", "b774495ed302d8c44a3a7ea25c90dbce03968f31", (2681468, 3452)),
    "quora": BeirSet("mteb/quora", "e4e08e0b7dbe3c8700f0daef558ff32256715259", (522931, 10000), identical=True),
    "robust04": BeirSet("", "", (528155, 249)),
    "scidocs": BeirSet("mteb/scidocs", "f8c2fcf00f625baaa80f62ec5bd9e1fff3b8ae88", (25657, 1000)),
    "scifact": BeirSet("mteb/scifact", "d56462d0e63a25450459c4f213e49ffdb866f7f9", (5183, 300)),
    "signal1m": BeirSet("", "", (2866316, 97)),
    "trec-covid": BeirSet("mteb/trec-covid", "bb9466bac8153a0349341eb1b22e06409e78ef4e", (171332, 50)),
    "trec-news": BeirSet("", "", (594977, 57)),
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
    """A collection `beir_NAME` for each set; for cqadupstack 12 collections, `beir_cqadupstack_SUBFORUM`. If `split` is
    not the one that a set is evaluated on, the name contains it, as in `beir_NAME_train`.

    names: BEIR's names of the sets (`SETS`, and cqadupstack).
    path: a folder with PATH/NAME/{corpus.jsonl,queries.jsonl,qrels/SPLIT.tsv}, plain or .gz, the layout of BEIR's
    unpacked archives (cqadupstack: PATH/cqadupstack/SUBFORUM/...), or with these archives, PATH/NAME.zip; for a single
    set also its folder or archive itself; None: the hub.
    split: split of the judgments; None: the one that each set is evaluated on, dev for msmarco and test for the others.
    revision: a branch, tag or commit on the hub for all sets; None: the commits of the table above.
    allow_other: accept files whose counts differ from the published ones, as `beir_NAME_other`.
    """

    def __init__(
        self,
        names: list[str],
        path: str | None = None,
        split: str | None = None,
        revision: str | None = None,
        allow_other: bool = False,
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
        self._allow_other = allow_other

    def collections(self, source: PairSource | None) -> tuple[Collection, ...]:
        """Raises UserError for missing files or no network (with the command that fetches them), for malformed files,
        and for files that are not those of the set."""
        found = tuple(self._collections())
        if any(one.group and one.name.endswith(OTHER) for one in found):  # the mean over the twelve gets the suffix too
            found = tuple(replace(one, group=one.group and one.group + OTHER) for one in found)
        return found

    def missing(self) -> list[str]:
        return refusals(
            *(
                partial(self._folder, name, facts, below, self._split or facts.split, unpack=False)
                for name, facts, below in self._sets()
            )
        )

    def published(self) -> tuple[int, int] | None:
        sets = [facts for _, facts, _ in self._sets()]
        if any(self._split not in (None, facts.split) for facts in sets):
            return None
        return sum(facts.counts[1] for facts in sets), sum(facts.counts[0] for facts in sets)

    def _collections(self) -> Iterator[Collection]:
        for name, facts, below in self._sets():
            yield self._collection(name, facts, below)

    def _sets(self) -> Iterator[tuple[str, BeirSet, str]]:
        """Name of the collection, properties of the set, and its folder below `path`."""
        for name in self._names:
            if name != CQADUPSTACK:
                yield name, SETS[name], name
                continue
            for subforum, facts in SUBFORUMS.items():
                yield f"{CQADUPSTACK}_{subforum}", facts, f"{CQADUPSTACK}/{subforum}"

    def _collection(self, name: str, facts: BeirSet, below: str) -> Collection:
        split = self._split or facts.split
        data = read_beir(self._folder(name, facts, below, split), split, name, KEY)
        notes = {"split": split, **data.notes()}
        if facts.identical:
            notes["identical ids"] = "a passage with the id of the query is no hit"
        collection = collection_of(
            f"beir_{name}", [data.part("en")], notes, drop_identical=facts.identical, fingerprint=data.fingerprint()
        )
        named = "" if split == facts.split else f"_{split}"
        read, published = (len(collection.passage_ids), len(collection.query_ids)), facts.counts
        compared = [Compared("passages", {"": read[0]}, {"": published[0]})]
        counted = f"passages {read[0]} / {published[0]}"
        if not named:
            compared.append(Compared("queries", {"": read[1]}, {"": published[1]}))
            counted += f", queries {read[1]} / {published[1]}"
        full, remarks = checked_name(
            f"beir_{name}{named}", compared, KEY, self._allow_other, f"{KEY}.names and {KEY}.path"
        )
        return replace(
            collection,
            name=full,
            group=f"beir_{CQADUPSTACK}{named}" if below != name else collection.group,
            notes={**collection.notes, "counts (ours / published)": counted, **remarks},
        )

    def _folder(self, name: str, facts: BeirSet, below: str, split: str, unpack: bool = True) -> Path:
        """The folder of the set; without `unpack` possibly its archive.

        Judgments of `split` are requested only if the folder has no judgments at all. The error about missing files
        names the set's own folder, NAME below `path`: files of one set in `path` itself would be found under the names
        of others.
        """
        if self._path is None:
            if not facts.repo:
                raise UserError(f"{KEY}: {name}: {LICENSED}, then set {KEY}.path to the folder above it.")
            location = None
        else:
            path = Path(self._path).expanduser()
            one = len({below.partition("/")[0] for _, _, below in self._sets()}) == 1
            location = location_of(path, [below, below.partition("/")[2]] if one else [below], unpack)
            own = path.parent if path.name == below else path
            whole = location is not None and find(location, QUERIES) and (location / "qrels").is_dir()
            if location is not None and (whole or location.is_file()):
                return location
            hint = "" if location else elsewhere(path, f"{KEY}.path", [below])
            return self._asked_for(name, facts, split, own, below, hint)
        return fetch(facts.repo, _files(split), self._revision or facts.revision, None, KEY, below)

    def _asked_for(self, name: str, facts: BeirSet, split: str, path: Path, below: str, hint: str) -> Path:
        """The folder of the set. Raises UserError for a missing file, with the command that fetches it."""
        location = path / below
        if facts.repo:
            files = _files(split)[: 2 if (location / "qrels").is_dir() else 3]
            try:
                return fetch(facts.repo, files, self._revision or facts.revision, str(path), KEY, below)
            except UserError as error:
                raise UserError(f"{error}{hint}") from None
        if not location.is_dir():
            raise UserError(f"{KEY}.path: there is no folder {location}. {name}: {LICENSED}.{hint}")
        return location


def _files(split: str) -> list[str]:
    return [CORPUS, QUERIES, f"qrels/{split}.jsonl"]
