"""Where a set in BEIR's layout lies: in a folder, in one below it, or in BEIR's own .zip archive of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from hybridret.base.errors import UserError
from hybridret.data.archive import listed, unpacked
from hybridret.data.beir_layout import CORPUS, QUERIES
from hybridret.data.hints import hint, is_archive
from hybridret.data.hub import find


def holds_set(folder: Path) -> bool:
    """Whether a folder is laid out as one set of BEIR: it has a corpus."""
    return bool(find(folder, CORPUS))


def zipped(file: Path, names: Sequence[str] = (), unpack: bool = True) -> Path:
    """The folder in the cache with the set of a .zip: one of `names` in it, else its root, else its only folder with a
    corpus. Without `unpack` only its list of files is looked at, and `file` returned.

    Raises UserError where there is no whole set, and for what is no .zip.
    """
    if is_archive(file) and file.suffix.lower() != ".zip":
        raise UserError(f"{file}: only .zip archives are read as they are. Unpack it, and give the folder.")
    parts = [name for name in listed(file) if _is_part(name)]
    holding = {name.parent for name in parts if name.name.removesuffix(".gz") == CORPUS}
    root = PurePosixPath()
    found = [one for one in (*map(PurePosixPath, names), root) if one in holding][:1]
    found = found or sorted(one for one in holding if one.parent == root)
    if len(found) != 1:
        within = f"several sets ({', '.join(map(str, found))})" if found else f"no {CORPUS}"
        raise UserError(
            f"{file} holds {within}; expected the archive of one set, with {CORPUS} in it or in its folder."
        )
    folder = found[0]
    asked = any(name.parent == folder and name.name.removesuffix(".gz") == QUERIES for name in parts)
    if not (asked and any(name.parent == folder / "qrels" for name in parts)):
        raise UserError(f"{file} lacks {QUERIES} or qrels/ beside its {CORPUS}. Fetch the file again.")
    return unpacked(file, _is_part) / folder if unpack else file


def location_of(path: Path, names: Sequence[str], unpack: bool = True) -> Path | None:
    """The folder of a set that has one of `names` below `path` ("": `path` itself), or that of the .zip of that name;
    `path` may be the .zip, too. None where there is none. `unpack`, and errors, as in `zipped`."""
    if path.is_file():
        return zipped(path, [name for name in names if name], unpack)
    for name in names:
        if holds_set(path / name):
            return path / name
    for name in filter(None, names):
        file = path / f"{name.partition('/')[0]}.zip"
        if file.is_file():
            return zipped(file, [name, name.partition("/")[2] or name], unpack)
    return None


def elsewhere(path: Path, key: str, names: Sequence[str]) -> str:
    """A hint where such a set lies right below or above `path`, "" where none does."""
    if found := hint(path, key, lambda folder: any(holds_set(folder / name) for name in names)):
        return found
    files = [one for one in sorted(path.glob("*.zip")) if one.is_file()] if path.is_dir() else []
    return f" It holds {files[0].name}, which is read as it is: set {key}={files[0]}." if "" in names and files else ""


def _is_part(name: PurePosixPath) -> bool:
    if ".." in name.parts or name.is_absolute():  # of no archive that means well
        return False
    return name.name.removesuffix(".gz") in (CORPUS, QUERIES) or name.parent.name == "qrels"
