"""Archives of data sets, read directly: a .zip is unpacked into the cache folder, never beside the user's file."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from hybridret.base.errors import UserError
from hybridret.base.files import cache_folder, file_crc32, hash_json, set_aside, umask
from hybridret.data.arrow_table import file_probe

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)  # RuntimeError: the archive has a password


def listed(file: Path) -> list[PurePosixPath]:
    """The names of the files in a .zip. Raises UserError if `file` is not a .zip."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [PurePosixPath(one.filename) for one in archive.infolist() if not one.is_dir()]
    except (*BROKEN, OSError) as error:
        raise UserError(f"{file} cannot be read as a .zip archive ({error}). Fetch the file again.") from error


def unpacked(file: Path, wanted: Callable[[PurePosixPath], bool]) -> Path:
    """The cache folder with the `wanted` members of a .zip, at the same paths as in the archive.

    It is created once for each state of the file (name, size, time, probes) and used as long as its files have the
    CRC-32 given in the archive. Only plain files are written, and never outside that folder, whatever their names.

    Raises UserError if the file is not a .zip, is damaged or has a password, and if the disk is full.
    """
    folder = cache_folder() / "archives" / hash_json(file_probe(file, "a data set"), 24)
    try:
        with zipfile.ZipFile(file) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and wanted(PurePosixPath(one.filename))]
            if folder.is_dir() and all(_is_whole(folder, one) for one in members):
                return folder
            set_aside(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            need, free = sum(one.file_size for one in members), shutil.disk_usage(folder.parent).free
            if need > free:
                raise UserError(
                    f"{file} unpacks to {need / 2**30:.1f} GiB, and {folder.parent} has {free / 2**30:.1f} GiB left. "
                    f"Free some space, or set HYBRIDRET_CACHE to a folder with room."
                )
            _write(archive, members, folder)
    except UserError:
        raise
    except BROKEN as error:
        raise UserError(f"{file} cannot be read as a .zip archive ({error}). Fetch the file again.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be unpacked into {folder}: {error.strerror or error}.") from error
    return folder


def _target(folder: Path, member: zipfile.ZipInfo) -> Path:
    return folder.joinpath(*(part for part in PurePosixPath(member.filename).parts if part not in ("/", "..", ".")))


def _is_whole(folder: Path, member: zipfile.ZipInfo) -> bool:
    path = _target(folder, member)
    return path.is_file() and file_crc32(path) == member.CRC


def _write(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path) -> None:
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for member in members:
            target = _target(temporary, member)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as packed, open(target, "wb") as plain:
                shutil.copyfileobj(packed, plain, 1 << 20)
        temporary.chmod(0o777 & ~umask())  # mkdtemp makes 0700: colleagues on a cluster must be able to read
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():  # if it exists, another process was faster
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
