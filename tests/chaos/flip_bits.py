"""Flips single bits of all files of finished and interrupted runs and of caches, and reads them as later work does.

    python tests/chaos/flip_bits.py --count 1000 --seed 1
    python tests/chaos/flip_bits.py --count 50 --seed 1 --commands

Each flip is refused (one paragraph), made again, or changes nothing that is read: else it was believed. With
`--commands` the real command follows each flip: an interrupted run is resumed to its end and compared with the
undisturbed one, a finished one is evaluated, searched and reported. `test_flip_bits.py` tries some in every run of the
tests.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "commands")]

from commands import SMALL, Commands, rows, write_rows  # noqa: E402
from later_work import read_scene  # noqa: E402
from verdicts import EQUAL, differences_of  # noqa: E402

STEP = "hybridret.training.checkpoints:Checkpoints.on_train_batch_end"
BELIEVED, TRACEBACK = "believed", "traceback"


class Scene:
    """`folder/scene`: the sweep of a finished run with an added evaluation, an interrupted one and one with sharded
    states, each named by its batch strategy and seed, and a cache. It is copied for every flip."""

    def __init__(self, folder: Path, command: Commands) -> None:
        self.folder, self.command, self.whole, self.work = folder, command, folder / "scene", folder / "work"
        data = write_rows(folder / "data", rows())
        self.common = (*SMALL, "output=out", "sweep=s", f"data.path={data}", "training.steps=24")
        self.whole.mkdir()
        self._run("seed=1")
        (finished,) = self.whole.glob("out/s/*")
        self._expect(0, "evaluate", f"checkpoint={finished}", "evaluation.settings=[monolingual]", "logger=none")
        self._run("seed=2", stop=14)
        self._run("seed=3", "trainer=fsdp", "trainer.accelerator=cpu", "trainer.devices=1", stop=14)
        self.runs = sorted(path for path in self.whole.glob("out/s/*") if path.is_dir())
        read_scene(self.fresh())  # fills the cache
        shutil.copytree(self.work / "cache", self.whole / "cache", dirs_exist_ok=True)

    def _run(self, *more: str, stop: int | None = None) -> None:
        hooks = [{"target": STEP, "call": stop, "signal": 15}] if stop else []
        self._expect(75 if stop else 0, "run", *self.common, *more, hooks=hooks)

    def _expect(self, code: int, *arguments: str, hooks: list[dict[str, object]] | None = None) -> None:
        answer = self.command(*arguments, folder=self.whole, hooks=hooks)
        if answer.returncode != code:
            raise RuntimeError(f"{arguments} ended with {answer.returncode}: {answer.stderr}")

    def files(self) -> list[Path]:
        """All files, from the scene's folder on. Locks are not read, and W&B's and printed lines are for people."""
        found = (path for path in sorted(self.whole.rglob("*")) if path.is_file() and path.stat().st_size)
        return [path.relative_to(self.whole) for path in found if path.name not in (".lock", "log.txt")]

    def fresh(self) -> Path:
        """A copy to damage, always at the same place."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.whole, self.work, symlinks=True)
        return self.work


def flip(path: Path, draw: random.Random) -> str:
    """Flip a random bit of `path`; says which."""
    raw = bytearray(path.read_bytes())
    place, bit = draw.randrange(len(raw)), draw.randrange(8)
    raw[place] ^= 1 << bit
    path.write_bytes(raw)
    return f"byte {place}, bit {bit}"


def verdict(scene: Scene, path: Path, undamaged: dict[str, object]) -> tuple[str, str]:
    """What became of the damage of `path` in `scene.work`, and the words for it."""
    try:
        found, refusals = read_scene(scene.work, path)
    except Exception:
        return TRACEBACK, traceback.format_exc()
    other = [name for name, made in found.items() if made != undamaged[name]]
    if other:
        return BELIEVED, ", ".join(other)
    return ("refused", "; ".join(refusals.values())) if refusals else ("nothing changed", "")


def commanded(scene: Scene, path: Path) -> tuple[str, str]:
    """The same by the real commands on the run that `path` belongs to, or on the cache."""
    parts = path.parts
    run = Path(*parts[:3]) if parts[0] == "out" and len(parts) > 3 else scene.runs[0].relative_to(scene.whole)
    finished = (scene.whole / run / "result.json").is_file()
    place, refused = scene.work, []
    if finished:
        evaluate = ("evaluate", f"checkpoint={run}", "name=again", "evaluation.settings=[monolingual]", "logger=none")
        lines = [evaluate, ("search", str(run), "--query", "box 3"), ("report", "out/s")]
    else:
        seed = next(part for part in run.name.split("_") if part.startswith("seed-")).replace("-", "=")
        fsdp = ("trainer=fsdp", "trainer.accelerator=cpu", "trainer.devices=1") if "fsdp" in run.name else ()
        lines = [("run", *scene.common, seed, *fsdp)]
    for line in lines:
        answer = scene.command(*line, folder=place)
        if "Traceback" in answer.stdout + answer.stderr or answer.returncode not in (0, 2):
            return TRACEBACK, f"{line[0]} ended with {answer.returncode}: {answer.stderr[-2000:]}"
        if answer.returncode == 2:
            refused.append(answer.stderr.strip().splitlines()[-1])
    if refused:
        return "refused", "; ".join(refused)
    ended = scene.folder / "ended" / run
    if not ended.exists():  # the one without damage, which the others are compared with
        return "undisturbed", ""
    if finished:
        mine, theirs = (one / run / "evaluations" / name for one, name in ((place, "again"), (scene.whole, "heldout")))
        other = [name for name in EQUAL[:2] if (mine / name).read_bytes() != (theirs / name).read_bytes()]
    else:
        other = differences_of(place / run, ended)
    return (BELIEVED, ", ".join(other)) if other else ("nothing changed", "")


def flips(scene: Scene, count: int, seed: int, commands: bool) -> Iterator[tuple[str, str]]:
    """Verdict and words of `count` flips, as many in each file."""
    draw, files = random.Random(seed), scene.files()
    scene.fresh()
    if commands:  # what the interrupted runs come to without damage
        for run in scene.runs:
            commanded(scene, run.relative_to(scene.whole) / "none")
        shutil.move(scene.work, scene.folder / "ended")
        undamaged: dict[str, object] = {}
    else:
        undamaged, refusals = read_scene(scene.work)
        assert not refusals, refusals
    for number in range(count):
        path = files[number % len(files)]
        where = flip(scene.fresh() / path, draw)
        what, words = commanded(scene, path) if commands else verdict(scene, path, undamaged)
        yield what, f"{path}, {where}: {what} {' '.join(words.split()) if what != TRACEBACK else words}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", action="store_true", help="run the real commands after each flip")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = options.folder or Path(temporary)
        os.environ["HYBRIDRET_CACHE"] = str(place / "work" / "cache")
        server = subprocess.Popen(
            [sys.executable, str(HERE.parent / "commands" / "forking.py")],
            env={**os.environ, "HYBRIDRET_CACHE": "cache"},  # below the folder of each command
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdin is not None
        scene = Scene(place, Commands(server))
        counts: Counter[str] = Counter()
        for what, words in flips(scene, options.count, options.seed, options.commands):
            counts[what] += 1
            sys.stdout.write(f"{words}\n")
            sys.stdout.flush()
        server.stdin.close()
        said = ", ".join(f"{number} {what}" for what, number in counts.items())
        sys.stdout.write(f"{sum(counts.values())} flips: {said}\n")
    return int(counts[BELIEVED] + counts[TRACEBACK] > 0)


if __name__ == "__main__":
    sys.exit(main())
