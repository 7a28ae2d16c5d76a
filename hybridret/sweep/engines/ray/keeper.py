"""`python -m hybridret.sweep.engines.ray.keeper SUBMISSION`: a small job on the head node of a Ray cluster.
It starts the jobs of one submission again where the cluster lost them.

Ray restarts tasks and actors but no jobs: one whose node dies has failed, and so has one that waited longer for
resources than the cluster allows (15 minutes by itself). The shell that submitted a sweep may be gone by then. The
keeper holds nothing in memory: how often a job was started, Ray's own list says, and a name is taken once only, so two
keepers do no harm.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from hybridret.base.errors import DONE, UserError
from hybridret.base.interruption import refuse
from hybridret.sweep.engines.ray.cancelled import is_cancelled
from hybridret.sweep.engines.ray.client import Client
from hybridret.sweep.engines.ray.starts import TASKS, read_starts, start_name, to_start_again
from hybridret.sweep.engines.ray.submission import Submission, read_submission


def keep(submission: Submission, client: Client) -> bool:
    """Look once, and start again what was lost; whether there is a job that may still be lost."""
    requests = {str(request["submission_id"]): request for request in submission.requests}
    starts = read_starts(client.jobs(), requests)
    open_ = False
    for base, request in requests.items():
        if is_cancelled(request["metadata"][TASKS], base):
            continue
        if to_start_again(starts[base], submission.max_requeues):
            name = start_name(base, len(starts[base]) + 1)
            print(f"{name}: {starts[base][-1].error or starts[base][-1].code}", flush=True)
            with suppress(UserError):  # another keeper was faster, or Ray does not answer: the next look shows it
                client.submit({**request, "submission_id": name})
            open_ = True
        elif starts[base] and not starts[base][-1].over:
            open_ = True
    return open_


def main(arguments: Sequence[str], sleep: Callable[[float], None] = time.sleep) -> int:
    """Look until all jobs have ended."""
    try:
        submission = read_submission(Path(arguments[0]))
        client = Client()
        while True:
            try:
                if not keep(submission, client):
                    return DONE
            except UserError as error:
                print(error, file=sys.stderr, flush=True)
            sleep(submission.every)
    except (UserError, KeyboardInterrupt) as error:
        return refuse(error)
    except IndexError:
        return refuse(UserError("Give the file of a submission: this command is started by Ray, not by hand."))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
