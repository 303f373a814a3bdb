"""HTTP requests as they go over the wire. The one module that imports httpx, when the first call is made."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from functools import lru_cache
from typing import Any

import httpx

from .._error import SandglassError
from ..errors import ConnectionError, InvalidRequestError, TimeoutError
from .http_transport import AsyncHttpTransport

_SENDABLE = re.compile(r"[\t\x20-\x7e]*")

#: A connection broke after it had been made: the request may or may not have arrived.
RESETS = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)


class AsyncExchange:
    """The connections to one daemon."""

    def __init__(
        self,
        base_url: str,
        ca: str | None = None,
        ca_file: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Args:
            transport: that of the program, who closes it; default: one of its own
        """
        self.base_url = base_url
        self._is_given = transport is not None
        self._transport = transport or AsyncHttpTransport(_trusted(base_url, ca, ca_file))
        self._host = (b"Host", httpx.URL(base_url).netloc)
        #: By path, as far as many calls have the same: reading one takes longer than sending a request.
        self._url = lru_cache(maxsize=64)(lambda path: httpx.URL(base_url + path))

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
        if _SENDABLE.fullmatch("".join(headers.values())) is None:
            name = next(name for name, value in headers.items() if _SENDABLE.fullmatch(value) is None)
            raise InvalidRequestError(f"the header {name} holds characters that cannot be sent")
        lines = [self._host, *((name.encode(), value.encode()) for name, value in headers.items())]
        if content is None or isinstance(content, bytes):
            whole = content or b""
            if content is not None or method == "POST":
                lines.append((b"Content-Length", b"%d" % len(whole)))
            body: Any = {"stream": httpx.ByteStream(whole)}
        else:
            body = {"content": content}
        # With a stream, httpx takes the headers as they are, which is a tenth of the time.
        request = httpx.Request(
            method, self._url(path), headers=lines, extensions={"timeout": timeouts}, **body
        )
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes every connection of its own; what is under way there fails."""
        if not self._is_given:
            await self._transport.aclose()


def _trusted(base_url: str, ca: str | None, ca_file: str | None) -> ssl.SSLContext | None:
    # Loading the certificate authorities takes longer than all else together, and plain HTTP has no use for them.
    if not base_url.startswith("https:"):
        return None
    context = httpx.create_ssl_context()
    if ca is not None or ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file, cadata=ca)
        except (ssl.SSLError, ValueError) as cause:
            raise InvalidRequestError(
                f"{ca_file or 'ca'} holds no certificate in PEM form",
                hint="give the certificate of the authority that signed the daemon's, not a key",
            ) from cause
    return context


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


#: What OpenSSL makes of an answer in plain HTTP.
_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


def _not_connected(error: httpx.ConnectError, base_url: str) -> ConnectionError:
    reasons = list(_reasons(error))
    if any(isinstance(reason, socket.gaierror) for reason in reasons):
        return ConnectionError(
            f"the host of {base_url} cannot be resolved", hint="check SANDGLASS_URL or base_url"
        )
    if any(isinstance(reason, ssl.SSLCertVerificationError) for reason in reasons):
        return ConnectionError(
            f"the certificate of {base_url} is not trusted: {error}",
            hint="where its authority is your own, give that certificate as ca_file or SANDGLASS_CA_FILE",
        )
    if any(isinstance(reason, ssl.SSLError) and reason.reason in _NOT_TLS for reason in reasons):
        return ConnectionError(
            f"what listens at {base_url} speaks http, not https",
            hint="write http:// in SANDGLASS_URL or base_url",
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
