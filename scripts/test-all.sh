#!/usr/bin/env bash
# Every test: Node's, then those of the Python SDK. The last line is the total of both, `N passed, N failed`.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

output=$(mktemp)
trap 'rm -f "$output"' EXIT
scripts/test.sh | tee "$output"
node_status=${PIPESTATUS[0]}
scripts/test-python.sh | tee -a "$output"
python_status=${PIPESTATUS[0]}

grep -E '^[0-9]+ passed, [0-9]+ failed$' "$output" |
  awk '{ passed += $1; failed += $3 } END { printf "%d passed, %d failed\n", passed, failed }'
[ "$node_status" -eq 0 ] && exit "$python_status"
exit "$node_status"
