#!/usr/bin/env bash
# Regenerates spec/ and fails when that changes a byte: what is committed must be what the protocol says.
# The comparison is with the files before, not with the last commit, so it can be run before committing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/node-env.sh || { echo 'run `make setup` first' >&2; exit 1; }

generator=packages/protocol/scripts/generate.ts
if [ ! -e "$generator" ]; then
  echo "drift: skipped, there is no $generator yet"
  exit 0
fi

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
mkdir -p spec
cp -R spec/. "$before"
node --disable-warning=ExperimentalWarning "$generator" >/dev/null
if ! git --no-pager diff --no-index --stat -- "$before" spec; then
  echo "drift: spec/ was not what the protocol says; it is now, please commit it" >&2
  exit 1
fi
