"""The one exception that means "the user can fix this", and the process exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

DONE = 0
POINT_FAILED = 1
BAD_INPUT = 2
REQUEUE = 75
INTERRUPTED = 130


class UserError(ValueError):
    """Bad input. The message is one paragraph: what, where (file and line, key, step), what to do.

    Entries print it without a traceback and exit with its `exit_code`.
    """

    exit_code = BAD_INPUT


class SizeMissing(UserError):
    """The backbone family has no model of the size asked for; in a sweep such a point is skipped, not failed."""


class CannotWrite(UserError):
    """A file that cannot be written, as on a full disk; its cause is the OSError."""


def refusals(*checks: Callable[[], object]) -> list[str]:
    """The messages of the UserErrors that `checks` raise: of all checks, not only of the first that fails."""
    found = []
    for check in checks:
        try:
            check()
        except UserError as error:
            found.append(str(error))
    return found


@contextmanager
def of_source(name: str) -> Iterator[None]:
    """Errors about a source of a mix say which one, and what its keys are called there."""
    try:
        yield
    except UserError as error:
        raise UserError(f"Source {name} of the mix (its data.KEY is data.sources.{name}.KEY): {error}") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt `word`: the nearest known name or one that it contains, else the list of all (at most 20).

    >>> nearest("hybird", ["mono", "cross", "hybrid"])
    "Did you mean 'hybrid'?"
    >>> nearest("all-MiniLM-L6-v2", ["bm25", "minilm", "mt5"])
    "Did you mean 'minilm'?"
    """
    import difflib  # slow to import, and this module is imported before signals are handled

    names = sorted(known)
    match = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    inside = [name for name in names if len(name) > 3 and name.lower() in word.lower()]
    if found := match or sorted(inside, key=len, reverse=True):
        return f"Did you mean '{found[0]}'?"
    return "Known: " + ", ".join(names[:20]) + ("." if len(names) <= 20 else ", ...")
