# How Slurm does things, for common.sh; sourced by sweep.sbatch and array.sbatch.
job_id=$SLURM_JOB_ID
restarts=${SLURM_RESTART_COUNT:-0}
queue_again() { timeout 60 scontrol requeue "$job_id"; }
source "$here/common.sh"
