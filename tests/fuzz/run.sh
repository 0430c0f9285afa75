#!/bin/sh
# run.sh N [decoder ...]: N executions of each fuzz target, one after another, and a table of what came of it.
# Needs the fuzz preset's binaries: cmake --preset fuzz && ninja -C build/fuzz <decoder>_fuzz ...
# New inputs go to $FUZZ_OUT (default build/fuzz/corpus); findings stay in $FUZZ_OUT/<decoder>.finding-*.
set -u
executions=${1:?usage: run.sh N [decoder ...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
build=${FUZZ_BUILD:-$here/../../build/fuzz}
out=${FUZZ_OUT:-$build/corpus}
[ $# -gt 0 ] || set -- cursor names reply request seal stream value
failed=0
export ASAN_OPTIONS="quarantine_size_mb=8:${ASAN_OPTIONS:-}"  # so that the memory seen is the decoder's
printf '%-10s %12s %10s %9s %9s\n' decoder executions seconds coverage findings
for decoder; do
  mkdir -p "$out/$decoder" "$here/corpus/$decoder"
  log=$out/$decoder.log
  max_len=1024
  [ "$decoder" = names ] && max_len=400  # the table it is held against costs glob times key
  began=$(date +%s)
  "$build/bin/${decoder}_fuzz" -runs="$executions" -max_len="$max_len" -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=64 \
    -print_final_stats=1 -artifact_prefix="$out/$decoder.finding-" \
    "$out/$decoder" "$here/corpus/$decoder" "$here/corpus/any" "$here/../golden/wire" >"$log" 2>&1 || failed=1
  ended=$(date +%s)
  done_n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
  findings=$(find "$out" -maxdepth 1 -name "$decoder.finding-*" | wc -l)
  printf '%-10s %12s %10s %9s %9s\n' "$decoder" "${done_n:-?}" "$((ended - began))" "${coverage:-?}" "$findings"
done
exit $failed
