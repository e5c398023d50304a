#!/bin/sh
# Everything needed, then `kos ARGS`; without ARGS `kos up`, which plays a seeded event.
set -eu
from=$PWD
cd "$(dirname "$0")"
. ./requirements/sync.sh
sync_packages base
kos=$PWD/.venv/bin/kos
cd "$from"
[ $# -gt 0 ] || set -- up
exec "$kos" "$@"
