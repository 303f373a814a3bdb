"""httpx's transport to one daemon, without what a daemon does not use."""

from __future__ import annotations

import ssl
from weakref import WeakSet

import httpx

from .connection import AsyncConnection
from .socket_stream import AsyncSocketStream


class AsyncHttpTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over kept connections, as many as there are requests at once: no proxies, no HTTP/2, no limits. It takes less than
    half of the processor time of `httpx.AsyncHTTPTransport`, which was most of what a short call costs."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """
        Args:
            tls: for `https` URLs
        """
        self._tls = tls
        #: The last used at the end: those at its beginning grow old.
        self._idle: list[AsyncConnection] = []
        self._open: WeakSet[AsyncConnection] = WeakSet()
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        connection = await self._kept()
        if connection is None:
            connection = await self._connected(request)
        return await connection.send(request)

    async def _kept(self) -> AsyncConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable():
                return connection
            await connection.aclose()
        return None

    async def _connected(self, request: httpx.Request) -> AsyncConnection:
        url = request.url
        is_tls = url.scheme == "https"
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        stream = await AsyncSocketStream.connect(
            url.raw_host.decode("ascii"),
            url.port or (443 if is_tls else 80),
            self._tls if is_tls else None,
            timeouts.get("connect"),
        )
        connection = AsyncConnection(stream, self._give_back)
        self._open.add(connection)
        return connection

    def _give_back(self, connection: AsyncConnection) -> bool:
        if self._is_closed:
            return False
        self._idle.append(connection)
        return True

    async def aclose(self) -> None:
        """Ends every connection; what is under way fails."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            self._open.discard(connection)
            await connection.aclose()
        for connection in list(self._open):
            connection.abort()
