#!/bin/sh
# The whole suite: format, lint, types, then every test on SQLite, a real PostgreSQL and a real Chromium.
# ./test.sh [--long] [pytest arguments]     --long runs all tests, at full size
set -eu
cd "$(dirname "$0")"
. ./requirements/sync.sh
. ./requirements/chromium.sh
if [ "${1:-}" = --long ]; then
    shift
    KOS_TEST_LONG=1
    export KOS_TEST_LONG
fi
sync_packages test
KOS_CHROMIUM=$(find_chromium) || exit 1
export KOS_CHROMIUM
PATH=$PWD/.venv/bin:$PATH
export PATH
# The tests start several hundred servers; one that has to compile its modules first takes a fifth longer.
unset PYTHONDONTWRITEBYTECODE
ruff check .
ruff format --check .
mypy
hadolint Dockerfile
# Five keep two cores busy: tests wait for browsers and other processes more than a third of their time.
exec pytest -n "${KOS_TEST_WORKERS:-5}" --dist loadfile --no-loadscope-reorder "$@"
