#!/usr/bin/env bash
# Runs the tests with Node's own runner. The last line is `N passed, N failed`, counted in this very run.
#
#   scripts/test.sh                               all but *.long.test.ts
#   scripts/test.sh packages/sdk/src/run.test.ts  only these files
#   scripts/test.sh --test-name-pattern=fork      options go to node
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/node-env.sh || { echo 'run `make setup` first' >&2; exit 1; }

options=() files=()
for argument in "$@"; do
  case "$argument" in
    -*) options+=("$argument") ;;
    *) files+=("$argument") ;;
  esac
done
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(find packages/*/src tests -name node_modules -prune -o -name '*.test.ts' ! -name '*.long.test.ts' -print 2>/dev/null | sort)
fi

# Every test file and every daemon is a process of its own: sources are stripped of their types and compiled once, not by each.
export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$PWD/.toolchain/compiled}

run_seconds=${SANDGLASS_TEST_RUN_SECONDS:-3600}
file_seconds=${SANDGLASS_TEST_FILE_SECONDS:-720}

# Node waits for ever for a file whose process does not end, be it for a handle left open or hung at its very end.
# One that takes too long is ended and fails by its name; the others go on.
end_hung_files() {
  while sleep 20; do
    ps --ppid "$(pgrep -P $$ -x timeout | head -n 1)" -o pid= 2>/dev/null | while read -r runner; do
      ps --ppid "$runner" -o pid=,etimes=,args= | awk -v most="$file_seconds" '$2 > most' | while read -r pid seconds args; do
        echo "test: ended after $seconds s: ${args##* }" >&2
        kill -KILL "$pid"
      done
    done
  done
}

totals=$(mktemp)
# By its sleep, which would keep a pipe open that this is read through; of this signal bash prints nothing.
trap 'rm -f "$totals"; [ -z "${watch:-}" ] || pkill -PIPE -P "$watch" || kill "$watch"' EXIT

status=1
if [ ${#files[@]} -gt 0 ]; then
  end_hung_files &
  watch=$!
  timeout --foreground -k 10 "$run_seconds" \
    node --disable-warning=ExperimentalWarning --import "$PWD/scripts/end-tests.ts" --test --test-concurrency=2 --test-timeout=120000 \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./scripts/test-totals.ts --test-reporter-destination="$totals" \
    "${options[@]}" "${files[@]}"
  status=$?
  [ "$status" -eq 124 ] && echo "test: stopped, the run took longer than $run_seconds s" >&2
fi

line=$(tail -n 1 "$totals")
line=${line:-0 passed, 0 failed}
case "$line" in
  "0 passed, 0 failed")
    echo "test: no test was executed" >&2
    [ "$status" -eq 0 ] && status=1
    ;;
  *", 0 failed") ;;
  *) [ "$status" -eq 0 ] && status=1 ;;
esac
echo "$line"
exit "$status"
