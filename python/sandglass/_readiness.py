"""What both clients ask of a socket."""

from __future__ import annotations

import select
import socket
from functools import cache


def is_readable(descriptor: int) -> bool:
    """Whether reading would not wait: there are bytes, or the end; also of one that is closed already."""
    if descriptor < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


@cache
def keepalive_options() -> list[tuple[int, int, int]]:
    """A stream may be silent for hours: that its peer is gone has to be noticed by the system."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
