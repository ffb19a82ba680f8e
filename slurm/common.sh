# What sweep.sbatch and array.sbatch share; sourced by them.
#
# Settings from the environment:
#   IMPSWEEP            the program (build/impsweep below the directory of submission)
#   IMPSWEEP_SLURM      the directory of these scripts, if it is not ./slurm
#   IMPSWEEP_RESTARTS   how often a job queues itself again at most (50)
#   IMPSWEEP_MPIRUN     more options for mpirun

impsweep=${IMPSWEEP:-$SLURM_SUBMIT_DIR/build/impsweep}

# Slurm's own signal may come up to a minute early, even before mpirun has started: the flag remembers it.
stop=0
pid=
trap 'stop=1; [ -z "$pid" ] || kill -USR1 "$pid" 2> /dev/null' USR1 TERM

# Trainings in a store that are finished or have a checkpoint, and the checkpoints' content: what changes when
# anything was achieved.
progress_of() {
  { find "$1/rounds" -name '*.h5' | sort; find "$1/live" -name '*.h5' -exec cksum {} + | sort; } 2> /dev/null | cksum
}

# Seconds in which a job achieves something. One that is stopped sooner may just have been given too little time, as
# the signal before a short time limit can come right after the start.
needed=60

# Ends an mpirun that has nothing left to do: where a whole node was lost, it waits for it as long as TCP does, which
# is a quarter of an hour.
end_when_done() {
  while sleep 60; do
    "$impsweep" status "$2" --exit-code > /dev/null 2>&1
    [ $? != 3 ] || continue
    sleep 60
    kill -9 "$1" 2> /dev/null
    return
  done
}

run_sweep() {
  if [ $# -lt 2 ]; then
    echo "usage: sbatch [options of sbatch] $SLURM_JOB_NAME JOB.toml STORE [options of impsweep run]" >&2
    exit 2
  fi
  local job=$1 store=$2 before verdict watcher
  shift 2
  before=$(progress_of "$store")

  # --enable-recovery     a dead rank does not end the others; mpirun's own exit code then means nothing
  # --bind-to none        several tasks on a node would all be bound to its first cores
  # sigkill_timeout       time to save after SIGTERM, before mpirun kills
  # shellcheck disable=SC2086
  mpirun --enable-recovery --bind-to none --mca odls_base_sigkill_timeout 20 ${IMPSWEEP_MPIRUN:-} \
    "$impsweep" run "$job" --store "$store" "$@" &
  pid=$!
  [ $stop = 0 ] || { sleep 2; kill -USR1 "$pid"; }
  end_when_done "$pid" "$store" &
  watcher=$!
  while kill -0 "$pid" 2> /dev/null; do wait "$pid"; done
  kill "$watcher" 2> /dev/null

  # The verdict is of the whole store: 0 complete, 1 only failures left, 3 work left, by this job or by another task.
  "$impsweep" status "$store" --exit-code > /dev/null
  verdict=$?
  if [ $verdict != 3 ]; then
    "$impsweep" status "$store" | head -n 1
    exit $verdict
  fi
  if [ "${SLURM_RESTART_COUNT:-0}" -ge "${IMPSWEEP_RESTARTS:-50}" ]; then
    echo "impsweep: work is left after ${SLURM_RESTART_COUNT:-0} restarts; submit the job again to go on"
  elif [ "$before" = "$(progress_of "$store")" ] && { [ $stop = 0 ] || [ $SECONDS -ge $needed ]; }; then
    echo "impsweep: nothing was achieved since the start of this job; it does not queue itself again"
  else
    echo "impsweep: work is left; restart $((${SLURM_RESTART_COUNT:-0} + 1))"
    scontrol requeue "$SLURM_JOB_ID"
    exit 0
  fi
  exit 3
}
