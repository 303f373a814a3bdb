"""Log records of the record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from .._call import Call, listed
from .._decode import decode
from .._later import models
from .log_tail import tail_logs
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import LogEntry, LogLine, Page


class AsyncLogs:
    """Log records that programs in sandboxes and agents sent with OpenTelemetry. Reached as `client.logs`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        min_severity: int | None = None,
        text: str | None = None,
        search: str | None = None,
        service: str | None = None,
        sandbox_id: str | None = None,
        run_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        attribute: str | Sequence[str] | None = None,
        around: str | None = None,
        lines: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[LogEntry]:
        """A page of records, newest first. Give its `next_cursor` as `cursor` for the next; there is none on the last page.

        Args:
            since: ISO 8601 with its zone; from then on
            until: before then
            min_severity: OpenTelemetry's number: 9 is INFO, 13 WARN, 17 ERROR
            text: a part of the body, in any case
            search: words of the body, all of them: `word`, `begin*`, `"a phrase"`, `-not`
            attribute: `name=value` of an attribute; of several, all
            around: a record's id: it, and what its sandbox, else its service, said before and after it. Of the others only `lines` counts then
            lines: records on each side of `around`, 1 to 500; default 20
            limit: records on the page; default 100
        """
        query = {
            "since": since,
            "until": until,
            "minSeverity": min_severity,
            "text": text,
            "search": search,
            "service": service,
            "sandboxId": sandbox_id,
            "runId": run_id,
            "traceId": trace_id,
            "spanId": span_id,
            "attribute": listed(attribute),
            "around": around,
            "lines": lines,
            "limit": limit,
            "cursor": cursor,
        }
        answer = await self._transport.json(Call("listLogs", query=query))
        return models.Page(
            [decode(models.LogEntry, item) for item in answer["items"]], answer.get("nextCursor")
        )

    def tail(
        self,
        *,
        min_severity: int | None = None,
        text: str | None = None,
        search: str | None = None,
        service: str | None = None,
        sandbox_id: str | None = None,
        run_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        attribute: str | Sequence[str] | None = None,
    ) -> AsyncGenerator[LogLine, None]:
        """Log records as they come, from the moment that the loop begins, until it is left; the filters are those of `list`. Where the reader
        is too slow, a `MissedLogs` says how many it missed.

        Raises:
            StreamError: where the connection broke or the daemon went: unlike the events, records are not picked up again by themselves

        Example:
            async for line in client.logs.tail(min_severity=17):
                if not isinstance(line, MissedLogs):
                    print(line.body)
        """
        query = {
            "minSeverity": min_severity,
            "text": text,
            "search": search,
            "service": service,
            "sandboxId": sandbox_id,
            "runId": run_id,
            "traceId": trace_id,
            "spanId": span_id,
            "attribute": listed(attribute),
        }
        return tail_logs(
            self._transport,
            Call("followLogs", query=query, headers={"accept": "application/x-ndjson"}, timeout_ms=0),
        )
