#!/usr/bin/env bash
# Format and lint rules, types, and drift of generated files. Runs all three, fails when one does.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/node-env.sh || { echo 'run `make setup` first' >&2; exit 1; }
export PATH="$PWD/node_modules/.bin:$PATH"

failed=()
check() {
  local name=$1
  shift
  echo "lint: $name"
  "$@" || failed+=("$name")
}

check "format and rules" biome check --error-on-warnings --max-diagnostics=50 .
check "types" tsc --noEmit
check "types of the console" tsc --noEmit -p packages/console
check "generated files" scripts/check-drift.sh
check "docs for programs" node --disable-warning=ExperimentalWarning scripts/generate-llms.ts --check

if [ ${#failed[@]} -gt 0 ]; then
  printf -v list '%s, ' "${failed[@]}"
  echo "lint: failed: ${list%, } (npx biome check --write FILE repairs the format of a file)" >&2
  exit 1
fi
echo "lint: clean"
