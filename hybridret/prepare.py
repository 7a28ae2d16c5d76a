"""`python -m hybridret.prepare`: training data prepared once, before a sweep or a job with many GPUs needs it.

python -m hybridret.prepare data=jsonl data.path=FOLDER      what a run of these settings would prepare by itself
python -m hybridret.prepare data=cldr data.languages=[en,de]
python -m hybridret.prepare data=jsonl data.path=FOLDER eval=[xquad_r] eval.xquad_r.path=FOLDER leaks=true
                                                             what the test sets share with the data, and nothing else
"""

from __future__ import annotations

import argparse
import sys

from hybridret.base.interruption import interruptible, work_begins


def main(arguments: list[str] | None = None) -> int:
    """Prepare the data, print what it holds, and return the exit code: 0 done, 2 bad input or too many leaks."""
    parser = argparse.ArgumentParser(
        prog="python -m hybridret.prepare",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        epilog="Overrides are those of python -m hybridret.run (see its --help); data and data.KEY=VALUE count, and "
        "with leaks=true eval. The copy and its data card are below $HYBRIDRET_CACHE, else ~/.cache/hybridret.",
    )
    parser.add_argument("overrides", nargs="*", help="group=option or section.key=value")
    asked = parser.parse_intermixed_args(arguments)
    from hybridret.config.entry import guarded  # Hydra: not needed for --help

    def entry() -> int:
        from hybridret.pipelines.prepare_data import prepare_data

        work_begins()
        return prepare_data(asked.overrides)

    return guarded(entry)


if __name__ == "__main__":
    sys.exit(interruptible(main))
