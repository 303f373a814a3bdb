#!/usr/bin/env bash
# The Python client with what its tests and benchmarks need, in an environment of its own: .toolchain/python, beside node_modules, which
# `npm ci` empties. Made again when what is to be installed changes; quiet where it is in place.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../python" || exit 1

environment=../.toolchain/python
wanted="$(sha256sum <pyproject.toml) $(python3 --version)"
[ "$(cat "$environment/.installed" 2>/dev/null)" = "$wanted" ] && exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
rm -rf "$environment"
if ! { python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' && python3 -m venv "$environment" &&
  "$environment/bin/pip" install --quiet --disable-pip-version-check --editable '.[test]'; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "python: no environment in .toolchain/python (it takes Python 3.10 or newer with venv: Debian's python3-venv)" >&2
  exit 1
fi
echo "$wanted" >"$environment/.installed"
