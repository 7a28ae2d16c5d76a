#!/usr/bin/env bash
# slurm_sweep.sh GPUS SWEEP [OVERRIDES]: runs one sweep inside a SLURM job, one GPU per point, and reports it. GPUS=0: on its cores.
# USR1, SLURM's warning before the time limit: the points save their state, and the job puts itself back in the queue, where it
# skips finished points and resumes the others. TERM, from scancel, `scontrol requeue` or preemption: the points save, and SLURM
# knows whether the job comes back. It kills what still runs as soon as this script ends, so the script waits for the points.
set -u
gpus=$1 sweep=$2
shift 2
python=${HYBRIDRET_PYTHON:-.venv/bin/python}
output=multirun
for word in "$@"; do
    case $word in output=*) output=${word#output=} ;; esac
done
if [ "$gpus" = 0 ]; then
    where=(trainer=cpu hydra.launcher.n_jobs="${SLURM_CPUS_PER_TASK:-1}")
    asked="GPUS=0${SLURM_CPUS_PER_TASK:+ CPUS=$SLURM_CPUS_PER_TASK}"
else
    where=(trainer=gpu hydra.launcher.n_jobs="$gpus")
    asked="GPUS=$gpus"
fi
export HYBRIDRET_COMMAND="make slurm $asked SWEEP=$sweep${*:+ ARGS=\"${*//\$/\$\$}\"}"   # what a user types to go on

warned=0 stopped=0 heard=0 pid=
pass_on() { heard=1; [ -z "$pid" ] || kill "-$1" "$pid" 2>/dev/null; }
trap 'warned=1; pass_on USR1' USR1
trap 'stopped=1; pass_on TERM' TERM
run() {   # in the background, because a shell hears no signal while it waits for a command in the foreground
    local ended
    heard=0
    [ "$warned$stopped" = 00 ] || return 75
    "$python" "$@" &
    pid=$!
    [ "$stopped" = 0 ] || kill -TERM "$pid" 2>/dev/null   # it came just before there was anybody to pass it on to
    [ "$warned" = 0 ] || kill -USR1 "$pid" 2>/dev/null
    wait "$pid"
    ended=$?
    while [ "$heard" = 1 ]; do   # a trap ends the wait, not the command
        heard=0
        wait "$pid"
        ended=$?
    done
    pid=
    return "$ended"
}
run -m hybridret.run -m "${where[@]}" sweep="$sweep" "$@"
code=$?
unheard=$((128 + $(kill -l USR1)))   # ended by the signal before anything listened for it
if [ "$stopped" = 0 ] && [ "$warned" = 1 ] && { [ "$code" = 75 ] || [ "$code" = "$unheard" ]; }; then
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
fi
[ "$stopped" = 0 ] || exit "$code"
trap '' USR1   # everything is done: a report of seconds is not worth a place in the queue
warned=0
run -m hybridret.report "$output/$sweep"
exit "$code"
