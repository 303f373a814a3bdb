"""Where the daemon delivers events to."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._call import Call
from .._decode import decode, wire
from .._later import models
from .._options import ExporterFilter, exporter_spec
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import DeadLetter, ExporterInfo, FlushResult, Page

#: Time that an answer to a flush has beyond the flush's own.
_ANSWER_MS = 10_000


class AsyncExporters:
    """Reached as `client.exporters`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(self) -> list[ExporterInfo]:
        answer = await self._transport.json(Call("listExporters"))
        return [decode(models.ExporterInfo, item) for item in answer["items"]]

    async def get(self, id: str) -> ExporterInfo:
        """Raises:
        ExporterNotFoundError: where there is none of that id
        """
        return await self._info(Call("getExporter", {"exporterId": id}))

    async def add(
        self,
        provider: str,
        *,
        id: str | None = None,
        config: Mapping[str, Any] | None = None,
        filter: ExporterFilter | None = None,
        start_at: str | None = None,
        required: bool | None = None,
    ) -> ExporterInfo:
        """Adds an exporter, which the daemon keeps across restarts. Secrets in `config` are kept there as they are, in a file that only
        the daemon's user may read; `{"env": "NAME"}` names a variable of the daemon's environment instead.

        Args:
            provider: `axiom`, `otel`, `jsonl`, `postgres`, `console`, `webhook`, or one that was registered
            config: the provider's own, with the names of its page
            start_at: "oldest", "latest" (default), or a time (ISO 8601)
            required: it is an error where the destination cannot be reached

        Raises:
            InvalidRequestError, ExporterConflictError, ExporterLimitReachedError, ForbiddenError

        Example:
            await client.exporters.add("axiom", config={"token": {"env": "AXIOM_TOKEN"}})
        """
        spec = exporter_spec(provider, id, config, filter, start_at, required)
        return await self._info(Call("addExporter", json=spec))

    async def replace(
        self,
        id: str,
        provider: str,
        *,
        config: Mapping[str, Any] | None = None,
        filter: ExporterFilter | None = None,
        required: bool | None = None,
    ) -> ExporterInfo:
        """Configures an exporter anew; it continues where it was.

        Raises:
            ExporterNotFoundError, ExporterConflictError (one of the daemon's configuration), InvalidRequestError
        """
        spec = exporter_spec(provider, id, config, filter, None, required)
        return await self._info(Call("replaceExporter", {"exporterId": id}, json=spec))

    async def remove(self, id: str, *, forget: bool = False) -> None:
        """Ends an exporter. One that is added under its id later continues where it was; with `forget` it begins anew.

        Raises:
            ExporterNotFoundError, ExporterConflictError (one of the daemon's configuration)
        """
        query = {"forget": True if forget else None}
        await self._transport.json(Call("removeExporter", {"exporterId": id}, query))

    async def retry(self, id: str) -> ExporterInfo:
        """Tries to deliver now, whatever the backoff; wakes one that is disabled."""
        return await self._info(Call("retryExporter", {"exporterId": id}))

    async def dead_letters(
        self, id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[DeadLetter]:
        """A page of what its destination would not take, the latest first. Give its `next_cursor` as `cursor` for the next; there is none on
        the last page. A page may have fewer than were asked for, and still a next one.

        Args:
            limit: letters on the page; default 100

        Raises:
            ExporterNotFoundError: where there is none of that id
        """
        call = Call("listDeadLetters", {"exporterId": id}, {"limit": limit, "cursor": cursor})
        answer = await self._transport.json(call)
        return models.Page(
            [decode(models.DeadLetter, item) for item in answer["items"]], answer.get("nextCursor")
        )

    async def flush(self, *, ids: builtins.list[str] | None = None, timeout_ms: int = 30_000) -> FlushResult:
        """Returns when everything that happened before is delivered or given up, or the time is over: then `pending` says how many events
        are left, which are delivered later.

        Args:
            ids: of the exporters to wait for; default all that the key sees
            timeout_ms: at most ten minutes
        """
        json = wire({"timeout_ms": timeout_ms, "ids": ids})
        call = Call("flushExporters", json=json, timeout_ms=timeout_ms + _ANSWER_MS)
        return decode(models.FlushResult, await self._transport.json(call))

    async def _info(self, call: Call) -> ExporterInfo:
        return decode(models.ExporterInfo, await self._transport.json(call))
