"""Traces of the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._call import Call, listed
from .._decode import decode
from .._later import models
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import Page, TraceInfo, TraceSummary


class AsyncTraces:
    """The host's spans, and those that programs in sandboxes and agents sent. Reached as `client.traces`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        min_duration_ms: int | None = None,
        max_duration_ms: int | None = None,
        error: bool | None = None,
        service: str | None = None,
        name: str | None = None,
        sandbox_id: str | None = None,
        run_id: str | None = None,
        template: str | None = None,
        attribute: str | Sequence[str] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[TraceSummary]:
        """A page of traces, newest first. Give its `next_cursor` as `cursor` for the next; there is none on the last page.

        Args:
            since: ISO 8601 with its zone; from then on
            until: before then
            error: True: with a failed span; False: without one
            name: a part of the name of its first span, in any case
            sandbox_id: any of its sandboxes
            template: of its first sandbox
            attribute: `name=value` of an attribute of any of its spans; of several, all
            limit: traces on the page; default 100
        """
        query = {
            "since": since,
            "until": until,
            "minDurationMs": min_duration_ms,
            "maxDurationMs": max_duration_ms,
            "error": error,
            "service": service,
            "name": name,
            "sandboxId": sandbox_id,
            "runId": run_id,
            "template": template,
            "attribute": listed(attribute),
            "limit": limit,
            "cursor": cursor,
        }
        answer = await self._transport.json(Call("listTraces", query=query))
        return models.Page(
            [decode(models.TraceSummary, item) for item in answer["items"]], answer.get("nextCursor")
        )

    async def get(self, trace_id: str) -> TraceInfo:
        """Raises:
        TraceNotFoundError: where nothing of it is recorded
        """
        return decode(models.TraceInfo, await self._transport.json(Call("getTrace", {"traceId": trace_id})))
