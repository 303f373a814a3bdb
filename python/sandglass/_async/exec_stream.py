"""The lines of one exec, each exactly once and in order, whatever happens to the connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from .._call import Call
from .._error import SandglassError
from .._ndjson import NdjsonParser
from .._otel.operation import Operation
from .._retry import Reconnects
from .._trace_context import parse_traceparent
from ..errors import StreamError
from ..stream_events import ExitEvent, StreamEvent, parse_stream_event
from .runtime import drain, settle, sleep, uninterrupted
from .source import AsyncStreamSource

if TYPE_CHECKING:
    import httpx

#: How long the kill of an interrupted exec may take.
_KILL_TIMEOUT_MS = 2_000
#: Trying again may help: no connection, or a daemon that is just going or coming.
_PASSING = ("CONNECTION_FAILED", "SHUTTING_DOWN", "LOG_UNAVAILABLE", "REQUEST_TIMEOUT")


class AsyncExecStream:
    """A connection that breaks, ends without the `exit` line, or skips a `seq` is replaced: `…/stream?after=<last seq>` picks up behind the
    last line that was handed out. Progress resets the bounded number of tries."""

    def __init__(
        self,
        source: AsyncStreamSource,
        response: httpx.Response,
        operation: Operation,
        exec_id: str,
        last_seq: int,
        on_connection: Callable[[bool], object] | None,
    ) -> None:
        self.exec_id = exec_id
        parent = parse_traceparent(response.headers.get("traceresponse"))
        self.trace_id = "" if parent is None else parent.trace_id
        self._source = source
        self._operation = operation
        self._last_seq = last_seq
        self._on_connection = on_connection
        self._exit: ExitEvent | None = None
        self._reconnects = Reconnects(source.transport.stream_retries)
        self._response: httpx.Response | None = None
        self._opened(response)

    @classmethod
    async def start(
        cls,
        source: AsyncStreamSource,
        request: dict[str, Any],
        on_connection: Callable[[bool], object] | None = None,
    ) -> AsyncExecStream:
        """Starts an exec; returns when it has begun."""
        call = source.call("exec")
        call.json = request
        call.headers = {"accept": "application/x-ndjson"}
        # A cell may wait in its context's queue for as long as the cell before it runs.
        call.timeout_ms = 0
        call.attributes = {"sandglass.exec.kind": "code" if "code" in request else "command"}
        response, operation = await _open(source, call)
        exec_id = response.headers.get("x-exec-id")
        if exec_id is None:
            error = StreamError("the answer to an exec names no x-exec-id")
            operation.fail(error)
            await _close(response)
            raise error
        operation.set({"sandglass.exec.id": exec_id})
        return cls(source, response, operation, exec_id, -1, on_connection)

    @classmethod
    async def attach(
        cls,
        source: AsyncStreamSource,
        exec_id: str,
        after: int | None = None,
        on_connection: Callable[[bool], object] | None = None,
    ) -> AsyncExecStream:
        """Follows an exec that exists, behind line `after` (None: from the first)."""
        last_seq = -1 if after is None else after
        response, operation = await _open(source, _follow(source, exec_id, last_seq))
        return cls(source, response, operation, exec_id, last_seq, on_connection)

    async def next(self) -> list[StreamEvent]:
        """The events that arrived together next, at least one; the last of all is `exit`, and behind it there are none."""
        while self._exit is None:
            try:
                if self._response is None:
                    await self._resume()
                chunk = await self._chunk()
                if chunk is None:
                    await self._disconnect()
                    continue
                events, is_broken = self._accept(self._parser.push(chunk))
                if self._exit is not None:
                    response, self._response = self._response, None
                    if response is not None:
                        await drain(response, self._chunks)
                elif is_broken:
                    await self._disconnect()
            except BaseException as error:
                await self.aclose(error)
                raise
            if events:
                self._reconnects.progressed()
                return events
        return []

    async def aclose(self, error: BaseException | None = None) -> None:
        """Lets go of the stream: an exec that has not ended runs on."""
        if error is not None:
            self._operation.fail(error)
        self._operation.end()
        await self._disconnect()

    async def interrupt(self, error: BaseException) -> None:
        """Its caller was interrupted: the exec is ended. That it was over already, or its sandbox, is no news to anyone."""
        if self._exit is not None:
            return
        await uninterrupted(self._kill)
        await self.aclose(error)

    async def _kill(self) -> None:
        call = self._source.call("killExec", execId=self.exec_id)
        call.json, call.expects, call.timeout_ms = {}, "EXEC_ENDED", _KILL_TIMEOUT_MS
        try:
            await self._source.transport.json(call)
        except SandglassError:
            pass

    def _opened(self, response: httpx.Response) -> None:
        from .exchange import chunks_of

        self._response = response
        self._chunks: AsyncIterator[bytes] = chunks_of(response)
        self._parser = NdjsonParser()
        self._reconnects.opened()

    async def _disconnect(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            await _close(response)

    async def _chunk(self) -> bytes | None:
        """The next bytes; None where the connection is over, by its end or by a break."""
        import httpx

        try:
            return await self._chunks.__anext__()
        except (StopAsyncIteration, httpx.HTTPError, httpx.StreamError):
            return None

    def _accept(self, arrived: list[Any]) -> tuple[list[StreamEvent], bool]:
        """The events that continue what was handed out, and whether a hole follows: a replayed line is skipped, behind a hole nothing is
        taken."""
        events: list[StreamEvent] = []
        for line in arrived:
            if line["seq"] <= self._last_seq:
                continue
            if line["seq"] != self._last_seq + 1:
                return events, True
            self._last_seq += 1
            event = parse_stream_event(line)
            events.append(event)
            if isinstance(event, ExitEvent):
                self._exit = event
                self._operation.exited(event)
                break
        return events, False

    async def _resume(self) -> None:
        """Another connection in the place of one that broke."""
        if self._on_connection is not None:
            await settle(self._on_connection(False))
        self._opened(await self._reopen())
        if self._on_connection is not None:
            await settle(self._on_connection(True))

    async def _reopen(self) -> httpx.Response:
        cause: BaseException | None = None
        while (wait := self._reconnects.next_wait()) is not None:
            await sleep(wait)
            self._operation.reconnecting()
            call = _follow(self._source, self.exec_id, self._last_seq)
            call.operation = self._operation
            try:
                return await self._source.transport.stream(call)
            except SandglassError as error:
                if error.code not in _PASSING:
                    raise
                cause = error
        raise StreamError(
            f"the stream of {self.exec_id} broke and could not be resumed",
            hint=f'it may still run: continue with execs.stream("{self.exec_id}", after={self._last_seq})',
            exec_id=self.exec_id,
            last_seq=None if self._last_seq < 0 else self._last_seq,
        ) from cause


async def _open(source: AsyncStreamSource, call: Call) -> tuple[httpx.Response, Operation]:
    """An answer that begins, and the operation that lasts as long as the stream."""
    operation = source.transport.begin(call)
    call.operation = operation
    try:
        return await source.transport.stream(call), operation
    except BaseException as error:
        operation.fail(error)
        raise


def _follow(source: AsyncStreamSource, exec_id: str, last_seq: int) -> Call:
    call = source.call("streamExec", execId=exec_id)
    call.query = {"after": None if last_seq < 0 else last_seq}
    call.headers = {"accept": "application/x-ndjson"}
    return call


async def _close(response: httpx.Response) -> None:
    from .exchange import close_response

    await close_response(response)
