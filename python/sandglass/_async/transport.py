"""Calls of the API: retried, timed, traced."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from .._call import Call, path_of
from .._credentials import missing_key_hint
from .._error import SandglassError
from .._otel.instruments import Instruments
from .._otel.operation import Operation
from .._retry import REQUEST_BACKOFF
from ..errors import ConnectionError, UnauthorizedError, error_from_answer
from .runtime import sleep

if TYPE_CHECKING:
    import httpx

    from .exchange import AsyncExchange

T = TypeVar("T")

#: Longer than any error answer of the catalogue.
_MAX_ERROR_BYTES = 64 * 1024


class Answer(NamedTuple):
    """A successful answer whose body was read."""

    body: bytes
    headers: Mapping[str, str]


class AsyncTransport:
    """Sends calls over kept connections.

    A call whose connection is reset is sent again with growing waits: reads and deletes because they may be, POSTs because each carries an
    `Idempotency-Key`. An answer, whatever its status, is never retried.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: Callable[[], str | None],
        user_agent: str,
        request_timeout_ms: float | None = None,
        connect_timeout_ms: float | None = None,
        stream_retries: int | None = None,
        ca: str | None = None,
        ca_file: str | None = None,
        instruments: Instruments | None = None,
        http: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Args:
            base_url: as `resolve_base_url` gives it
            api_key: asked before each request: a daemon started later may have written it meanwhile
            request_timeout_ms: 0 is unlimited; default 60,000
            connect_timeout_ms: 0 leaves it to the operating system; default 10,000
            stream_retries: how often in a row a broken stream is picked up again
            ca: certificates of authorities to trust beside those of the system, in PEM form
            ca_file: a file of such
            http: what sends the requests; default: one of its own
        """
        self.base_url = base_url
        self.stream_retries = stream_retries
        self._api_key = api_key
        self._trust = (ca, ca_file)
        self._http = http
        self._user_agent = user_agent
        self._request_timeout_ms = 60_000 if request_timeout_ms is None else request_timeout_ms
        self._connect_timeout = _seconds(10_000 if connect_timeout_ms is None else connect_timeout_ms)
        self._instruments = instruments or Instruments()
        self._exchange: AsyncExchange | None = None
        self._is_closed = False
        url = urlsplit(base_url)
        self._server: dict[str, Any] = {
            "server.address": url.hostname or "",
            "server.port": url.port or (443 if url.scheme == "https" else 80),
        }

    async def json(self, call: Call, describe: Callable[[Any], Mapping[str, Any]] | None = None) -> Any:
        """Calls and parses the JSON answer; None where the answer has no body.

        Args:
            describe: what telemetry is told of the answer
        """
        return (await self.json_answer(call, describe))[0]

    async def json_answer(
        self, call: Call, describe: Callable[[Any], Mapping[str, Any]] | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """As `json`, with the answer's headers."""

        async def work(operation: Operation) -> tuple[Any, Mapping[str, str]]:
            answer = await self._whole(call, operation)
            value = self._parse(answer.body) if answer.body else None
            if describe is not None and value is not None:
                operation.set(describe(value))
            return value, answer.headers

        return await self._during(call, work)

    async def whole(self, call: Call) -> Answer:
        """Calls and reads the whole answer."""

        async def work(operation: Operation) -> Answer:
            return await self._whole(call, operation)

        return await self._during(call, work)

    async def stream(self, call: Call) -> httpx.Response:
        """Calls and hands over the answer as it begins; its body has to be read to the end, or closed. `call.operation` is ended by its
        owner."""
        assert call.operation is not None
        response, _ = await self._with_retry(call, call.operation, is_whole=False)
        return response

    def begin(self, call: Call) -> Operation:
        """Begins the operation of a call, to be given to it and its successors, and to be ended."""
        return Operation(self._instruments, call, self.base_url + path_of(call), self._server)

    async def aclose(self) -> None:
        """Closes every connection; what is under way fails with a ConnectionError."""
        self._is_closed = True
        await self.release()
        if self._http is not None:
            await self._http.aclose()

    async def release(self) -> None:
        """Closes every connection of its own; the next call makes a new one."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.aclose()

    def _parse(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError as cause:
            raise ConnectionError(
                f"what listens at {self.base_url} does not answer in JSON",
                hint="is it a Sandglass daemon? check SANDGLASS_URL or base_url",
            ) from cause

    async def _during(self, call: Call, work: Callable[[Operation], Awaitable[T]]) -> T:
        operation = self.begin(call)
        try:
            value = await work(operation)
        except SandglassError as error:
            if error.code == call.expects:
                operation.end()
            else:
                operation.fail(error)
            raise
        except BaseException as error:
            operation.fail(error)
            raise
        operation.end()
        return value

    async def _whole(self, call: Call, operation: Operation) -> Answer:
        response, body = await self._with_retry(call, operation, is_whole=True)
        return Answer(body, response.headers)

    async def _with_retry(
        self, call: Call, operation: Operation, *, is_whole: bool
    ) -> tuple[httpx.Response, bytes]:
        from .exchange import RESETS, to_connection_error

        path = path_of(call)
        content = (
            json.dumps(call.json, separators=(",", ":")).encode() if call.json is not None else call.content
        )
        headers = self._headers(call, operation)
        timeout_ms = self._request_timeout_ms if call.timeout_ms is None else call.timeout_ms
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(
                    call, operation, path, headers, content, _seconds(timeout_ms), is_whole
                )
            except Exception as error:
                # A body that can be iterated only once may be half gone.
                is_replayable = content is None or isinstance(content, bytes)
                is_repeatable = not self._is_closed and isinstance(error, RESETS) and is_replayable
                if not is_repeatable or attempt == REQUEST_BACKOFF.tries:
                    limit = timeout_ms if timeout_ms else (self._connect_timeout or 0) * 1000
                    said = to_connection_error(error, self.base_url, f"{call.method} {path}", limit)
                    if said is error:
                        raise
                    raise said from said.__cause__
                operation.resent(error)
            await sleep(REQUEST_BACKOFF.wait(attempt))

    async def _once(
        self,
        call: Call,
        operation: Operation,
        path: str,
        headers: dict[str, str],
        content: Any,
        limit: float | None,
        is_whole: bool,
    ) -> tuple[httpx.Response, bytes]:
        from .exchange import read_body

        deadline = None if limit is None else time.monotonic() + limit
        connect = self._connect_timeout if limit is None else min(limit, self._connect_timeout or limit)
        timeouts = {"connect": connect, "read": limit, "write": limit, "pool": None}
        with operation.request() as request:
            response = await self._connected().send(call.method, path, headers, content, timeouts)
            request.status = response.status_code
        if response.status_code >= 300:
            body = await read_body(response, _MAX_ERROR_BYTES, deadline)
            error = error_from_answer(
                response.status_code,
                body.decode("utf-8", "replace"),
                response.headers.get("x-request-id"),
                response.headers.get("x-error-code"),
                response.headers.get("x-error-message"),
            )
            if isinstance(error, UnauthorizedError) and "authorization" not in headers:
                # Where the key was looked for is known here alone.
                hint = missing_key_hint(self.base_url)
                raise UnauthorizedError(error.message, hint=hint, request_id=error.request_id)
            raise error
        if is_whole:
            return response, await read_body(response, deadline=deadline)
        # The body of a stream may pause for as long as it likes.
        timeouts["read"] = None
        return response, b""

    def _connected(self) -> AsyncExchange:
        if self._is_closed:
            raise ConnectionError("the client was closed", hint="make a new one")
        if self._exchange is None:
            from .exchange import AsyncExchange

            self._exchange = AsyncExchange(self.base_url, *self._trust, self._http)
        return self._exchange

    def _headers(self, call: Call, operation: Operation) -> dict[str, str]:
        headers = {"user-agent": self._user_agent, "accept": "*/*"}
        api_key = self._api_key()
        if api_key is not None:
            headers["authorization"] = f"Bearer {api_key}"
        if call.method == "POST":
            import uuid

            headers["idempotency-key"] = str(uuid.uuid4())
        if call.json is not None:
            headers["content-type"] = "application/json"
        elif call.content is not None:
            headers["content-type"] = "application/octet-stream"
        headers.update(operation.headers)
        headers.update(call.headers)
        return headers


def _seconds(ms: float) -> float | None:
    return ms / 1000 if ms > 0 else None
