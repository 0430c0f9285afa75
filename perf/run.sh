#!/usr/bin/env bash
# Builds the release preset and runs every benchmark; the table goes to stdout and between the two marks in
# perf/README.md. Arguments go to prismbus_load (e.g. --rounds 5, --sustained-s 60, --scratch DIR).
# With a benchmark's name first (perf/run.sh puts ...) only that one runs and the README stays as it is.
# Exit: 0 all marks reached, 1 something could not be measured, 3 a mark was missed.
set -euo pipefail
cd "$(dirname "$0")/.."

names=" all disk get-single get-pipelined connections puts coalesced fan-out callback express acks start view fed seal "
names+="secured-gets core sealed-fan-out reconnects web-sockets "
what=all
if [[ $# -gt 0 && $names == *" $1 "* ]]; then
  what=$1
  shift
fi

cmake --preset release >/dev/null
cmake --build --preset release --target prismbus_load prismbusd prismbus >&2
load=build/release/bin/prismbus_load

rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
status=0
"$load" "$what" "$@" >"$rows" || status=$?
table() {
  echo "$(date -u +%Y-%m-%d), $("$load" machine)"
  echo
  echo "| what | ours | raw | ratio | mark | reached | n | conditions |"
  echo "|---|---|---|---|---|---|---|---|"
  cat "$rows"
}
table
if [[ $what == all && $status != 1 && $status != 2 ]]; then
  new=$(mktemp)
  { sed '/<!-- table -->/q' perf/README.md; echo; table; echo; sed -n '/<!-- end of table -->/,$p' perf/README.md; } >"$new"
  cat "$new" >perf/README.md
  rm -f "$new"
fi
exit "$status"
