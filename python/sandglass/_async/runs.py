"""Agent runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from .._call import Call
from .._content import Content
from .._decode import decode, wire
from .._later import models
from .._trace_context import FLAGS_SAMPLED_RANDOM, format_traceparent
from .._tracing import Tracing, in_run
from ..errors import InvalidRequestError
from .agents import AsyncAgent, SpanPlace
from .run_ledger import AsyncRunLedger
from .transport import AsyncTransport

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._words import RunStatus


class AsyncRun(AsyncAgent):
    """One agent run across sandboxes: one trace, with the run's span above all that is done inside it.

    Its own events are sent in the background, in order, and are all in the record when `complete` or `flush` returns.
    """

    def __init__(
        self,
        transport: AsyncTransport,
        tracing: Tracing,
        name: str,
        agent: str | None,
        metadata: Mapping[str, str] | None,
        content: Content,
    ) -> None:
        """Use `client.run`."""
        super().__init__(name, None, None)
        self._transport = transport
        self._tracing = tracing
        self._request = wire({"name": name, "agent": agent, "metadata": metadata})
        self._agent_name = agent
        self._content = content
        self._is_completed = False

    async def start(self) -> Self:
        """Opens the run; the second time nothing happens. A `with` block does this by itself, and then all that is done inside belongs
        to the run; else what is done by its methods and by `run.sandboxes`."""
        if self._given_ledger is not None:
            return self
        call = Call("startRun", json=self._request, tracing=self._tracing)
        value = await self._transport.json(call, lambda run: {"sandglass.run.id": run["runId"]})
        info = decode(models.RunInfo, value)
        traceparent = format_traceparent(info.trace_id, info.span_id, FLAGS_SAMPLED_RANDOM)
        self._given_ledger = AsyncRunLedger(self._transport, self._tracing, info, traceparent, self._content)
        self._given_place = SpanPlace(info.trace_id, info.span_id)
        self.sandboxes = self._given_ledger.sandboxes_of(traceparent)
        self._started_at = time.perf_counter()
        return self

    @property
    def run_id(self) -> str:
        return self._ledger.run.run_id

    @property
    def _place(self) -> SpanPlace:
        if self._given_place is None:
            raise _not_opened()
        return self._given_place

    @property
    def _ledger(self) -> AsyncRunLedger:
        if self._given_ledger is None:
            raise _not_opened()
        return self._given_ledger

    async def flush(self) -> None:
        """Returns when all that was recorded so far is in the record."""
        await self._ledger.flush()

    async def complete(self, *, status: RunStatus = "ok", error: BaseException | str | None = None) -> None:
        """Ends the run; the second time nothing is recorded.

        Args:
            error: what went wrong; with `capture_content` its message is recorded, else only the class of an exception
        """
        if not self._is_completed:
            end = {
                "name": self.name,
                "agent": self._agent_name,
                "status": status,
                "duration_ms": (time.perf_counter() - self._started_at) * 1000,
                **self._ledger.totals,
                "error": self._content.error(error),
            }
            self._ledger.add({"type": "run.completed", "data": wire(end)})
            self._is_completed = True
        await self.flush()

    async def __aenter__(self) -> Self:
        await self.start()
        self._inside = in_run(self._ledger.run)
        self._inside.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Completes the run: "ok", or "error" with what the block raised."""
        self._inside.__exit__(None, None, None)
        await self.complete(status="ok" if error is None else "error", error=error)

    def __repr__(self) -> str:
        opened = "not opened yet" if self._given_ledger is None else self._given_ledger.run.run_id
        return f"<{type(self).__name__} {self.name!r} {opened}>"


def _not_opened() -> InvalidRequestError:
    return InvalidRequestError("the run has not been opened yet", hint="enter it in a `with` block")
