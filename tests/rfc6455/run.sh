#!/bin/sh
# The Autobahn suite against both kinds of connection; writes docs/rfc6455.md. About two minutes.
# tests/rfc6455/run.sh    wants Python 2.7 ($PYTHON2, or python2.7 as found), for which the suite is written, its pip, and
#                         an index; everything is installed into a temporary folder and gone afterwards
set -eu
cd "$(dirname "$0")/../.."
python2=$(command -v "${PYTHON2:-python2.7}") || { echo "needs Python 2.7: PYTHON2=/path/to/python2.7 $0" >&2; exit 2; }
python=${PYTHON:-.venv/bin/python}
folder=$(mktemp -d)
servers=
trap 'kill $servers 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

PYTHONPATH= "$python2" -m pip install -q --disable-pip-version-check \
    -t "$folder/site" autobahntestsuite==25.10.1 2>"$folder/log" || { cat "$folder/log" >&2; exit 1; }
# A folder on PYTHONPATH would not do: the namespace package of zope is made by a .pth file.
cat >"$folder/wstest.py" <<END
import site
site.addsitedir("$folder/site")
from autobahntestsuite.wstest import run
run()
END

"$python" -m tests.rfc6455.echo "$folder/handed_over" handed_over &
servers=$!
"$python" -m tests.rfc6455.echo "$folder/attached" attached &
servers="$servers $!"
for name in handed_over attached; do
    tries=0
    until [ -s "$folder/$name" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { echo "the echo server did not start" >&2; exit 1; }
        sleep 0.1
    done
done

cat >"$folder/spec.json" <<END
{
  "outdir": "$folder/report",
  "servers": [
    {"agent": "handed over", "url": "ws://127.0.0.1:$(cat "$folder/handed_over")"},
    {"agent": "attached", "url": "ws://127.0.0.1:$(cat "$folder/attached")"}
  ],
  "cases": ["*"],
  "exclude-cases": ["12.*", "13.*"],
  "exclude-agent-cases": {}
}
END
PYTHONPATH= timeout 1800 "$python2" "$folder/wstest.py" -m fuzzingclient -s "$folder/spec.json" >"$folder/log" 2>&1 ||
    { tail -n 20 "$folder/log" >&2; exit 1; }
"$python" -m tests.rfc6455.record "$folder/report/index.json" docs/rfc6455.md
