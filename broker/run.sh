#!/usr/bin/env bash
# Installs what is missing, builds the release preset and runs the main job: a broker in a scratch directory, an import
# of an exchange's configuration, three subscribers, live changes, a SIGKILL and a restart in the middle, and a last line
# that proves every copy equal to the broker (exit 1 if not). Bare Debian 12, root or sudo, a fresh clone is enough.
#   broker/run.sh                    the main job; under a minute after the build
#   broker/run.sh serve [ARGS...]    just the broker, e.g. broker/run.sh serve --data-dir data
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."
build=build/release
bin=$PWD/$build/bin
root=exchange
scratch='' broker_pid=''

case "${1-}" in
  '' | serve) ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

headline() { printf '\n== %s\n' "$*"; }

# run_quietly LOG COMMAND...: with a line of progress every few seconds; the log only if it fails.
run_quietly() {
  local log=$1 started=$SECONDS code=0 pid said='' now
  shift
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if [ $((SECONDS - started)) -ge 5 ]; then
      started=$SECONDS
      now=$(tail -n 1 "$log" | cut -c 1-100)
      [ "$now" = "$said" ] || printf '  %s\n' "$now"
      said=$now
    fi
  done
  wait "$pid" || code=$?
  [ "$code" -eq 0 ] || { cat "$log" >&2; exit "$code"; }
}

build_release() {
  broker/install_packages.sh broker/packages.build
  mkdir -p "$build"
  headline "build (release)"
  run_quietly "$build/configure.log" cmake --preset release
  run_quietly "$build/build.log" cmake --build "$build" -j "$(nproc)" --target prismbusd prismbus prismbus_main_job
  printf '  %s\n' "$bin"
}

# start_broker [ENDPOINT_REQUESTS ENDPOINT_CHANGES]: waits until it serves; sets broker_pid, requests, changes.
start_broker() {
  local ready=$scratch/ready.json deadline=$((SECONDS + 20))
  rm -f "$ready"
  "$bin/prismbusd" --data-dir "$scratch/data" --ready-file "$ready" --map-bytes 1GiB \
    --requests "${1:-tcp://127.0.0.1:0}" --changes "${2:-tcp://127.0.0.1:0}" >>"$scratch/broker.log" 2>&1 &
  broker_pid=$!
  until [ -e "$ready" ]; do
    if ! kill -0 "$broker_pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
      echo "the broker does not serve:" >&2
      tail -n 20 "$scratch/broker.log" >&2
      exit 1
    fi
    sleep 0.01
  done
  requests=$(sed -n 's/.*"requests":\["\([^"]*\)".*/\1/p' "$ready")
  changes=$(sed -n 's/.*"changes":\["\([^"]*\)".*/\1/p' "$ready")
  printf '  pid %s serves %s, changes on %s\n' "$broker_pid" "$requests" "$changes"
}

kill_and_restart() {
  headline "SIGKILL to $broker_pid, with writes in flight, and a restart on the same data"
  kill -KILL "$broker_pid"
  wait "$broker_pid" 2>/dev/null || true
  "$bin/prismbusd" check --data-dir "$scratch/data" | sed "s|$scratch/data|  check|; s|^sound|  sound|"
  start_broker "$requests" "$changes"
}

clean_up() {
  if [ -n "$broker_pid" ]; then
    kill -KILL "$broker_pid" 2>/dev/null || true
    wait "$broker_pid" 2>/dev/null || true
  fi
  [ -z "$scratch" ] || rm -rf "$scratch"
}

# A file's name as the last part of a namespace.
namespace_of() { basename "$1" | sed -e 's/\..*//' -e 's/[^A-Za-z0-9_-]/_/g' -e "s/^/$root./"; }

main_job() {
  local data=broker/sample log='' live='' file code=0 line
  [ -d ../shared/data ] && data=../shared/data
  scratch=$(mktemp -d)
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  export PRISMBUS_BROKER

  headline "a broker in $scratch"
  start_broker
  PRISMBUS_BROKER=$requests

  headline "import of the configuration in $data"
  for file in "$data"/*.yaml; do
    : "${live:=$(namespace_of "$file")}"
    printf '  %-30s ' "$(basename "$file")"
    "$bin/prismbus" import "$file" "$(namespace_of "$file")" --note 'main job' | tail -n 1
  done
  for file in "$data"/*.jsonl "$data"/*.jsonl.gz; do [ -e "$file" ] && log=$file; done
  case "$log" in
    *.gz) gzip -dc "$log" >"$scratch/log.jsonl" ;;
    *) cp "$log" "$scratch/log.jsonl" ;;
  esac
  "$bin/prismbus" namespaces | sed 's/^/  /'

  headline "three subscribers, and $(basename "$log") replayed: $(wc -l <"$scratch/log.jsonl") transactions with updates beside"
  # The program says "half way" and goes on writing; the broker is killed under it.
  exec 3< <("$bin/prismbus_main_job" "$requests" "$root" "$live" "$(namespace_of "$log")" "$scratch/log.jsonl" 8 2>&1; echo "code $?")
  while IFS= read -r line <&3; do
    case "$line" in
      'half way') kill_and_restart; headline "on we go" ;;
      'code '*) code=${line#code } ;;
      PROVEN* | FAILED*) verdict=$line ;;
      *) printf '%s\n' "$line" ;;
    esac
  done

  headline "the broker's own view, then TERM"
  "$bin/prismbus" status | sed 's/^/  /'
  kill -TERM "$broker_pid"
  wait "$broker_pid" && printf '  ended with 0\n' || { printf '  ended with %s\n' $?; code=1; }
  broker_pid=''
  "$bin/prismbusd" check --data-dir "$scratch/data" | sed "s|$scratch/data|  check|; s|^sound|  sound|" || code=1
  printf '\n%s\n' "${verdict:-FAILED: the main job gave no verdict}"
  [ "$code" -eq 0 ] && [[ ${verdict-} == PROVEN* ]]
}

build_release
if [ "${1-}" = serve ]; then
  shift
  cd "$here"
  exec "$bin/prismbusd" "$@"
fi
main_job
