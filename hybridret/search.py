"""`python -m hybridret.search multirun/SWEEP/RUN`: type a question, see the best passages in all languages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hybridret.base.errors import DONE, UserError, nearest
from hybridret.base.interruption import StopRequested, interruptible, refuse, work_begins
from hybridret.base.languages import chosen_languages
from hybridret.base.markup import printable

if TYPE_CHECKING:
    from hybridret.base.progress import Progress
    from hybridret.base.records import Collection
    from hybridret.retrieval.encode import TextEncoder

BATCH = 64


class Hit(NamedTuple):
    """One passage: cosine, language code, id, text."""

    score: float
    language: str
    passage_id: str
    text: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer questions until the input ends; returns the exit code."""
    from hybridret.config.trust import TRUST_HELP

    parser = argparse.ArgumentParser(prog="python -m hybridret.search", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a run, such as multirun/default/RUN")
    parser.add_argument("--query", metavar="TEXT", help="answer this one question and stop")
    parser.add_argument("--k", type=int, default=10, help="passages to show (default: 10)")
    parser.add_argument("--languages", metavar="en,de", help="only passages in these languages (default: all)")
    parser.add_argument("--dataset", metavar="NAME", help="passages of this test set (default: the run's first)")
    parser.add_argument("--trust", action="append", default=[], metavar="NAME", help=TRUST_HELP)
    options = parser.parse_args(arguments)
    try:
        work_begins()
        if options.k < 1:
            raise UserError(f"--k {options.k}: it must be at least 1.")
        languages = options.languages.split(",") if options.languages else None
        ask = searcher(options.run, options.k, languages, options.dataset, options.trust)
        for question in [options.query] if options.query is not None else questions():
            if question.strip():
                print("\n".join(shown(ask(question.strip()))), flush=True)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    except StopRequested as request:
        print("Stopped.", file=sys.stderr)
        return request.exit_code
    return DONE


def searcher(
    run: Path,
    k: int,
    languages: Sequence[str] | None = None,
    dataset: str | None = None,
    trust: Sequence[str] = (),
) -> Callable[[str], list[Hit]]:
    """Load the best encoder of `run`, encode the passages once and return `question -> hits, best first`.

    Raises UserError when the run, its checkpoint, the dataset or a language does not exist.
    """
    from hybridret.base.bars import Bars
    from hybridret.components.open_run import open_run

    opened = open_run(run, trust)
    collection = chosen(opened.collections, dataset, run)
    return index(opened.encoder, collection, k, languages, Bars())


def chosen(collections: Sequence[Collection], dataset: str | None, run: Path) -> Collection:
    """The collection named `dataset`, or the first. Raises UserError when there is no such collection."""
    by_name = {collection.name: collection for collection in collections}
    if not by_name:
        raise UserError(f"{run} was evaluated on no test set, so there are no passages to search.")
    if dataset is not None and dataset not in by_name:
        raise UserError(f"--dataset {dataset}: {run} has no such test set. {nearest(dataset, by_name)}")
    return by_name[dataset] if dataset is not None else collections[0]


def index(
    encoder: TextEncoder, collection: Collection, k: int, languages: Sequence[str] | None, progress: Progress
) -> Callable[[str], list[Hit]]:
    """Encode the passages of `languages` (None: all) and return `question -> hits`, exact search by cosine."""
    import numpy as np

    from hybridret.base.progress import Quiet
    from hybridret.retrieval.encode import encode_texts
    from hybridret.retrieval.exact_search import search_top_k

    wanted = chosen_languages("--languages", languages, collection.languages, f"in {collection.name}")
    rows = np.flatnonzero(np.isin(collection.passage_languages, [collection.languages.index(code) for code in wanted]))
    texts = [collection.passages[i] for i in rows.tolist()]
    contexts = None if collection.contexts is None else [collection.contexts[i] for i in rows.tolist()]
    vectors = encode_texts(encoder, texts, "passage", BATCH, progress, contexts)
    ties = collection.tie_order[rows]
    languages_of = [collection.languages[i] for i in collection.passage_languages[rows].tolist()]
    ids = [collection.passage_ids[i] for i in rows.tolist()]

    def ask(question: str) -> list[Hit]:
        query = encode_texts(encoder, [question], "query", 1, Quiet())
        columns, scores = search_top_k(query @ vectors.T, k, ties)
        best = zip(columns[0].tolist(), scores[0].tolist(), strict=True)
        return [Hit(score, languages_of[i], ids[i], texts[i]) for i, score in best]

    return ask


def questions() -> Iterator[str]:
    """Questions from the terminal, with a prompt and line editing, or one per line from a pipe, until the end."""
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    with suppress(ImportError):  # not on every platform
        import readline  # noqa: F401  (arrow keys and history for input())
    while True:
        try:
            yield input("question> ")
        except EOFError:
            print()
            return


def shown(hits: Sequence[Hit]) -> list[str]:
    """One line per hit: rank, score, language, text; an empty line at the end."""
    width = max((len(hit.language) for hit in hits), default=2)
    lines = [
        f"{i:3}  {hit.score:6.3f}  {printable(hit.language):<{width}}  {printable(' '.join(hit.text.split()))}"
        for i, hit in enumerate(hits, 1)
    ]
    return [*lines, ""]


if __name__ == "__main__":
    sys.exit(interruptible(main))
