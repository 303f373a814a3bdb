# Puts a Node that runs Sandglass first on PATH: the user's own when it is new enough, else the one that
# `make setup` fetched into .toolchain/. To be sourced by bash; returns 1 and changes nothing when there is none.

SANDGLASS_NODE_MAJOR=24

# Prints the major version of the given node program, or 0 when it does not run.
sandglass_node_major() {
  local version
  version=$("$1" --version 2>/dev/null) || version=v0
  version=${version#v}
  echo "${version%%.*}"
}

sandglass_use_node() {
  local root=$1 fetched=$1/.toolchain/node_modules/.bin
  if command -v node >/dev/null && [ "$(sandglass_node_major node)" -ge "$SANDGLASS_NODE_MAJOR" ]; then
    return 0
  fi
  if [ -x "$fetched/node" ] && [ "$(sandglass_node_major "$fetched/node")" -ge "$SANDGLASS_NODE_MAJOR" ]; then
    export PATH="$fetched:$PATH"
    return 0
  fi
  return 1
}

sandglass_use_node "$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
