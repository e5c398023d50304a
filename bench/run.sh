#!/bin/sh
# Every measurement, then RESULTS.md: about 45 minutes on an otherwise idle machine with two cores or more.
# bench/run.sh [FOLDER]            results go to FOLDER/results and FOLDER/RESULTS.md, bench/ if not given
# bench/run.sh --quick FOLDER      the same in half a minute each, to see that the harness works
set -eu
cd "$(dirname "$0")/.."
. ./requirements/sync.sh
quick=
if [ "${1:-}" = --quick ]; then
    quick=--quick
    shift
    [ $# -gt 0 ] || { echo "--quick needs a folder of its own: its figures mean nothing" >&2; exit 2; }
fi
folder=${1:-bench}
sync_packages test
measure() {
    echo "== $*"
    measurement=$1
    shift
    .venv/bin/python -m "bench.$measurement" "$@" $quick --out "$folder/results"
}
measure ingest
measure million
measure latency
measure recount
measure viewers
measure overlays
if command -v gcc >/dev/null; then
    for measurement in saturated stalls handshakes crowd memory reconnect slow path; do
        measure "fanout.$measurement"
    done
    measure fanout.path --processes 2 --redis none
    measure fanout.path --processes 2 --redis single
    measure fanout.path --processes 2 --redis cluster
else
    echo "no gcc: the fan-out is not measured, its load clients are made with it" >&2
fi
.venv/bin/python -m bench.report --results "$folder/results"
