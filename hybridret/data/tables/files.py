"""The files of a source, each with the language of its rows where the config names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from hybridret.base.errors import UserError
from hybridret.data.hints import hint
from hybridret.data.hub import fetch, find
from hybridret.data.tables.formats import ENDINGS, ending

Files = str | list[str] | dict[str, Any] | None  # of a config: globs, or globs by language
LanguageFile = tuple[str | None, Path]
_NUMBERED = re.compile(r"(.*)-(\d{4,6})-of-(\d{4,6})(\..*)")  # a part of a file, as the hub has it
FEW = 20  # names that a message lists


def globs_by_language(files: Files) -> dict[str | None, list[str]]:
    """`data.files` in one form; {} for None. The language is None where it stands in a column."""
    if files is None:
        return {}
    if isinstance(files, Mapping):
        found: dict[str | None, list[str]] = {str(code): _listed(globs) for code, globs in files.items()}
    else:
        found = {None: _listed(files)}
    if not found or not all(globs and all(globs) for globs in found.values()):
        raise UserError(f"data.files={files!r}: name at least one file, or a pattern such as 'train/*.parquet'.")
    for glob in (one for globs in found.values() for one in globs):
        if Path(glob).is_absolute():
            raise UserError(f"data.files: {glob!r} must be relative to the folder of the files: 'train/*.parquet'.")
    return found


def _listed(globs: Any) -> list[str]:
    return [globs] if isinstance(globs, str) else [str(one) for one in globs or ()]


def hub_files(
    repo: str, revision: str, path: str | None, globs: Mapping[str | None, Sequence[str]]
) -> list[LanguageFile]:
    """The files of a hub dataset, or of the folder `path` with its layout. Raises UserError with the command that
    fetches them where one is missing.
    """
    folder = fetch(repo, [glob for one in globs.values() for glob in one], revision, path, "data")
    return _chosen(globs, lambda glob: find(folder, glob))


def local_files(path: Path, globs: Mapping[str | None, Sequence[str]], endings: Sequence[str]) -> list[LanguageFile]:
    """The file `path`, or files of the folder `path`: those of the `globs`, by default all with one of the `endings`.
    Raises UserError, with the names that there are, where there is none.
    """
    path = path.expanduser()
    if path.is_file() and not globs:
        return [(None, path)]
    if not path.is_dir():
        raise UserError(f"There is no file or folder {path}; set data.path to where the files of the pairs are.")
    if globs:
        return _chosen(globs, lambda glob: _matching(path, glob))

    def own(folder: Path) -> list[Path]:
        return sorted(one for one in folder.iterdir() if one.is_file() and ending(one) in endings)

    if found := own(path):
        _check_numbered(found, "*")
        return [(None, file) for file in found]
    advice = hint(path, "data.path", lambda one: bool(own(one)))
    raise UserError(f"{path} holds no file of {', '.join(endings)}, plain or .gz; {_names(path)}.{advice}")


def _matching(path: Path, glob: str) -> list[Path]:
    if not (found := find(path, glob)):
        raise UserError(f"No file in {path} matches {glob!r} (data.files); {_names(path)}.")
    return found


def _chosen(globs: Mapping[str | None, Sequence[str]], find_all: Callable[[str], list[Path]]) -> list[LanguageFile]:
    """Every file once, in the order of the patterns. Raises UserError for a file of two languages, and for one whose
    format is not known.
    """
    owner: dict[Path, str | None] = {}
    for code, patterns in globs.items():
        for pattern in patterns:
            files = find_all(pattern)
            _check_numbered(files, PurePosixPath(pattern).name)
            for file in files:
                if owner.setdefault(file, code) != code:
                    raise UserError(f"data.files: {file} is listed for {owner[file]!r} and for {code!r}.")
                if not ending(file):
                    raise UserError(
                        f"data.files: what {file} holds is not known from its name. Known: {', '.join(ENDINGS)}, plain "
                        f"or .gz."
                    )
    return [(code, file) for file, code in owner.items()]


def _check_numbered(files: Sequence[Path], pattern: str) -> None:
    """Raise UserError where `files` lack a part that `pattern` asks for, such as `train-00001-of-00004.parquet`: a
    download that was stopped.
    """
    parts: dict[tuple[Path, str, str, str], set[int]] = {}
    for file in files:
        if match := _NUMBERED.fullmatch(file.name):
            before, number, count, after = match.groups()
            parts.setdefault((file.parent, before, count, after), set()).add(int(number))
    for (folder, before, count, after), found in parts.items():
        first = int(0 not in found and int(count) in found)  # some count from 1
        for missing in sorted(set(range(first, first + int(count))) - found):
            name = f"{before}-{missing:0{len(count)}d}-of-{count}{after}"
            if fnmatch(name.removesuffix(".gz"), pattern.removesuffix(".gz")):
                raise UserError(
                    f"{folder} lacks {name}, one of the parts of {before}. Fetch it, or name the parts that "
                    f"you want in data.files."
                )


def _names(path: Path) -> str:
    names = sorted(entry.name for entry in path.iterdir())
    return f"there is: {', '.join(names[:FEW])}{', ...' if len(names) > FEW else ''}" if names else "it is empty"
