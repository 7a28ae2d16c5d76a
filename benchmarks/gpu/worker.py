"""The process that measures: reads a case in each line of its input, and answers with a line on a pipe of its own.

    python -m gpu.worker DEVICE PIPE

Cases share a process, because importing torch and making a CUDA context takes longer than many of them. One that runs
out of memory leaves the others alone; after an error of CUDA, which no later case could survive, the process ends. What
libraries print goes to standard output and error, never to the pipe.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import traceback
from typing import Any

from gpu.stand_ins import stand_in


def main() -> None:
    device, pipe = sys.argv[1], int(sys.argv[2])
    replaced = stand_in()
    with open(pipe, "w", encoding="utf-8") as answers:

        def answer(found: dict[str, Any]) -> None:
            answers.write(json.dumps(found) + "\n")
            answers.flush()

        from gpu.machine import machine

        answer(machine(device) | {"replaced_packages": replaced})
        for line in sys.stdin:
            case = json.loads(line)
            found = measured(case, device)
            answer(found)
            if case["alone"] or found.get("fatal"):
                os._exit(0)  # a process group is left, or a broken context: nothing to tidy up
            free(device)


def measured(case: dict[str, Any], device: str) -> dict[str, Any]:
    """What the kind of the case found, or why it failed."""
    begin = time.perf_counter()
    try:
        found = dict(importlib.import_module(f"gpu.kinds.{case['kind']}").run(case["options"], device))
    except Exception as error:
        traceback.print_exc()
        text = " ".join(str(error).split())[:300]
        broken = "CUDA error" in text or "device-side assert" in text
        found = {"failed": f"{type(error).__name__}: {text}"} | ({"fatal": True} if broken else {})
    return found | {"seconds_of_case": round(time.perf_counter() - begin, 2)}


def free(device: str) -> None:
    """What a case left behind: modules and trainers hold each other."""
    gc.collect()
    if device == "cuda":
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    main()
