"""Reads torch's distributed checkpoint format without executing anything that its files hold.

torch reads `.metadata` with `pickle.load`, and entries that are no tensors with `torch.load(weights_only=False)`: both
run code that the files contain. Here `.metadata` is read by an unpickler that knows only the classes of that format,
and entries by torch's own restricted unpickler. Nothing is read twice, so the checked bytes are the bytes used.

Damage: each tensor and entry is an archive with its own CRC-32, which torch writes and does not verify; it is verified
here. `.metadata` has none, so its SHA-256 is in the file `SUM` beside it.
"""

from __future__ import annotations

import functools
import hashlib
import io
import logging
import pickle
from pathlib import Path
from typing import IO, Any

import torch
from torch.distributed.checkpoint._traverse import set_element
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner, _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta
from torch.distributed.checkpoint.planner import ReadItem
from torch.distributed.checkpoint.state_dict_loader import _load_state_dict

from hybridret.base.files import hash_file
from hybridret.training.archive_records import check_archive

SUM = "metadata.sha256"
_METADATA = ".metadata"  # torch's name
_log = logging.getLogger(__name__)

#: The names in a `.metadata` of torch, besides plain containers and the dtypes, layouts and memory formats of torch.
CLASSES = {
    "torch.distributed.checkpoint.metadata": {
        "BytesStorageMetadata", "ChunkStorageMetadata", "Metadata", "MetadataIndex", "StorageMeta",
        "TensorProperties", "TensorStorageMetadata", "_MEM_FORMAT_ENCODING",
    },
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch": {"Size"},
    "torch.serialization": {"_get_layout"},
    "collections": {"OrderedDict"},
    "pathlib": {"PosixPath", "PurePosixPath"},
}  # fmt: skip


class MetadataUnpickler(pickle.Unpickler):
    """Accepts only the classes of torch's `.metadata`."""

    def find_class(self, module: str, name: str) -> Any:
        """Raises UnpicklingError for any other name."""
        if name in CLASSES.get(module, ()):
            return super().find_class(module, name)
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not part of a checkpoint")


class ShardedReader(FileSystemReader):
    """torch's reader of a folder; its metadata cannot name code, nor files outside of the folder."""

    def read_metadata(self, *unused: Any, **keywords: Any) -> Metadata:
        """Raises UnpicklingError where it holds what no checkpoint holds, or is damaged."""
        path = Path(self._get_metadata_path(keywords.get("rank")))
        raw = path.read_bytes()
        _check_metadata(path, raw)
        metadata = MetadataUnpickler(io.BytesIO(raw)).load()
        if not isinstance(metadata, Metadata):
            raise pickle.UnpicklingError(f"{path.name} holds no metadata")
        for stored in (metadata.storage_data or {}).values():
            if Path(stored.relative_path).name != str(stored.relative_path):
                raise pickle.UnpicklingError(f"it names the file {stored.relative_path}, outside of its folder")
            if getattr(stored, "transform_descriptors", None):
                raise pickle.UnpicklingError("it asks for transformations, which a checkpoint of ours does not have")
        if metadata.storage_meta is None:
            metadata.storage_meta = StorageMeta()
        metadata.storage_meta.load_id = self.load_id
        return metadata

    def _slice_file(self, file: Any, sinfo: Any) -> IO[bytes]:
        """One tensor or entry. Raises BadZipFile (zipfile) where it is damaged."""
        part = io.BytesIO(super()._slice_file(file, sinfo).read())  # torch's view seeks wrongly from the end
        check_archive(part)
        part.seek(0)
        return part


def seal_metadata(folder: Path) -> None:
    """Write `SUM` into a folder that no `last.ckpt` names yet."""
    (folder / SUM).write_text(hash_file(folder / _METADATA, 64), encoding="ascii")


def _check_metadata(path: Path, raw: bytes) -> None:
    beside = path.with_name(SUM)
    if not beside.exists():
        _warn_unsealed(path.parent)
    elif beside.read_bytes().decode("ascii", "replace") != hashlib.sha256(raw).hexdigest():
        raise pickle.UnpicklingError(f"the SHA-256 of {path.name} is not that in {SUM}: one of them was changed")


@functools.cache
def _warn_unsealed(folder: Path) -> None:
    _log.warning("%s was written by an earlier version: damage of its .metadata cannot be found.", folder)


class PlainPlanner(DefaultLoadPlanner):
    """Fills a state in place; entries that are no tensors hold plain values only."""

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        """Raises UnpicklingError for an entry that holds code."""
        plain = torch.load(value, map_location="cpu", weights_only=True)
        set_element(self.original_state_dict, self.mappings[read_item.dest_index.fqn], plain)


class PlainEmptyPlanner(PlainPlanner, _EmptyStateDictLoadPlanner):
    """The same without an existing state: it is made from the metadata."""


def read_state(folder: Path) -> dict[str, Any]:
    """All that `folder` holds, as full tensors on the CPU. Needs no process group.

    Raises CheckpointException, with an UnpicklingError inside where a file holds code.
    """
    ShardedReader(folder).read_metadata()  # errors are raised here: torch would print a traceback first
    loaded: dict[str, Any] = {}
    planner = PlainEmptyPlanner()  # type: ignore[no-untyped-call]
    _load_state_dict(loaded, storage_reader=ShardedReader(folder), planner=planner, no_dist=True)
    return loaded


def fill_state(state: dict[str, Any], folder: Path) -> None:
    """Fill `state`, tensors in place, from `folder`: a collective of all processes. Raises as `read_state`."""
    alone = not torch.distributed.is_initialized()
    _load_state_dict(state, storage_reader=ShardedReader(folder), planner=PlainPlanner(), no_dist=alone)
