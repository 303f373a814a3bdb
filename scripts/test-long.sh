#!/usr/bin/env bash
# The long forms: hundreds of kills, an hour of soak, every position of more records. Tests ask for them by SANDGLASS_LONG=1; files that
# have no short form are named *.long.test.ts.
#
#   scripts/test-long.sh                             all of it, about two hours
#   scripts/test-long.sh tests/record/kills.test.ts  only these files
#   SANDGLASS_SOAK_SECONDS=600 scripts/test-long.sh  with a shorter soak
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <({
    find packages/*/src tests -name node_modules -prune -o \( -name '*.long.test.ts' -o -path 'tests/record/*.test.ts' \) -print
    grep -rl --include='*.test.ts' --exclude-dir=node_modules isLong tests
  } | sort -u)
fi
export SANDGLASS_LONG=1 SANDGLASS_TEST_RUN_SECONDS=${SANDGLASS_TEST_RUN_SECONDS:-21600}
export SANDGLASS_TEST_FILE_SECONDS=${SANDGLASS_TEST_FILE_SECONDS:-5400} # an hour of soak, and what comes before and after
exec scripts/test.sh --test-timeout=3600000 "${files[@]}"
