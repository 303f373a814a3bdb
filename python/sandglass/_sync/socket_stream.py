"""The bytes of one connection; the other is `_async/socket_stream.py`, with the same names."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any

import httpx

from .._readiness import is_readable, keepalive_options

_READ_BYTES = 64 * 1024


class SocketStream:
    """A connected socket. What fails raises httpx's own errors; time limits are seconds, None waits for ever."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._limit = connected.gettimeout()
        self._process = os.getpid()

    @classmethod
    def connect(cls, host: str, port: int, tls: ssl.SSLContext | None, seconds: float | None) -> SocketStream:
        """To the first address of the host that answers; the time limit is of each step."""
        connected: socket.socket | None = None
        try:
            connected = socket.create_connection((host, port), seconds)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in keepalive_options():
                connected.setsockopt(*option)
            if tls is not None:
                connected = tls.wrap_socket(connected, server_hostname=host)
            return cls(connected)
        except BaseException as error:
            if connected is not None:
                connected.close()
            if isinstance(error, TimeoutError):
                raise httpx.ConnectTimeout(str(error)) from error
            if isinstance(error, (OSError, UnicodeError)):
                raise httpx.ConnectError(str(error)) from error
            raise

    def send(self, data: bytes, seconds: float | None) -> None:
        self._limit_to(seconds)
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error

    def receive(self, seconds: float | None) -> bytes:
        """What has come, at least a byte; empty where the peer has ended the connection."""
        self._limit_to(seconds)
        try:
            return self._socket.recv(_READ_BYTES)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    def receive_now(self) -> bytes | None:
        """As `receive`, without waiting; None where nothing has come, but for what belongs to TLS."""
        self._limit_to(0)
        try:
            return self._socket.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    def has_news(self) -> bool:
        """Bytes have come, or the end of the connection."""
        return is_readable(self._socket.fileno())

    def is_reusable(self) -> bool:
        """Whether a request can be sent behind the last answer. Of what a forked process was born with, its parent is the owner."""
        return self._process == os.getpid() and not self.has_news()

    def close(self) -> None:
        self._socket.close()

    def abort(self) -> None:
        """Ends it under who reads or writes it in another thread, who then closes it."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def get_extra_info(self, name: str) -> Any:
        """As httpcore's network streams: the socket under a body that is read."""
        return self._socket if name == "socket" else None

    def _limit_to(self, seconds: float | None) -> None:
        # Each change is a call of the system.
        if seconds != self._limit:
            self._socket.settimeout(seconds)
            self._limit = seconds
