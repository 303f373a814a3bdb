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

totals=$(mktemp)
trap 'rm -f "$totals"' EXIT

status=1
if [ ${#files[@]} -gt 0 ]; then
  # The limit on the whole run is for a file that leaves a handle open: Node waits for it for ever.
  timeout --foreground -k 10 "${SANDGLASS_TEST_RUN_SECONDS:-1800}" \
    node --disable-warning=ExperimentalWarning --test --test-concurrency=2 --test-timeout=120000 \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=./scripts/test-totals.ts --test-reporter-destination="$totals" \
    "${options[@]}" "${files[@]}"
  status=$?
  [ "$status" -eq 124 ] && echo "test: stopped, the run took longer than ${SANDGLASS_TEST_RUN_SECONDS:-1800} s" >&2
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
