"""The execs of one sandbox."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from .._decode import decode, wire
from .._later import models
from ..stream_events import StreamEvent
from .exec import follow_exec
from .source import AsyncSourceRef

if TYPE_CHECKING:
    from ..models import ExecInfo, Page, SignalName


class AsyncExecs:
    """Running ones and those that ended, also after the sandbox is gone."""

    def __init__(self, ref: AsyncSourceRef) -> None:
        self._ref = ref

    async def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[ExecInfo]:
        """One page, newest first.

        Args:
            limit: items on the page; default 100
            cursor: `next_cursor` of the page before
        """
        source = await self._ref.get()
        call = source.call("listExecs")
        call.query = {"limit": limit, "cursor": cursor}
        page = await source.transport.json(call)
        return models.Page([decode(models.ExecInfo, item) for item in page["items"]], page.get("nextCursor"))

    async def get(self, exec_id: str) -> ExecInfo:
        """Raises:
        ExecNotFoundError: where there is none of that id
        """
        return decode(models.ExecInfo, await self._ref.json("getExec", execId=exec_id))

    async def kill(self, exec_id: str, *, signal: SignalName | None = None) -> ExecInfo:
        """Sends a signal; default SIGKILL.

        Raises:
            ExecEndedError: where it has ended already
        """
        return decode(
            models.ExecInfo, await self._ref.json("killExec", json=wire({"signal": signal}), execId=exec_id)
        )

    def stream(
        self,
        exec_id: str,
        *,
        after: int | None = None,
        on_connection: Callable[[bool], object] | None = None,
    ) -> AsyncGenerator[StreamEvent, None]:
        """Replays and follows an exec's stream from the line behind `after` (None: from the first) to its `exit`. Picks itself up again when
        the connection breaks.

        Args:
            on_connection: told False once when that happened, and True when the connection stands again: what was written meanwhile comes
                then
        """
        return follow_exec(self._ref, exec_id, after, on_connection)
