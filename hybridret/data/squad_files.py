"""Which files of a folder or archive belong to a dataset in SQuAD's JSON, and to which language.

The language is in the name of a file, `squad.de.json`; where other parts of the name look like a language, a pattern
has `{l}` at its position, `dev-context-{l}-question-{l}.json`. Plain files and .gz match the same pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from hybridret.base.errors import UserError, nearest
from hybridret.base.languages import canonical_language, check_language, named_language
from hybridret.data.archive import listed, unpacked
from hybridret.data.hints import hint

SUFFIXES = (".json", ".json.gz")
MARK = "{l}"
BY_ID = "by_id"  # in the position of a language: each question id begins with the name of its language (TyDi QA)
_LANGUAGE = r"(?P<language>[A-Za-z]+(?:[-_][A-Za-z0-9]+)*)"

Names = str | Sequence[str]
Files = Names | Mapping[str, Names | Mapping[str, Names]]


@dataclass(frozen=True)
class SquadFile:
    """A file of a dataset. `name` is its path in the folder; `language` None: it is in the ids of the questions."""

    dataset: str
    language: str | None
    name: str


class SquadFolder:
    """A folder, a .zip of one, or one file. Raises UserError where there is no file in JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser()
        self.names = tuple(sorted(self._listed()))
        if not self.names:
            advice = hint(self._path, "data.path", lambda one: any(any(one.glob(f"*{end}")) for end in SUFFIXES))
            raise UserError(f"{path} holds no *.json or *.json.gz file.{advice}")

    def file(self, name: str) -> Path:
        """The file `name` on disk; of an archive it is unpacked into the cache folder first."""
        if self._path.is_dir():
            return self._path / name
        if self._path.suffix == ".zip":
            return unpacked(self._path, lambda member: member.as_posix() in self.names) / name
        return self._path

    def probed(self, names: Iterable[str]) -> list[Path]:
        """The files whose state the pairs depend on: those of `names`, or their archive."""
        return [self._path] if self._path.suffix == ".zip" else [self.file(name) for name in names]

    def _listed(self) -> list[str]:
        if self._path.is_dir():
            found = [file.relative_to(self._path) for file in self._path.rglob("*.json*") if file.is_file()]
            return [name.as_posix() for name in found if _is_data(PurePosixPath(name))]
        if not self._path.is_file():
            raise UserError(f"There is no file or folder {self._path}; set data.path to where the *.json files are.")
        if self._path.suffix == ".zip":
            return [name.as_posix() for name in listed(self._path) if _is_data(name)]
        if self._path.name.endswith(SUFFIXES):
            return [self._path.name]
        raise UserError(f"{self._path} is no file in JSON; its name must end in .json, .json.gz or .zip.")


def _is_data(name: PurePosixPath) -> bool:
    hidden = any(part.startswith((".", "__MACOSX")) or part == ".." for part in name.parts)
    return name.name.endswith(SUFFIXES) and not hidden and not name.is_absolute()


def squad_files(folder: SquadFolder, files: Files | None, name: str) -> list[SquadFile]:
    """The files that `files` chooses.

    files: None for every file; globs, with {l} where the language is not the only code in the name; LANGUAGE -> names
        or globs; or DATASET -> such a mapping or patterns with {l}.
    name: of the dataset where `files` names none.

    Raises UserError for a name that matches nothing, a language that is none, and a file that is chosen twice.
    """
    found: list[SquadFile] = []
    if files is None:
        found = _matching(folder, "*", name)
    elif not isinstance(files, Mapping):
        found = _matching(folder, files, name)
    else:
        for key, value in files.items():
            if isinstance(value, Mapping):
                for language, names in value.items():
                    found += _of_language(folder, str(key), language, names)
            elif any(MARK in one for one in _list(value)):
                found += _matching(folder, value, str(key), named=True)
            else:
                found += _of_language(folder, name, key, value)
    if not found:
        raise UserError("data.files is empty: name at least one file, or leave it out.")
    seen: dict[str, SquadFile] = {}
    for one in found:
        stem = one.name.removesuffix(".gz")
        if stem in seen:
            raise UserError(f"data.files: {one.name} is chosen twice, as {_what(seen[stem])} and as {_what(one)}.")
        seen[stem] = one
    return found


def _what(one: SquadFile) -> str:
    return f"{one.dataset} in {one.language or 'several languages'}"


def _list(names: Names) -> list[str]:
    return [names] if isinstance(names, str) else [str(one) for one in names]


def _of_language(folder: SquadFolder, dataset: str, language: object, names: Names) -> list[SquadFile]:
    code = None if language == BY_ID else check_language(language, "data.files")
    return [SquadFile(dataset, code, one) for pattern in _list(names) for one, _ in _matches(folder, pattern)]


def _matching(folder: SquadFolder, patterns: Names, dataset: str, named: bool = False) -> list[SquadFile]:
    """The files that `patterns` match; without {l} their names show the language, and the dataset unless `named`."""
    found = []
    for pattern in _list(patterns):
        for one, word in _matches(folder, pattern):
            if MARK not in pattern:
                by_name = _by_name(one, dataset)
                found.append(replace(by_name, dataset=dataset) if named else by_name)
                continue
            language = named_language(word)
            if language is None:
                raise UserError(
                    f"data.files={pattern!r} matches {one}, where {word!r} is no language. Give the language of each "
                    f"file: data.files={{en: NAME, ...}}."
                )
            found.append(SquadFile(dataset, language, one))
    return found


def _matches(folder: SquadFolder, pattern: str) -> list[tuple[str, str]]:
    """Names that match, each with its language as written ("" for a pattern without one). Of a file that is there both
    plain and packed, the plain one."""
    expression, known = "", False
    for part in re.split(r"(\{l\}|\*|\?)", pattern.removesuffix(".gz")):
        if part == MARK:
            expression += r"(?P=language)" if known else _LANGUAGE
            known = True
        else:
            expression += {"*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    whole = re.compile(rf"{expression}(?:\.gz)?")
    found: dict[str, tuple[str, str]] = {}
    for name in folder.names:  # sorted: plain before packed
        match = whole.fullmatch(name if "/" in pattern else PurePosixPath(name).name)
        if match:
            found.setdefault(name.removesuffix(".gz"), (name, match["language"] if known else ""))
    if not found:
        listing = ", ".join(folder.names[:20]) + (", ..." if len(folder.names) > 20 else "")
        near = nearest(pattern, folder.names)
        raise UserError(f"data.files: no file matches {pattern!r}; there is: {listing}. {near}".rstrip())
    return list(found.values())


def _by_name(name: str, dataset: str) -> SquadFile:
    """The language and the dataset of a file by its name alone: `squad.de.json` is German and belongs to `squad`."""
    stem = PurePosixPath(name).name.removesuffix(".gz").removesuffix(".json")
    parts = re.split(r"([._-])", stem)
    rest: list[str] = []
    languages: list[str] = []
    while parts:
        code, taken = _language_at(parts)
        if code is not None:
            languages.append(code)
        else:
            rest.append(parts[0])
        del parts[: taken or 1]
    if len(set(languages)) != 1:
        how = f"several ({', '.join(dict.fromkeys(languages))})" if languages else "none"
        raise UserError(
            f"The language of {name} cannot be seen in its name, which has {how}: set data.files, either "
            f"LANGUAGE to name, data.files={{en: train-v1.1.json}}, or a pattern, data.files='squad.{MARK}.json'."
        )
    left = re.sub(r"[._-]*([._-])", r"\1", "".join(rest)).strip("._-")
    return SquadFile(left or dataset, languages[0], name)


def _language_at(parts: Sequence[str]) -> tuple[str | None, int]:
    """The code of two letters, with script or region, at the start of `parts`, and how many of them it takes."""
    if len(parts[0]) != 2 or canonical_language(parts[0]) is None:
        return None, 0
    if len(parts) > 2 and parts[1] in "-_" and (len(parts[2]) == 4 or parts[2].isupper()):
        longer = canonical_language(f"{parts[0]}-{parts[2]}")
        if longer is not None:
            return longer, 3
    return canonical_language(parts[0]), 1
