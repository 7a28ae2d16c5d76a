#!/usr/bin/env bash
# slurm_run.sh OVERRIDES: runs one training over all tasks of a SLURM job, one task per GPU. USR1, SLURM's warning before the time
# limit: the tasks save their state and leave with 75, and the job puts itself back in the queue, where the same command goes on.
# TERM, from scancel, `scontrol requeue` or preemption: the tasks save, and SLURM knows whether the job comes back. It kills what
# still runs as soon as this script ends, so the script waits for the tasks.
set -u
python=${HYBRIDRET_PYTHON:-.venv/bin/python}
warned=0 stopped=0 heard=0 pid=
requeue() {
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
}
pass_on() { heard=1; [ -z "$pid" ] || kill "-$1" "$pid" 2>/dev/null; }   # srun passes it on to its tasks
trap 'warned=1; pass_on USR1' USR1
trap 'stopped=1; pass_on TERM' TERM
[ "$stopped" = 0 ] || exit 75
[ "$warned" = 0 ] || requeue   # before there was anything to save
# SLURM does not hand the job's --cpus-per-task down to its srun: each task would get one core.
srun --kill-on-bad-exit=1 ${SLURM_CPUS_PER_TASK:+--cpus-per-task="$SLURM_CPUS_PER_TASK"} "$python" -m hybridret.run "$@" &
pid=$!
[ "$stopped" = 0 ] || kill -TERM "$pid" 2>/dev/null   # it came just before there was anybody to pass it on to
[ "$warned" = 0 ] || kill -USR1 "$pid" 2>/dev/null
wait "$pid"
code=$?
while [ "$heard" = 1 ]; do   # a trap ends the wait, not the run
    heard=0
    wait "$pid"
    code=$?
done
unheard=$((128 + $(kill -l USR1)))   # ended by the signal before anything listened for it
if [ "$stopped" = 0 ] && [ "$warned" = 1 ] && { [ "$code" = 75 ] || [ "$code" = "$unheard" ]; }; then
    requeue
fi
exit "$code"
