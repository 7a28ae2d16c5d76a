"""Where a set in BEIR's layout lies: in a folder, in one below it, or in BEIR's own .zip archive of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from hybridret.data.archive import unpacked
from hybridret.data.beir_layout import CORPUS, QUERIES
from hybridret.data.hints import folders_below, hint, is_archive
from hybridret.data.hub import find
from hybridret.errors import UserError


def holds_set(folder: Path) -> bool:
    return bool(find(folder, CORPUS))


def zipped(file: Path, names: Sequence[str] = ()) -> Path:
    """The folder in the cache with the set of a .zip: one of `names` in it, else its root, else its only folder with a
    corpus. Raises UserError where there is none, and for what is no .zip."""
    if is_archive(file) and file.suffix.lower() != ".zip":
        raise UserError(f"{file}: only .zip archives are read as they are. Unpack it, and give the folder.")
    root = unpacked(file, _is_part)
    found = [one for one in (*(root / name for name in names), root) if holds_set(one)][:1]
    found = found or [one for one in folders_below(root) if holds_set(one)]
    if len(found) == 1:
        if find(found[0], QUERIES) and (found[0] / "qrels").is_dir():
            return found[0]
        raise UserError(f"{file} lacks {QUERIES} or qrels/ beside its {CORPUS}. Fetch the file again.")
    within = f"several sets ({', '.join(one.name for one in found)})" if found else f"no {CORPUS}"
    raise UserError(f"{file} holds {within}; expected the archive of one set, with {CORPUS} in it or in its folder.")


def place_of(path: Path, names: Sequence[str]) -> Path | None:
    """The folder of a set that has one of `names` below `path` ("": `path` itself), or the .zip of that name; `path`
    may be the .zip, too. None where there is none. Raises UserError for an archive that cannot be read."""
    if path.is_file():
        return zipped(path, [name for name in names if name])
    for name in names:
        if holds_set(path / name):
            return path / name
    for name in filter(None, names):
        file = path / f"{name.partition('/')[0]}.zip"
        if file.is_file():
            return zipped(file, [name, name.partition("/")[2] or name])
    return None


def elsewhere(path: Path, key: str, names: Sequence[str]) -> str:
    """A hint where such a set lies right below or above `path`, "" where none does."""
    if found := hint(path, key, lambda folder: any(holds_set(folder / name) for name in names)):
        return found
    files = [one for one in sorted(path.glob("*.zip")) if one.is_file()] if path.is_dir() else []
    return f" It holds {files[0].name}, which is read as it is: set {key}={files[0]}." if "" in names and files else ""


def _is_part(name: PurePosixPath) -> bool:
    return name.name.removesuffix(".gz") in (CORPUS, QUERIES) or name.parent.name == "qrels"
