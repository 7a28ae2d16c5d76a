"""Reads torch's distributed checkpoint format without executing anything that its files hold.

torch reads `.metadata` with `pickle.load`, and entries that are no tensors with `torch.load(weights_only=False)`: both
run code of whoever wrote the files. Here the first comes from an unpickler that knows only the classes of that format,
the second from torch's own restricted one.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.default_planner import _EmptyStateDictLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import BytesStorageMetadata, Metadata, StorageMeta
from torch.distributed.checkpoint.planner import ReadItem

#: What a `.metadata` of torch names, besides plain containers and the dtypes, layouts and memory formats of torch.
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
    """Knows the classes of torch's `.metadata` and nothing else."""

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
        """Raises UnpicklingError where it holds what no checkpoint holds."""
        path = Path(self._get_metadata_path(keywords.get("rank")))
        with open(path, "rb") as file:
            metadata = MetadataUnpickler(file).load()
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


class PlainPlanner(_EmptyStateDictLoadPlanner):
    """Rebuilds a state from the metadata; entries that are no tensors hold plain values only."""

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        """Raises UnpicklingError for an entry that holds code."""
        super().load_bytes(read_item, _plain(value))


def check_plain(folder: Path) -> None:
    """Raise UnpicklingError where reading `folder` in torch's own way would execute something: before code that is not
    ours reads it.
    """
    metadata = ShardedReader(folder).read_metadata()
    kinds = metadata.state_dict_metadata
    for index, stored in (metadata.storage_data or {}).items():
        if isinstance(kinds.get(index.fqn), BytesStorageMetadata):
            with open(folder / stored.relative_path, "rb") as file:
                file.seek(stored.offset)
                _plain(io.BytesIO(file.read(stored.length)))


def _plain(value: io.BytesIO) -> io.BytesIO:
    """The same bytes from their start, once torch's restricted unpickler has read them."""
    torch.load(value, map_location="cpu", weights_only=True)
    value.seek(0)
    return value
