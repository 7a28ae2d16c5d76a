#!/usr/bin/env bash
# Runs one training over all tasks of a SLURM job, one task per GPU. SLURM sends USR1 to this script before the time limit: the
# tasks save their state and leave with 75, and the job puts itself back in the queue, where the same command goes on.
set -u
python=${HYBRIDRET_PYTHON:-.venv/bin/python}
warned=0 run_pid=
requeue() {
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
}
trap 'warned=1; [ -z "$run_pid" ] || kill -USR1 "$run_pid" 2>/dev/null' USR1   # srun passes it on to its tasks
[ "$warned" = 0 ] || requeue   # warned before there was anything to save
# SLURM does not hand the job's --cpus-per-task down to its srun: each task would get one core.
srun --kill-on-bad-exit=1 ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"} "$python" -m hybridret.run "$@" &
run_pid=$!
[ "$warned" = 0 ] || kill -USR1 "$run_pid" 2>/dev/null   # warned just before there was anybody to pass it on to
warned=1
while [ "$warned" = 1 ]; do   # the trap ends the wait, not the run
    warned=0
    wait "$run_pid"
    code=$?
done
unheard=$((128 + $(kill -l USR1)))   # ended by the signal before anything listened for it
if [ "$code" = 75 ] || [ "$code" = "$unheard" ]; then
    requeue
fi
exit "$code"
