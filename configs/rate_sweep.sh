#!/bin/sh
# A sweep in a shell loop: one run per rate, then one table. Arguments: a config, then the rates.
#   configs/rate_sweep.sh                      digits at six rates
#   configs/rate_sweep.sh mnist 0 0.2 0.5      another config, other rates
# RUNS is the folder that the run folders go to (default: runs/rate_sweep).
set -eu
config=${1:-digits}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- 0 0.1 0.2 0.3 0.5 0.7
runs=${RUNS:-runs/rate_sweep}

for rate in "$@"; do
    run=$(dropout train "$config" "dropout.rate=$rate" --runs-dir "$runs" --no-plots --quiet)
    echo "rate $rate: $run" >&2
done
dropout runs --runs-dir "$runs" --sort config.dropout.rate \
    --columns config.dropout.rate,epochs,val.accuracy,test.accuracy,test.nll
