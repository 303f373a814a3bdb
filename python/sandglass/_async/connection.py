"""One kept connection: a request, its answer, the next request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from .._http1 import MAX_HEAD_BYTES, Body, ResponseHead, body_of, chunk, parse_head, request_head
from .socket_stream import AsyncSocketStream

#: The daemon keeps an idle connection for 75 seconds; one is better given up before that.
_KEEPALIVE_SECONDS = 60.0
#: A body up to this leaves in one write together with its head.
_ONE_WRITE_BYTES = 64 * 1024


class AsyncConnection:
    """Used by one request at a time, from `send` until its answer was read to the end or closed."""

    def __init__(self, stream: AsyncSocketStream, give_back: Callable[[AsyncConnection], bool]) -> None:
        """
        Args:
            give_back: told when another request may follow; False where there will be none
        """
        self._stream = stream
        self._give_back = give_back
        #: What came and has not been looked at.
        self._rest = b""
        self._idle_since = 0.0

    def is_reusable(self) -> bool:
        """Whether an idle one is still good, as far as can be known without sending."""
        return time.monotonic() - self._idle_since < _KEEPALIVE_SECONDS and self._stream.is_reusable()

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Sends one request; the answer's body is the caller's to read to its end or close."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        try:
            is_sent, head = await self._send(request, timeouts)
            while head is None or head.status < 200:
                head = await self._next_head(timeouts.get("read"))
            body = body_of(head, request.method)
        except BaseException:
            await self.aclose()
            raise
        answered = AsyncAnswerBody(self, body, timeouts, is_reusable=is_sent and head.is_persistent)
        return httpx.Response(
            head.status,
            headers=head.headers,
            stream=answered,
            extensions={"network_stream": self._stream},
            request=request,
        )

    async def _send(
        self, request: httpx.Request, timeouts: dict[str, float | None]
    ) -> tuple[bool, ResponseHead | None]:
        """Whether all of it was sent, and the head of an answer that did not wait for that."""
        limit = timeouts.get("write")
        head = request_head(request.method.encode(), request.url.raw_path, request.headers.raw)
        content: Any = request.stream
        try:
            if isinstance(content, httpx.ByteStream):
                whole = b"".join(content)
                if len(whole) <= _ONE_WRITE_BYTES:
                    await self._stream.send(head + whole, limit)
                else:
                    await self._stream.send(head, limit)
                    await self._stream.send(whole, limit)
                return True, None
            await self._stream.send(head, limit)
            is_chunked = "transfer-encoding" in request.headers
            async for piece in content:
                if not piece:
                    continue
                # An answer before the end of the upload is a refusal: sending the rest would be for nobody.
                if (early := await self._early_head()) is not None:
                    return False, early
                await self._stream.send(chunk(piece) if is_chunked else piece, limit)
            if is_chunked:
                await self._stream.send(chunk(b""), limit)
            return True, None
        except httpx.WriteError:
            # Who refuses an upload answers and closes; what it said may be there already.
            if (early := await self._early_head()) is None:
                raise
            return False, early

    async def _early_head(self) -> ResponseHead | None:
        """The head of what is there by now; None where that is none yet."""
        while self._stream.has_news() and (data := await self._stream.receive_now()) is not None:
            if not data:
                raise httpx.RemoteProtocolError("the connection ended before all of the request was sent")
            self._rest += data
            while (head := self._parsed_head()) is not None:
                if head.status >= 200:
                    return head
        return None

    async def _next_head(self, limit: float | None) -> ResponseHead:
        while (head := self._parsed_head()) is None:
            data = await self._stream.receive(limit)
            if not data:
                raise httpx.RemoteProtocolError("the connection ended without an answer")
            self._rest += data
        return head

    def _parsed_head(self) -> ResponseHead | None:
        end = self._rest.find(b"\r\n\r\n")
        if max(end, len(self._rest) if end == -1 else 0) > MAX_HEAD_BYTES:
            raise httpx.RemoteProtocolError("the head of the answer is too long")
        if end == -1:
            return None
        head = parse_head(self._rest[:end])
        self._rest = self._rest[end + 4 :]
        return head

    async def receive(self, limit: float | None) -> bytes:
        """What has come of a body; empty where the connection has ended."""
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        return await self._stream.receive(limit)

    async def done(self) -> None:
        """Its answer was read to the end."""
        self._idle_since = time.monotonic()
        if self._rest or not self._give_back(self):
            await self.aclose()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def abort(self) -> None:
        """Ends it under who uses it."""
        self._stream.abort()


class AsyncAnswerBody(httpx.AsyncByteStream):
    """What follows a head, without its framing."""

    def __init__(
        self, connection: AsyncConnection, body: Body, timeouts: dict[str, float | None], *, is_reusable: bool
    ) -> None:
        self._connection: AsyncConnection | None = connection
        self._body = body
        self._timeouts = timeouts
        self._is_reusable = is_reusable

    @property
    def is_complete(self) -> bool:
        """Whether all of it has come, so that reading on waits for nothing."""
        return self._body.is_complete

    def __aiter__(self) -> AsyncAnswerBody:
        return self

    async def __anext__(self) -> bytes:
        while self._connection is not None and not self._body.is_complete:
            data = await self._connection.receive(self._timeouts.get("read"))
            if not data:
                self._is_reusable = False
                self._body.end()
            elif content := self._body.push(data):
                return content
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """One that was not read to its end takes its connection with it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._is_reusable and self._body.is_complete and not self._body.has_excess:
            await connection.done()
        else:
            await connection.aclose()
