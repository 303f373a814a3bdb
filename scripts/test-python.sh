#!/usr/bin/env bash
# The Python client: rules, types, drift of generated files, tests against a real daemon. The last line is `N passed, N failed`; a
# check that fails counts as one failed.
#
#   scripts/test-python.sh                          all of it
#   scripts/test-python.sh tests/test_pure.py -x    arguments go to pytest, and the checks are left out
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../python" || exit 1

passed=0 failed=0

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

if ! ../scripts/python-env.sh; then
  failed=1
  finish
fi
PATH=$(cd ../.toolchain/python/bin && pwd):$PATH

check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1))
    echo "python: $name: ok"
  else
    failed=$((failed + 1))
    printf 'python: %s: failed\n%s\n' "$name" "$output"
  fi
}

if [ $# -eq 0 ]; then
  check "rules" ruff check .
  check "format" ruff format --check .
  check "types" mypy
  check "what is generated from the protocol" python scripts/generate_protocol.py --check
  check "what is generated for the synchronous client" python scripts/generate_sync.py --check
fi

report=$(mktemp)
trap 'rm -f "$report"' EXIT
timeout --foreground -k 10 "${SANDGLASS_TEST_RUN_SECONDS:-600}" python -m pytest -q --junit-xml="$report" "$@"
status=$?
[ "$status" -eq 124 ] && echo "test-python: stopped, the run took too long" >&2
# shellcheck disable=SC2046 # three numbers
set -- $(python - "$report" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
try:
    suite = tree.parse(sys.argv[1]).getroot().find("testsuite").attrib
    total, skipped = int(suite["tests"]), int(suite["skipped"])
    bad = int(suite["failures"]) + int(suite["errors"])
    print(total - skipped - bad, bad)
except Exception:
    print(0, 1)
PYTHON
)
passed=$((passed + $1))
failed=$((failed + $2))
[ "$status" -ne 0 ] && [ "$failed" -eq 0 ] && failed=1
finish
