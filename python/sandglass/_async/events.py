"""The record, event by event."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .._call import Call
from .._decode import decode
from .._error import SandglassError
from .._later import models
from .._ndjson import NdjsonParser
from .._otel.operation import Operation
from .._retry import Reconnects
from ..errors import StreamError
from .runtime import settle, sleep
from .transport import AsyncTransport

if TYPE_CHECKING:
    import httpx

    from ..models import EventLine, Level

_PASSING = ("CONNECTION_FAILED", "SHUTTING_DOWN", "LOG_UNAVAILABLE")


async def read_events(
    transport: AsyncTransport,
    *,
    types: Sequence[str] | None,
    min_level: Level | None,
    sandbox_id: str | None,
    run_id: str | None,
    trace_id: str | None,
    after: str | None,
    last: int | None = None,
    search: str | None = None,
    follow: bool,
    limit: int | None,
    on_connection: Callable[[bool], object] | None = None,
) -> AsyncGenerator[EventLine, None]:
    """A broken connection is picked up behind the last cursor, so nothing is lost or seen twice; where the daemon had to remove what was not
    read yet, a gap line says how much."""
    query = {
        "types": None if types is None else list(types),
        "minLevel": min_level,
        "sandboxId": sandbox_id,
        "runId": run_id,
        "traceId": trace_id,
        "follow": True if follow else None,
        "last": last,
        "search": search,
    }
    # A filtered reading may search long before its first line: no time limit.
    call = Call("listEvents", query=query, headers={"accept": "application/x-ndjson"}, timeout_ms=0)
    call.operation = operation = transport.begin(
        replace(call, query={**query, "after": after, "limit": limit})
    )
    reading = _Reading(transport, call, operation, after, limit)
    try:
        # The first connection gets no second chance: a daemon that is not there is better said at once.
        await reading.open()
        while True:
            lines = await reading.next()
            for line in lines:
                yield line
            if reading.limit == 0:
                return
            if lines or not reading.is_over:
                continue
            # Without `follow` the end of the body is the end of the record; with it, a daemon that is going.
            if reading.error is None and not follow:
                return
            if on_connection is not None:
                await settle(on_connection(False))
            await reading.reopen()
            if on_connection is not None:
                await settle(on_connection(True))
    except Exception as error:
        operation.fail(error)
        raise
    finally:
        operation.end()
        await reading.aclose()


class _Reading:
    """One connection after the other."""

    def __init__(
        self,
        transport: AsyncTransport,
        call: Call,
        operation: Operation,
        after: str | None,
        limit: int | None,
    ) -> None:
        self._transport = transport
        self._call = call
        self._operation = operation
        self._reconnects = Reconnects(transport.stream_retries)
        self._response: httpx.Response | None = None
        self._after = after
        self.limit = limit
        #: The connection has ended; by a break where there is an error.
        self.is_over = False
        self.error: BaseException | None = None

    async def open(self) -> None:
        from .exchange import chunks_of

        query = {**self._call.query, "after": self._after, "limit": self.limit}
        if self._after is not None:
            # What was begun from the last so many goes on behind what came.
            del query["last"]
        call = replace(self._call, query=query)
        self._response = await self._transport.stream(call)
        self._chunks = chunks_of(self._response)
        self._parser = NdjsonParser()
        self.is_over = False
        self.error = None
        self._reconnects.opened()

    async def next(self) -> list[EventLine]:
        """What arrives next; empty where the connection is over."""
        import httpx

        try:
            arrived = self._parser.push(await self._chunks.__anext__())
        except StopAsyncIteration:
            self.is_over = True
            return []
        except (httpx.HTTPError, httpx.StreamError) as error:
            self.is_over = True
            self.error = error
            return []
        lines: list[EventLine] = []
        for line in arrived:
            self._reconnects.progressed()
            self._after = line["cursor"]
            if line["type"] == "gap":
                lines.append(decode(models.GapLine, line))
                continue
            lines.append(decode(models.RuntimeEvent, line))
            if self.limit is not None:
                self.limit -= 1
        return lines

    async def reopen(self) -> None:
        """Raises:
        StreamError: where the daemon stays away for longer than the bounded tries
        """
        await self.aclose()
        cause = self.error
        while (wait := self._reconnects.next_wait()) is not None:
            await sleep(wait)
            self._operation.reconnecting()
            try:
                return await self.open()
            except SandglassError as error:
                if error.code not in _PASSING:
                    raise
                cause = error
        hint = (
            "is the daemon running?"
            if self._after is None
            else f'continue with events(after="{self._after}")'
        )
        raise StreamError("the stream of events broke and could not be resumed", hint=hint) from cause

    async def aclose(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            from .exchange import close_response

            await close_response(response)
