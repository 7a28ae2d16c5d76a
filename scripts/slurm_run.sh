#!/usr/bin/env bash
# Runs one training over all tasks of a SLURM job, one task per GPU. SLURM sends USR1 to this script before the time limit: the
# tasks save their state and leave with 75, and the job puts itself back in the queue, where the same command goes on.
set -u
python=${HYBRIDRET_PYTHON:-.venv/bin/python}
trap 'warned=1; kill -USR1 "$run_pid" 2>/dev/null' USR1   # srun passes it on to its tasks
srun --kill-on-bad-exit=1 "$python" -m hybridret.run "$@" &
run_pid=$!
warned=1
while [ "$warned" = 1 ]; do   # the trap ends the wait, not the run
    warned=0
    wait "$run_pid"
    code=$?
done
if [ "$code" = 75 ]; then
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
exit "$code"
