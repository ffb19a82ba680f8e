# What the scripts for Slurm, PBS and LSF share; sourced by them. Each says before how its batch system does things:
#
#   job_id, restarts     of this job; how often it was queued again
#   queue_again          a function that queues this job again
#   here                 the directory of these scripts
#
# Settings from the environment:
#   IMPSWEEP            the program (build/impsweep beside this directory or below the directory of submission)
#   IMPSWEEP_SLURM      the directory of these scripts, where it is not found
#   IMPSWEEP_RESTARTS   how often a job queues itself again at most (50)
#   IMPSWEEP_MPIRUN     more options for mpirun
#   IMPSWEEP_PAUSE      seconds between two verdicts (60 while mpirun runs, 10 after it)

find_program() {
  local place
  for place in "${IMPSWEEP:-}" "$here/../build/impsweep" ./build/impsweep "$(command -v impsweep)"; do
    [ -z "$place" ] || [ ! -x "$place" ] || { echo "$place"; return; }
  done
  echo "impsweep: no program in $here/../build or ./build; IMPSWEEP=PATH names it" >&2
  exit 2
}
impsweep=$(find_program) || exit 2

# The signal before the time limit may come early, even before mpirun has started: the flag remembers it.
stop=0
pid=
trap 'stop=1; [ -z "$pid" ] || kill -USR1 "$pid" 2> /dev/null' USR1 USR2 TERM

# Trainings in a store that are finished or have a checkpoint, and the checkpoints' content: what changes when
# anything was achieved.
progress_of() {
  { find "$1/rounds" -name '*.h5' | sort; find "$1/live" -name '*.h5' -exec cksum {} + | sort; } 2> /dev/null | cksum
}

# Seconds in which a job achieves something. One that is stopped sooner may just have been given too little time, as
# the signal before a short time limit can come right after the start.
needed=60

# Of the whole store: 0 complete, 1 only failures left, 2 its jobs are gone, 3 work left; others are no verdict: a file
# system that hangs, a program that was killed.
verdict_of() {
  timeout 600 "$impsweep" status "$1" --exit-code > /dev/null 2>&1
  echo $?
}

# Two verdicts that agree on 0, 1 or 2, or nothing: one alone may be a hiccup, and is not acted on.
agreed_verdict() {
  local first second
  first=$(verdict_of "$1")
  case $first in 0 | 1 | 2) ;; *) return ;; esac
  sleep "${IMPSWEEP_PAUSE:-$2}"
  second=$(verdict_of "$1")
  [ "$first" != "$second" ] || echo "$first"
}

# Ends an mpirun that has nothing left to do: where a whole node was lost, it waits for it as long as TCP does, which
# is a quarter of an hour.
end_when_done() {
  local verdict
  while sleep "${IMPSWEEP_PAUSE:-60}"; do
    verdict=$(agreed_verdict "$2" 60)
    case $verdict in 0 | 1) ;; *) continue ;; esac
    kill -9 "$1" 2> /dev/null
    return
  done
}

run_sweep() {
  if [ $# -lt 2 ]; then
    echo "impsweep: JOB.toml and STORE are missing; the first lines of the script say how it is submitted" >&2
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

  verdict=$(agreed_verdict "$store" 10)
  if [ -n "$verdict" ]; then
    timeout 600 "$impsweep" status "$store" | head -n 1
    exit "$verdict"
  fi
  # Work is left, by this job or by another task, or it could not be found out: then it is as if it were.
  if [ "$restarts" -ge "${IMPSWEEP_RESTARTS:-50}" ]; then
    echo "impsweep: work is left after $restarts restarts; submit the job again to go on"
  elif [ "$before" = "$(progress_of "$store")" ] && { [ $stop = 0 ] || [ $SECONDS -ge $needed ]; }; then
    echo "impsweep: nothing was achieved since the start of this job; it does not queue itself again"
  else
    echo "impsweep: work is left; restart $((restarts + 1))"
    queue_again || { echo "impsweep: the job could not be queued again; submit it once more to go on"; exit 3; }
    exit 0
  fi
  exit 3
}
