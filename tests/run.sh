#!/usr/bin/env bash
# Installs what is missing, builds one preset and runs its tests. Bare Debian 12, root or sudo, a fresh clone is enough.
# The last line is `N passed, N failed`, counted in test cases; the exit code is 0 only if none failed.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: tests/run.sh [--preset P] [--label L] [--exclude-label L] [--test REGEX] [--full] [--fresh]

  --preset P         release (default), dev, asan, tsan, coverage: a preset of CMakePresets.json
  --label L          only tests with that label: short, long (more than 10 s), threaded (worth a run under tsan)
  --exclude-label L  all but those
  --test REGEX       only tests whose name matches, e.g. --test fault.kill
  --full             the long forms: 500 kills, 50,000 model runs, many cycles of a full disk (about an hour)
  --fresh            first broker/run.sh, then this with the other options, on a bare Debian 12 made by debootstrap

Single tests: ctest --test-dir build/release -R integration.stream --output-on-failure
One Python file by hand: PRISMBUS_BIN=build/release/bin /usr/bin/python3 tests/fault/kill_test.py --kills 100 --seed 7
TEXT
}

rest=()
for word; do [ "$word" = --fresh ] || rest+=("$word"); done
[ ${#rest[@]} -eq $# ] || exec "$(dirname "$0")/fresh.sh" "${rest[@]}"

preset=release
select=()
while [ $# -gt 0 ]; do
  case "$1" in
    --preset) preset=${2:?--preset needs a name}; shift ;;
    --label) select+=(-L "^${2:?--label needs a label}\$"); shift ;;
    --exclude-label) select+=(-LE "^${2:?--exclude-label needs a label}\$"); shift ;;
    --test) select+=(-R "${2:?--test needs a pattern}"); shift ;;
    --full) export PRISMBUS_FULL=1 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

cd "$(dirname "$0")/.."
jobs=$(nproc)
build=build/$preset
broker/install_packages.sh broker/packages.build tests/packages.test

echo "== configure and build: $preset"
mkdir -p "$build"
cmake --preset "$preset" >"$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
if [ ${#select[@]} -eq 0 ]; then
  cmake --build "$build" -j "$jobs"
else
  # Linking is what sanitizers make slow: only what the selected tests run.
  mapfile -t targets < <(/usr/bin/python3 tests/selected_targets.py "$build" "${select[@]}")
  [ ${#targets[@]} -eq 0 ] || cmake --build "$build" -j "$jobs" --target "${targets[@]}"
fi

run=()
case "$preset" in
  asan)
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
    export PRISMBUS_TIME_SLACK=10 PRISMBUS_MEMORY_JUDGED=0 ;;
  tsan)
    export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp second_deadlock_stack=1"
    export PRISMBUS_TIME_SLACK=20 PRISMBUS_MEMORY_JUDGED=0
    # Newer kernels randomise more address bits than this libtsan knows how to shadow.
    run=(setarch "$(uname -m)" -R) ;;
  coverage) export PRISMBUS_TIME_SLACK=4 ;;
esac

echo "== test: $preset ${select[*]}"
junit=$PWD/$build/tests.xml
rm -f "$junit"
"${run[@]}" ctest --test-dir "$build" -j "$jobs" --output-on-failure --no-tests=error --output-junit "$junit" \
  --test-output-size-passed 1000000 --test-output-size-failed 1000000 "${select[@]}" || true
exec /usr/bin/python3 tests/count_cases.py "$junit"
