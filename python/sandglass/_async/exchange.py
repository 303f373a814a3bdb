"""HTTP requests as they go over the wire. The one module that imports httpx, when the first call is made."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any

import httpx

from .._error import SandglassError
from ..errors import ConnectionError, InvalidRequestError, TimeoutError

#: The daemon keeps an idle connection for 75 seconds; one is better given up before that.
_KEEPALIVE_SECONDS = 60.0
_SENDABLE = re.compile(r"[\t\x20-\x7e]*")

#: A connection broke after it had been made: the request may or may not have arrived.
RESETS = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)


class AsyncExchange:
    """The connections to one daemon: kept alive, without Nagle's delay.

    httpx's transport rather than its client: no proxies, cookies, redirects and hooks, which a daemon does not use, and half
    of the time of a call.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        # Loading the certificate authorities takes longer than all else together, and plain HTTP has no use for them.
        verify: Any = True if base_url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._transport = httpx.AsyncHTTPTransport(
            verify=verify,
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=None, keepalive_expiry=_KEEPALIVE_SECONDS
            ),
            socket_options=_keepalive_options(),
        )

    async def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        content: bytes | Iterable[bytes] | AsyncIterable[bytes] | None,
        timeouts: dict[str, float | None],
    ) -> httpx.Response:
        """Sends one request; the answer's body is the caller's to read to its end or close.

        Args:
            timeouts: of httpx. It is looked at again when the body begins: what is changed until then counts for the body
        """
        for name, value in headers.items():
            if _SENDABLE.fullmatch(value) is None:
                raise InvalidRequestError(f"the header {name} holds characters that cannot be sent")
        request = httpx.Request(
            method,
            self.base_url + path,
            headers=headers,
            content=content,
            extensions={"timeout": timeouts},
        )
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


async def read_body(
    response: httpx.Response, max_bytes: float = float("inf"), deadline: float | None = None
) -> bytes:
    """The body, at most about `max_bytes` of it: the connection of a longer one is closed."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in chunks_of(response):
            chunks.append(chunk)
            size += len(chunk)
            if size > max_bytes:
                break
            if deadline is not None and time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer did not end in time")
    finally:
        await close_response(response)
    return b"".join(chunks)


def chunks_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it arrives."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return response.stream.__aiter__()


async def close_response(response: httpx.Response) -> None:
    """Lets go of an answer: a body that was not read to its end closes the connection."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    await response.stream.aclose()


def to_connection_error(
    error: Exception, base_url: str, what: str = "the request", timeout_ms: float = 0
) -> Exception:
    """An error of the HTTP client as one that says what to do; all others pass unchanged."""
    if isinstance(error, SandglassError) or not isinstance(error, (httpx.HTTPError, httpx.StreamError)):
        return error
    made: SandglassError
    if isinstance(error, httpx.TimeoutException):
        made = TimeoutError(
            f"no answer to {what} from {base_url} in {timeout_ms:g} ms",
            hint="raise request_timeout_ms, or look at the daemon's log",
        )
    elif isinstance(error, httpx.LocalProtocolError):
        # What it would say may hold the key.
        return InvalidRequestError("the request cannot be sent as it is").with_traceback(error.__traceback__)
    elif isinstance(error, httpx.ConnectError):
        made = _not_connected(error, base_url)
    else:
        made = ConnectionError(
            f"the connection to {base_url} failed: {error or type(error).__name__}",
            hint="look at the daemon's log; is it still running?",
        )
    made.__cause__ = error
    return made


def _not_connected(error: httpx.ConnectError, base_url: str) -> ConnectionError:
    reasons = list(_reasons(error))
    if any(isinstance(reason, socket.gaierror) for reason in reasons):
        return ConnectionError(
            f"the host of {base_url} cannot be resolved", hint="check SANDGLASS_URL or base_url"
        )
    if any(isinstance(reason, ConnectionRefusedError) for reason in reasons):
        return ConnectionError(
            f"nothing listens at {base_url}",
            hint="is the daemon running? start it with `sandglass serve`, or set SANDGLASS_URL",
        )
    return ConnectionError(
        f"the connection to {base_url} failed: {error}", hint="look at the daemon's log; is it still running?"
    )


def _reasons(error: BaseException | None, depth: int = 0) -> Iterable[BaseException]:
    """What an error came from, through the libraries between; several attempts at one host are a group."""
    if error is None or depth > 8:
        return
    yield error
    for inner in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        yield from _reasons(inner, depth + 1)


def _keepalive_options() -> list[tuple[int, int, int]]:
    """A stream may be silent for hours: that its peer is gone has to be noticed by the system."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
