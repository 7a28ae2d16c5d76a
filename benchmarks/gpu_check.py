"""Exactness, memory and speed on the GPU of this machine, in a budget of seconds: `make gpu-check`.

    python benchmarks/gpu_check.py                      # adapts to the card; results go to docs/results/gpu/CARD/
    python benchmarks/gpu_check.py                      # again: what is missing, or was measured with other code
    python benchmarks/gpu_check.py --only encode 10b    # the cases whose name holds one of these texts
    python benchmarks/gpu_check.py --dry-run --card 80  # the order of cases on a card of 44, 80 or 141 GB; needs none
    python benchmarks/gpu_check.py --tiny --device cpu --out FOLDER   # does the script itself still work?

Results are written after each case. It needs torch, transformers, tokenizers, pytorch-lightning, peft and numpy;
sentence-transformers, faiss and torchao take part where they are installed. No Hydra, no network.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from gpu.stand_ins import stand_in  # noqa: E402

stand_in()

from gpu.budget import GRACE, Budget, Turn  # noqa: E402
from gpu.case import Case, Row  # noqa: E402
from gpu.cases import all_cases, exactness  # noqa: E402
from gpu.check import Check  # noqa: E402
from gpu.dry_run import dry_run  # noqa: E402
from gpu.expected import CARDS, card_by_size, card_of  # noqa: E402
from gpu.machine import code, folder_name  # noqa: E402
from gpu.page import plain, table  # noqa: E402
from gpu.processes import Ended, Measuring  # noqa: E402
from gpu.results import kept  # noqa: E402
from gpu.verdicts import verdicts  # noqa: E402

BUDGET = 480.0  # seconds


def main() -> int:
    """0 where everything that ran meets its goal, 1 where something is missed or failed, 2 without a card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds in all (480)")
    parser.add_argument("--only", nargs="+", default=[""], help="cases whose name holds one of these texts")
    parser.add_argument("--dry-run", action="store_true", help="print the order of cases and measure nothing")
    parser.add_argument("--card", choices=tuple(CARDS), help="with --dry-run: a card of so many GB, not the one here")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--tiny", action="store_true", help="the same cases at sizes that a CPU does in seconds")
    parser.add_argument("--out", type=Path, help="where the results go (docs/results/gpu/CARD)")
    parser.add_argument("--commit", help="the commit of this copy of the code, where it has no git")
    arguments = parser.parse_args()
    if arguments.card and not arguments.dry_run:
        parser.error("--card goes with --dry-run: a check adapts to the card that it finds")
    if arguments.device == "cpu" and not (arguments.tiny or arguments.card):
        parser.error("--device cpu goes with --tiny: real sizes would take days")
    if arguments.card:
        cases = chosen(all_cases(card_by_size(arguments.card)), arguments.only)
        print(plain(dry_run(cases, arguments.budget)))
        return 0
    budget = Budget(arguments.budget)
    with tempfile.NamedTemporaryFile(prefix="gpu_check-", suffix=".log", delete=False) as log:
        measuring = Measuring(arguments.device, Path(log.name))
    try:
        return measured(arguments, measuring, budget)
    except Ended as error:
        sys.stderr.write(f"Error: nothing can be measured on {arguments.device} here ({error}).\n")
        return 2
    finally:
        measuring.stop()


def measured(arguments: argparse.Namespace, measuring: Measuring, budget: Budget) -> int:
    """Plan, measure, write, print. Raises Ended where the device cannot be used."""
    import torch

    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write("Error: this machine has no GPU that torch can use. --tiny --device cpu tries the script.\n")
        return 2
    found = measuring.machine()
    card = card_of(found, arguments.tiny)
    if arguments.dry_run:
        print(plain(dry_run(chosen(all_cases(card), arguments.only), arguments.budget)))
        return 0
    state = code()
    commit = arguments.commit or state["commit"]
    machine = {**found, **state, "commit": commit, "date": datetime.now(UTC).date().isoformat()}
    folder = arguments.out or HERE.parent / "docs" / "results" / "gpu" / folder_name(machine["device"])

    def measure(turn: Turn) -> Row:
        return measuring.measure(turn.case.kind, dict(turn.way.options), turn.case.alone, turn.limit, turn.left)

    grace = GRACE if arguments.device == "cuda" else budget.seconds  # a CPU may be busy with other work
    check = Check(measure, budget, machine, folder, kept(folder, machine["device"]), grace)
    print(f"{machine['device']}: {budget.left():.0f} s left; libraries print to {measuring.log}", flush=True)
    with ThreadPoolExecutor(1, "plan") as planning:  # planning takes seconds, in which the card need not wait
        planned = planning.submit(all_cases, card)
        check.run(chosen(list(exactness(card)), arguments.only), show)
        check.run(chosen(planned.result(), arguments.only), show)
    goals = verdicts(check.rows)
    print(plain(table(check.rows)))
    for name, reason in check.left_out.items():
        print(f"left out: {name}: {reason}")
    for goal in goals:
        print(f"{'met   ' if goal['met'] else 'MISSED'} {goal['goal']}: {goal['reached']}")
    print(f"{budget.spent():.0f} s of {budget.seconds:.0f}. Written: {folder}")
    return 0 if all(goal["met"] for goal in goals) and all("failed" not in row for row in check.rows) else 1


def show(text: str) -> None:
    print(text, flush=True)


def chosen(cases: Sequence[Case], texts: Sequence[str]) -> list[Case]:
    """Those whose name holds one of `texts`. They do not wait for others."""
    found = [case for case in cases if any(text in case.name for text in texts)]
    names = {case.name for case in found}
    return [Case(**{**vars(case), "after": tuple(name for name in case.after if name in names)}) for case in found]


if __name__ == "__main__":
    sys.exit(main())
