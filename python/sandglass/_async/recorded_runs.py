"""Agent runs as the record tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._call import DELETION_TIMEOUT_MS, Call
from .._decode import decode
from .._later import models
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import DeletionResult, Page, RunDetail, RunState, RunSummary


class AsyncRecordedRuns:
    """What runs did and cost, also long after their end. Reached as `client.runs`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        status: RunState | None = None,
        name: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[RunSummary]:
        """A page of runs, newest first. Give its `next_cursor` as `cursor` for the next; there is none on the last page.

        Args:
            name: a part of the name, in any case
            limit: runs on the page; default 100
        """
        query = {"status": status, "name": name, "limit": limit, "cursor": cursor}
        answer = await self._transport.json(Call("listRuns", query=query))
        return models.Page(
            [decode(models.RunSummary, item) for item in answer["items"]], answer.get("nextCursor")
        )

    async def get(self, run_id: str) -> RunDetail:
        """One run: its totals, models, sandboxes and failures.

        Raises:
            RunNotFoundError: where there is none of that id
        """
        return decode(models.RunDetail, await self._transport.json(Call("getRun", {"runId": run_id})))

    async def delete(self, run_id: str) -> DeletionResult:
        """Deletes everything that the daemon's host has of a complete run, and of the sandboxes that are its alone.

        What exporters have sent is where they sent it. A run that is not there is nothing to be done.

        Returns:
            what there was

        Raises:
            RecordInUseError: while the run, or one of its sandboxes, is not over
            ForbiddenError: without the scope `admin`
        """
        call = Call("deleteRun", {"runId": run_id}, timeout_ms=DELETION_TIMEOUT_MS)
        return decode(models.DeletionResult, await self._transport.json(call))
