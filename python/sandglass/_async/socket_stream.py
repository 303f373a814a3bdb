"""The bytes of one connection; the other is `_sync/socket_stream.py`, with the same names."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import Any, cast

import httpx

from .._readiness import is_readable, keepalive_options

#: What is held of bytes that nobody has asked for yet.
_MAX_HELD_BYTES = 256 * 1024
_NEXT_ADDRESS_SECONDS = 0.25


class AsyncSocketStream(asyncio.Protocol):
    """A connected socket of the running event loop. What fails raises httpx's own errors; time limits are seconds, None waits for ever."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._is_reading_paused = False
        self._is_writing_paused = False
        self._is_over = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    @classmethod
    async def connect(
        cls, host: str, port: int, tls: ssl.SSLContext | None, seconds: float | None
    ) -> AsyncSocketStream:
        """To the first address of the host that answers."""
        loop = asyncio.get_running_loop()
        name = host if tls is not None else None
        # Other loops, as uvloop, try one address after the other, and know no such option.
        sooner: dict[str, Any] = (
            {"happy_eyeballs_delay": _NEXT_ADDRESS_SECONDS} if isinstance(loop, asyncio.BaseEventLoop) else {}
        )
        made = loop.create_connection(cls, host, port, ssl=tls, server_hostname=name, **sooner)
        try:
            _, stream = await asyncio.wait_for(made, seconds)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from _one_of_several(error)
        except UnicodeError as error:
            raise httpx.ConnectError(str(error)) from error
        return stream

    async def send(self, data: bytes, seconds: float | None) -> None:
        if self._is_over:
            raise httpx.WriteError(str(self._error or "the connection has ended")) from self._error
        self._transport.write(data)
        while self._is_writing_paused:
            self._writer = self._loop.create_future()
            await self._wait(self._writer, seconds, httpx.WriteTimeout)
            if self._is_over:
                raise httpx.WriteError(str(self._error or "the connection has ended")) from self._error

    async def receive(self, seconds: float | None) -> bytes:
        """What has come, at least a byte; empty where the peer has ended the connection."""
        while not self._held:
            if self._error is not None:
                raise httpx.ReadError(str(self._error)) from self._error
            if self._is_over:
                return b""
            self._reader = self._loop.create_future()
            await self._wait(self._reader, seconds, httpx.ReadTimeout)
        return self._take()

    async def receive_now(self) -> bytes | None:
        """As `receive`, without waiting; None where nothing has come, but for what belongs to TLS."""
        if not self._held and not self._is_over:
            # The loop looks at the socket.
            await asyncio.sleep(0)
        return await self.receive(None) if self._held or self._is_over else None

    def _take(self) -> bytes:
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        if self._is_reading_paused:
            self._is_reading_paused = False
            self._transport.resume_reading()
        return data

    def has_news(self) -> bool:
        """Bytes have come, or the end of the connection; the loop may not have looked yet."""
        if self._held or self._is_over:
            return True
        found = self._transport.get_extra_info("socket")
        return found is not None and is_readable(found.fileno())

    def is_reusable(self) -> bool:
        """Whether a request can be sent behind the last answer. A connection belongs to the loop that it was made in, and to its process."""
        return (
            self._loop is asyncio.get_running_loop() and self._process == os.getpid() and not self.has_news()
        )

    async def aclose(self) -> None:
        self.abort()
        # The loop closes the socket in its next turn, which may be long in coming.
        await asyncio.sleep(0)

    def abort(self) -> None:
        """Ends it under who reads or writes it."""
        self._is_over = True
        if not self._loop.is_closed():
            self._transport.abort()

    def get_extra_info(self, name: str) -> Any:
        """As httpcore's network streams: the socket under a body that is read."""
        return self._transport.get_extra_info(name)

    async def _wait(
        self, future: asyncio.Future[None], seconds: float | None, kind: type[httpx.TimeoutException]
    ) -> None:
        if seconds is None:
            return await future

        def expire() -> None:
            if not future.done():
                future.set_exception(kind(f"{seconds:g} seconds are over"))

        timer = self._loop.call_later(seconds, expire)
        try:
            return await future
        finally:
            timer.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Those of other loops are not made of asyncio's own class.
        self._transport = cast(asyncio.Transport, transport)
        found = transport.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option in keepalive_options():
                found.setsockopt(*option)

    def data_received(self, data: bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _MAX_HELD_BYTES and not self._is_reading_paused:
            self._is_reading_paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> None:
        self._is_over = True
        _wake(self._reader)

    def connection_lost(self, error: Exception | None) -> None:
        self._is_over = True
        self._error = error
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        self._is_writing_paused = True

    def resume_writing(self) -> None:
        self._is_writing_paused = False
        _wake(self._writer)


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _one_of_several(error: OSError) -> OSError:
    """Several addresses failed, each its own way: their errors are only words in the one of asyncio."""
    if error.errno is None and f"[Errno {errno.ECONNREFUSED}]" in str(error):
        return ConnectionRefusedError(errno.ECONNREFUSED, str(error))
    return error
