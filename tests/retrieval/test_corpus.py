"""What is kept of a large corpus: the same bytes for any number of ranks and after any kill, and only what is right."""

from __future__ import annotations

import copy
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from hybridret.base.errors import UserError
from hybridret.base.progress import Advance, Quiet
from hybridret.distributed.process_group import SingleProcess
from hybridret.retrieval import corpus, tile_store, tiles
from hybridret.retrieval.corpus import encode_corpus, fingerprint
from hybridret.retrieval.encode import encode_texts
from hybridret.runs.lock import exclusive

TILE, COUNT = 32, 333  # 11 tiles, the last one short; 4 files of 3 tiles
KEY = {"weights": "w", "text": "p", "passages": "f"}
WORDS = ["a", "bb", "ccc", "dddd dddd", "e" * 30, "ff gg hh", "iiii", "j k l m n o p"]


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "TILE", TILE)
    monkeypatch.setattr(tile_store, "SHARD_TILES", 3)
    monkeypatch.setattr(corpus, "ROUND", 2)
    monkeypatch.setattr("os.fsync", lambda file: None)  # a test does not outlive the machine


class Lazy(Sequence[str]):
    """Texts that are made when a slice of them is asked for, and only slices of at most a tile."""

    def __init__(self, count: int = COUNT) -> None:
        rng = np.random.default_rng(0)
        self._texts = [" ".join(rng.choice(WORDS, rng.integers(1, 6))) for _ in range(count)]

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: Any) -> Any:
        assert isinstance(index, slice)
        assert index.stop - index.start <= TILE
        return self._texts[index]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all texts are read at once")

    def all(self) -> list[str]:
        return self._texts


class Shaped(torch.nn.Module):
    """Like the toy, but its vectors depend on the batch: other batches or other padding change many bits.

    Fails in batch `fails_at`.
    """

    def __init__(self, toy: Any, fails_at: int = -1) -> None:
        super().__init__()
        self.toy, self.tokenization, self.dimension = toy, type(toy.tokenization)(), toy.dimension
        self.fails_at = fails_at

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        if len(self.tokenization.shapes) == self.fails_at + 1:
            raise RuntimeError("killed")
        bias = torch.arange(self.dimension) * (1e-4 * input_ids.shape[0] + 1e-5 * input_ids.shape[1])
        return torch.nn.functional.normalize(self.toy(input_ids, attention_mask) + bias, dim=-1)

    @property
    def encoded(self) -> int:
        """Texts that went through, but for a last batch that failed."""
        shapes = self.tokenization.shapes[: None if self.fails_at < 0 else self.fails_at]
        return sum(rows for rows, _ in shapes)


def encode(encoder: Any, folder: Path | None, processes: Any = None, texts: Any = None, **changes: Any) -> Any:
    named = {"contexts": None, "batch_size": 8, "precision": "fp32", "stored": "float32", "key": KEY, **changes}
    named.setdefault("progress", Quiet())
    return encode_corpus(
        encoder, Lazy() if texts is None else texts, folder=folder, processes=processes or SingleProcess(), **named
    )


def distinct(first: int, last: int) -> int:
    """How many texts are encoded for the tiles `first` to `last` - 1."""
    starts = range(first * TILE, min(last * TILE, COUNT), TILE)
    return sum(len(set(Lazy().all()[start : start + TILE])) for start in starts)


def content(folder: Path) -> dict[str, bytes]:
    """The files of vectors below `folder`."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*.npy"))}


@pytest.fixture
def whole(toy_encoder: Any, tmp_path: Path) -> dict[str, bytes]:
    """What one process makes that is never interrupted."""
    encode(Shaped(toy_encoder), tmp_path / "whole")
    return content(tmp_path / "whole")


def test_equal_to_texts_in_memory_and_readable_by_numpy(toy_encoder: Any, tmp_path: Path) -> None:
    vectors = encode(toy_encoder, tmp_path)
    expected = encode_texts(toy_encoder, Lazy().all(), "passage", 8, Quiet())
    assert (len(vectors), vectors.dimension) == expected.shape
    np.testing.assert_allclose(vectors.rows(0, COUNT), expected, atol=1e-6)
    np.testing.assert_array_equal(vectors.rows(90, 200), vectors.rows(0, COUNT)[90:200])  # across two files
    files = sorted(tmp_path.glob("*/*.npy"))
    mapped = np.concatenate([np.load(file, mmap_mode="r") for file in files])
    assert len(files) == 4
    np.testing.assert_array_equal(mapped, vectors.rows(0, COUNT))


def test_a_corpus_of_one_tile_has_the_bits_of_texts_in_memory(toy_encoder: Any, tmp_path: Path) -> None:
    texts = Lazy(TILE).all()
    shaped = Shaped(toy_encoder)
    expected = encode_texts(shaped, texts, "passage", 8, Quiet())
    assert encode(shaped, tmp_path, texts=texts).rows(0, TILE).tobytes() == expected.tobytes()


@pytest.mark.parametrize("world", [2, 3])
def test_ranks_write_the_bytes_of_one(
    world: int, toy_encoder: Any, tmp_path: Path, whole: dict[str, bytes], run_processes: Callable[..., list[Any]]
) -> None:
    encoders = [Shaped(copy.deepcopy(toy_encoder)) for _ in range(world)]
    found = run_processes(world, lambda processes: encode(encoders[processes.rank], tmp_path, processes))
    assert content(tmp_path) == whole
    every = np.frombuffer(b"".join(data[4096:] for data in whole.values()), dtype="<f4").reshape(COUNT, -1)
    for vectors in found:
        np.testing.assert_array_equal(vectors.rows(0, COUNT), every)
    shares = [encoder.encoded for encoder in encoders]
    assert sum(shares) == distinct(0, 11)
    assert max(shares) < 2 * min(shares)
    in_memory = run_processes(world, lambda processes: encode(encoders[processes.rank], None, processes))
    for vectors in in_memory:
        np.testing.assert_array_equal(vectors.rows(0, COUNT), every)


def test_killed_at_any_batch_and_resumed_by_any_number_of_ranks(
    toy_encoder: Any, tmp_path: Path, whole: dict[str, bytes], run_processes: Callable[..., list[Any]]
) -> None:
    rng = np.random.default_rng(1)
    kills = 0
    while True:
        world = int(rng.integers(1, 4))
        encoders = [Shaped(copy.deepcopy(toy_encoder), int(rng.integers(5, 40))) for _ in range(world)]
        found = run_processes(world, lambda processes: encode(encoders[processes.rank], tmp_path, processes))  # noqa: B023
        if not any(isinstance(one, Exception) for one in found):
            break
        kills += 1
    assert kills >= 3
    assert content(tmp_path) == whole


def test_finished_tiles_are_not_encoded_again(toy_encoder: Any, tmp_path: Path, whole: dict[str, bytes]) -> None:
    uninterrupted = Shaped(toy_encoder)
    encode(uninterrupted, None)
    killed = Shaped(toy_encoder, fails_at=80)
    with pytest.raises(RuntimeError, match="killed"):
        encode(killed, tmp_path)
    (journal,) = tmp_path.glob("*/journal-0.txt")
    done = len(journal.read_text().splitlines())
    assert 3 < done < 11
    after = Shaped(toy_encoder)
    shown: list[tuple[int, str]] = []
    encode(after, tmp_path, progress=Shown(shown))
    assert uninterrupted.encoded == distinct(0, 11) < COUNT
    assert after.encoded == distinct(done, 11)
    assert content(tmp_path) == whole
    assert shown[0] == (done * TILE, "resumed")
    assert sum(count for count, _ in shown) == COUNT
    assert shown[-1][1].endswith("passages/s")
    again = Shaped(toy_encoder)
    encode(again, tmp_path)
    assert again.encoded == 0


class Shown:
    """Keeps what the bar of the encoder is told."""

    def __init__(self, shown: list[tuple[int, str]]) -> None:
        self._shown = shown

    @contextmanager
    def task(self, description: str, total: int | None) -> Iterator[Advance]:
        def advance(count: int = 1, note: str = "") -> None:
            if description == "encode passages":
                assert total == COUNT
                self._shown.append((count, note))

        yield advance


def test_ranks_show_one_bar_over_all_passages(toy_encoder: Any, run_processes: Callable[..., list[Any]]) -> None:
    shown: list[list[tuple[int, str]]] = [[], [], []]
    encoders = [copy.deepcopy(toy_encoder) for _ in range(3)]
    found = run_processes(
        3, lambda processes: encode(encoders[processes.rank], None, processes, progress=Shown(shown[processes.rank]))
    )
    assert [len(vectors) for vectors in found] == [COUNT] * 3
    assert [sum(count for count, _ in one) for one in shown] == [COUNT] * 3


PROGRAM = """
import importlib.util, os, signal, sys
spec = importlib.util.spec_from_file_location("test_corpus", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
spec = importlib.util.spec_from_file_location("toys", sys.argv[2])
toys = importlib.util.module_from_spec(spec)
spec.loader.exec_module(toys)
module.tiles.TILE, module.tile_store.SHARD_TILES, module.corpus.ROUND = module.TILE, 3, 2
from hybridret.distributed.process_group import GlooGroup
ranks = GlooGroup.from_environment()
encoder, batches = module.Shaped(toys.ToyEncoder()), 0
dies_at = int(sys.argv[4])
forward = encoder.forward
def counted(*args):
    global batches
    batches += 1
    if batches == dies_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return forward(*args)
encoder.forward = counted
from pathlib import Path
try:
    module.encode(encoder, Path(sys.argv[3]), ranks)
except module.UserError as error:
    sys.exit(str(error))
"""


def start(popen: Callable[..., subprocess.Popen[str]], folder: Path, dies_at: int, **environment: str) -> Any:
    here = Path(__file__)
    return popen(
        [sys.executable, "-c", PROGRAM, str(here), str(here.parent / "conftest.py"), str(folder), str(dies_at)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("dies_at", [-1, 60])
def test_two_processes(
    dies_at: int,
    toy_encoder: Any,
    tmp_path: Path,
    whole: dict[str, bytes],
    free_port: str,
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    """Over gloo. Where one is killed, the other one ends with the reason, and one process alone finishes the work."""
    both = [
        start(started, tmp_path, dies, RANK=str(rank), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port)
        for rank, dies in ((0, -1), (1, dies_at))
    ]
    (_, told), _ = (process.communicate(timeout=120) for process in both)
    codes = [process.returncode for process in both]
    assert len(list(tmp_path.glob("*/journal-[01].txt"))) == 2
    if dies_at < 0:
        assert codes == [0, 0], told
    else:
        assert codes == [1, -signal.SIGKILL]
        assert "Another one of the 2 processes of this evaluation ended" in told
        assert "run the same command again" in told
        assert content(tmp_path) != whole
        encode(Shaped(toy_encoder), tmp_path)
    assert content(tmp_path) == whole


@pytest.mark.parametrize("damage", ["byte", "file cut", "file gone", "header", "line"])
def test_damage_is_found_and_mended(
    damage: str, toy_encoder: Any, tmp_path: Path, whole: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    encode(Shaped(toy_encoder), tmp_path)
    (file,) = tmp_path.glob("*/vectors-00001.npy")
    data = bytearray(file.read_bytes())
    expected = distinct(3, 6)
    if damage == "byte":
        data[4096 + 16 * 4 * TILE + 17] ^= 1  # in tile 4
        expected = distinct(4, 5)
    elif damage == "file cut":
        del data[-1:]
    elif damage == "header":
        data[20] ^= 1
    file.write_bytes(data)
    if damage == "file gone":
        file.unlink()
    if damage == "line":  # killed while it wrote a line: half a line is no line
        (journal,) = tmp_path.glob("*/journal-0.txt")
        journal.write_text(journal.read_text()[:-3])
        expected = distinct(10, 11)
    mending = Shaped(toy_encoder)
    encode(mending, tmp_path)
    assert content(tmp_path) == whole
    assert mending.encoded == expected
    assert ("damaged" in caplog.text) == (damage != "line")
    encode(again := Shaped(toy_encoder), tmp_path)
    assert again.encoded == 0


def test_vectors_are_on_the_disk_before_the_journal_names_them(
    toy_encoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, int]] = []

    def fsync(file: int) -> None:
        named = sum(len(journal.read_text().splitlines()) for journal in tmp_path.glob("*/journal-*.txt"))
        synced.append((Path(os.readlink(f"/proc/self/fd/{file}")).name.split("-")[0], named))

    encode(toy_encoder, tmp_path, texts=Lazy(1).all())
    monkeypatch.setattr("os.fsync", fsync)
    encode(toy_encoder, tmp_path, texts=Lazy(3 * TILE).all(), key={**KEY, "weights": "other"})
    assert [one for one in synced if one[0] in ("vectors", "journal")] == [
        ("vectors", 1),  # the file is made
        *[("vectors", 1), ("journal", 2)],
        *[("vectors", 2), ("journal", 3)],
        *[("vectors", 3), ("journal", 4)],
    ]


def test_a_tile_that_no_journal_names_is_not_believed(toy_encoder: Any, tmp_path: Path) -> None:
    encode(Shaped(toy_encoder), tmp_path)
    (journal,) = tmp_path.glob("*/journal-0.txt")
    journal.unlink()
    encode(again := Shaped(toy_encoder), tmp_path)
    assert again.encoded == distinct(0, 11)


def test_everything_that_vectors_depend_on_has_a_folder_of_its_own(toy_encoder: Any, tmp_path: Path) -> None:
    texts = Lazy(40).all()
    changes: list[dict[str, Any]] = [
        {},
        {"key": {**KEY, "weights": "other"}},
        {"key": {**KEY, "text": "other prefix or length"}},
        {"key": {**KEY, "passages": fingerprint(texts)}},
        {"precision": "bf16"},
        {"stored": "float16"},
        {"batch_size": 4},
        {"contexts": [""] * 40},
        {"texts": texts[:-1]},
    ]
    for count, change in enumerate(changes, 1):
        encode(toy_encoder, tmp_path, **{"texts": texts, **change})
        assert len(list(tmp_path.iterdir())) == count, change
    meta = [path.read_text() for path in tmp_path.glob("*/meta.json")]
    assert any('"weights": "other"' in text for text in meta)


def test_a_changed_meta_file_is_refused(toy_encoder: Any, tmp_path: Path) -> None:
    encode(toy_encoder, tmp_path, texts=Lazy(40).all())
    (meta,) = tmp_path.glob("*/meta.json")
    for old, new in (('"w"', '"v"'), ('"tile": 32', '"tile": 64')):
        good = meta.read_text()
        meta.write_text(good.replace(old, new))
        with pytest.raises(UserError, match=r"meta\.json.*(key|tile) differ.*delete"):
            encode(toy_encoder, tmp_path, texts=Lazy(40).all())
        meta.write_text(good)


def test_without_a_meta_file_nothing_is_believed(toy_encoder: Any, tmp_path: Path) -> None:
    encode(toy_encoder, tmp_path)
    (meta,) = tmp_path.glob("*/meta.json")
    meta.unlink()
    encode(again := Shaped(toy_encoder), tmp_path)
    assert again.encoded == distinct(0, 11)


def test_half_precision(toy_encoder: Any, tmp_path: Path) -> None:
    exact = encode(toy_encoder, tmp_path)
    half = encode(toy_encoder, tmp_path, stored="float16")
    assert half.rows(0, 3).dtype == np.float32
    np.testing.assert_allclose(half.rows(0, COUNT), exact.rows(0, COUNT), atol=1e-3)
    sizes = sorted(sum(path.stat().st_size - 4096 for path in one.glob("*.npy")) for one in tmp_path.iterdir())
    assert sizes[1] == 2 * sizes[0]


def test_a_full_disk(toy_encoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Any) -> None:
    free = SimpleNamespace(free=1000)
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: free)
        with pytest.raises(UserError, match=r"333 passages need 0\.0 GB.*evaluation\.cache"):
            encode(Shaped(toy_encoder), tmp_path)
    with monkeypatch.context() as patch:
        real, calls = os.pwrite, 0

        def pwrite(file: int, data: Any, offset: int) -> int:
            nonlocal calls
            calls += 1
            if calls % 2:
                return real(file, data[: len(data) // 2], offset)  # what a disk does that fills up
            raise OSError(errno.ENOSPC, "No space left on device")

        patch.setattr("os.pwrite", pwrite)
        with pytest.raises(UserError, match=r"Cannot write .*vectors-00000\.npy: No space left.*evaluation\.cache"):
            encode(Shaped(toy_encoder), tmp_path)
    encode(after := Shaped(toy_encoder), tmp_path)
    assert content(tmp_path) == whole
    assert after.encoded == distinct(0, 11)


def test_a_folder_that_cannot_be_made(toy_encoder: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot write .*file.*evaluation\.cache"):
        encode(toy_encoder, tmp_path / "file")


def test_an_error_of_one_rank_is_the_error_of_all(
    toy_encoder: Any, tmp_path: Path, run_processes: Callable[..., list[Any]]
) -> None:
    encoders = [Shaped(copy.deepcopy(toy_encoder)) for _ in range(3)]
    with torch.no_grad():
        encoders[2].toy.linear.weight[0, 0] = torch.nan
    found = run_processes(3, lambda processes: encode(encoders[processes.rank], tmp_path, processes))
    assert {type(error) for error in found} == {UserError}
    assert {str(error) for error in found} == {str(found[2])}
    assert "The vector of passage 64 (counted from 0) holds NaN" in str(found[2])


def test_a_second_process_waits_while_the_first_writes(
    toy_encoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        encode(Shaped(toy_encoder, fails_at=80), tmp_path)
    (folder,) = tmp_path.iterdir()
    with ExitStack() as first:
        first.enter_context(exclusive(folder / ".lock"))
        waits = iter(range(3))
        monkeypatch.setattr("hybridret.runs.lock.time.sleep", lambda _: next(waits) or first.close())
        assert len(encode(toy_encoder, tmp_path)) == COUNT
    assert next(waits) == 1
    with exclusive(folder / ".lock"):
        assert len(encode(toy_encoder, tmp_path)) == COUNT  # what is complete can be read meanwhile


def test_of_several_ranks_none_waits_for_another_process(
    toy_encoder: Any, tmp_path: Path, run_processes: Callable[..., list[Any]]
) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        encode(Shaped(toy_encoder, fails_at=80), tmp_path)
    (folder,) = tmp_path.iterdir()
    with exclusive(folder / ".lock"):
        found = run_processes(2, lambda processes: encode(toy_encoder, tmp_path, processes))
    assert all(isinstance(error, UserError) and "is in use" in str(error) for error in found)


def test_no_passages_and_wrong_arguments(toy_encoder: Any, tmp_path: Path) -> None:
    for folder in (tmp_path, None):
        assert encode(toy_encoder, folder, texts=[]).rows(0, 0).shape == (0, 16)
    with pytest.raises(UserError, match=r"evaluation\.vectors=int8"):
        encode(toy_encoder, tmp_path, stored="int8")
    with pytest.raises(ValueError, match="2 passages, 1 contexts"):
        encode(toy_encoder, tmp_path, texts=["a", "b"], contexts=["c"])


def test_fingerprints_tell_lists_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [["ab", "c"], ["a", "bc"], ["abc"], ["c", "ab"], ["ab", "c", ""], [], [""], ["\ud800"]]
    assert len({fingerprint(texts) for texts in lists}) == len(lists)
    expected = fingerprint(Lazy().all())
    monkeypatch.setattr(corpus, "HASHED", 7)
    assert fingerprint(Lazy()) == expected
