#!/usr/bin/env bash
# Runs one sweep inside a SLURM job, one GPU per point. SLURM sends USR1 before the time limit: the points save their state, and
# the job puts itself back in the queue; the requeued job skips finished points and resumes the others.
set -u
gpus=$1 sweep=$2
shift 2
python=${HYBRIDRET_PYTHON:-.venv/bin/python}
requeue() {
    if [ -n "$sweep_pid" ]; then   # or it came before the sweep was started
        kill -USR1 "$sweep_pid" 2>/dev/null
        wait "$sweep_pid"   # until every point has saved its state
    fi
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
}
sweep_pid=
trap requeue USR1
"$python" -m hybridret.run -m trainer=gpu hydra.launcher.n_jobs="$gpus" sweep="$sweep" "$@" &
sweep_pid=$!
wait "$sweep_pid"
code=$?
"$python" -m hybridret.report "multirun/$sweep"
exit "$code"
