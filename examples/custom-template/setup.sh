#!/bin/sh
# Makes what sandglass.config.ts mounts. With a network, drop --without-pip and install into it:
#   /usr/bin/python3 -m venv .venv && .venv/bin/pip install numpy
set -eu
cd "$(dirname "$0")"
# The interpreter has to be one of /usr: that is what sandboxes have of this machine.
[ -e .venv/pyvenv.cfg ] || /usr/bin/python3 -m venv --without-pip .venv
