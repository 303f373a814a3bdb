"""Agent runs as the record tells of them."""

from __future__ import annotations

from .._call import Call
from .._decode import decode
from ..models import Page, RunDetail, RunState, RunSummary
from .transport import AsyncTransport


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
        return Page([decode(RunSummary, item) for item in answer["items"]], answer.get("nextCursor"))

    async def get(self, run_id: str) -> RunDetail:
        """One run: its totals, models, sandboxes and failures.

        Raises:
            RunNotFoundError: where there is none of that id
        """
        return decode(RunDetail, await self._transport.json(Call("getRun", {"runId": run_id})))
