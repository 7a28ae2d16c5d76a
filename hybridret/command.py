"""`hybridret COMMAND` is `python -m hybridret.COMMAND`: run, evaluate, prepare, plan, report and others."""

from __future__ import annotations

import sys
from importlib import import_module

from hybridret.base.errors import BAD_INPUT, DONE, nearest
from hybridret.base.interruption import CONSOLE, interruptible

COMMANDS = {
    "run": "train and evaluate one run, or with -m a sweep of runs",
    "evaluate": "benchmarks on a run, on a Hugging Face encoder or on BM25",
    "merge": "the weights of two finished runs at several ratios, evaluated",
    "prepare": "training data prepared once, before a sweep needs it",
    "translate": "training data in further languages, by a translation model",
    "mine": "hard negatives for training data, by BM25 or any encoder",
    "plan": "memory, time and cost of a run or a sweep, before it is started",
    "report": "tables, figures and one page from a sweep",
    "analyse": "answers from sweeps: what wins, where, by how much, how sure",
    "search": "ask questions, and see the best passages in all languages",
    "publish": "a run as a folder for sentence-transformers",
    "status": "what each run of a sweep is doing, and where",
    "resume": "run again what is open of a sweep",
    "cancel": "stop the processes and the jobs of a sweep",
    "retry": "try the failed runs of a sweep again",
    "clean": "remove leftovers of a sweep, and checkpoints of failed runs",
}


def main() -> int:
    """Run the command that the first argument names; returns its exit code, 2 for an unknown name."""
    return interruptible(_dispatched)


def _dispatched() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(__doc__)
        for known, what in COMMANDS.items():
            print(f"  hybridret {known:<9} {what}")
        print("\n`hybridret COMMAND --help` shows its options.")
        return DONE
    if name not in COMMANDS:
        print(f"Error: hybridret {name}: there is no such command. {nearest(name, COMMANDS)}", file=sys.stderr)
        return BAD_INPUT
    sys.argv = [f"{CONSOLE}{name}", *sys.argv[2:]]  # Hydra and argparse read the rest
    code: int = import_module(f"hybridret.{name}").main()
    return code
