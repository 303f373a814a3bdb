"""The sandboxes of one client, or of one run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._call import DELETION_TIMEOUT_MS, Call
from .._decode import decode
from .._later import models
from .._options import CreateSandboxOptions, create_request
from .._tracing import TraceOptions, Tracing, checked_trace, open_run_at
from .source import AsyncStreamSource
from .transport import AsyncTransport

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..models import DeletionResult, Page, SandboxInfo, SandboxState
    from .sandbox import AsyncSandbox


class AsyncSandboxes:
    """Reached as `client.sandboxes` and `run.sandboxes`."""

    def __init__(self, transport: AsyncTransport, tracing: Tracing, run_id: str | None = None) -> None:
        self._transport = transport
        self._tracing = tracing
        self._run_id = run_id

    async def create(
        self, template: str | None = None, **options: Unpack[CreateSandboxOptions]
    ) -> AsyncSandbox:
        """Creates a sandbox. Where a run of this daemon is open around the call, the sandbox belongs to it.

        Raises:
            TemplateNotFoundError, SandboxLimitReachedError, UnsupportedOnHostError, ConnectionError
        """
        from .sandbox import AsyncSandbox

        return AsyncSandbox._of(*await self._create(template, options))

    async def _create(
        self, template: str | None, options: CreateSandboxOptions
    ) -> tuple[SandboxInfo, AsyncStreamSource]:
        request = create_request(template, options, self._run_id or open_run_at(self._transport.base_url))
        tracing = self._tracing_of(
            options.get("traceparent"), options.get("tracestate"), options.get("baggage")
        )
        call = Call("createSandbox", json=request, tracing=tracing)
        value, headers = await self._transport.json_answer(call, _described)
        # Who brings no trace of its own gets one a sandbox: what was done in it hangs together.
        origin = TraceOptions(headers.get("traceresponse"))
        info = decode(models.SandboxInfo, value)
        return info, self._source(info, replace(tracing, origin=origin))

    async def connect(
        self,
        id: str,
        *,
        traceparent: str | None = None,
        tracestate: str | None = None,
        baggage: str | None = None,
    ) -> AsyncSandbox:
        """A sandbox that exists.

        Raises:
            SandboxNotFoundError: where there is none of that id
        """
        from .sandbox import AsyncSandbox

        info = await self.get(id)
        return AsyncSandbox._of(info, self._source(info, self._tracing_of(traceparent, tracestate, baggage)))

    async def get(self, id: str) -> SandboxInfo:
        """Raises:
        SandboxNotFoundError: where there is none of that id
        """
        call = Call("getSandbox", {"id": id}, tracing=self._tracing)
        return decode(models.SandboxInfo, await self._transport.json(call))

    async def list(
        self,
        *,
        ended: bool = False,
        state: SandboxState | None = None,
        run_id: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[SandboxInfo]:
        """One page, newest first.

        Args:
            ended: those that have ended too, also under earlier daemons as far as the store holds them
            limit: items on the page; default 100
            cursor: `next_cursor` of the page before
        """
        query = {
            "ended": True if ended else None,
            "state": state,
            "runId": run_id,
            "limit": limit,
            "cursor": cursor,
        }
        page = await self._transport.json(Call("listSandboxes", query=query, tracing=self._tracing))
        return models.Page(
            [decode(models.SandboxInfo, item) for item in page["items"]], page.get("nextCursor")
        )

    async def delete_record(self, sandbox_id: str) -> DeletionResult:
        """Deletes everything that the daemon's host has of a sandbox that has ended: its events, telemetry and output.

        What exporters have sent is where they sent it. A sandbox that is not there is nothing to be done.

        Returns:
            what there was

        Raises:
            RecordInUseError: while it is alive
            ForbiddenError: without the scope `admin`
        """
        call = Call(
            "deleteSandboxRecord", {"id": sandbox_id}, timeout_ms=DELETION_TIMEOUT_MS, tracing=self._tracing
        )
        return decode(models.DeletionResult, await self._transport.json(call))

    def _tracing_of(self, traceparent: str | None, tracestate: str | None, baggage: str | None) -> Tracing:
        own = checked_trace(traceparent, tracestate, baggage)
        return self._tracing if own is None else replace(self._tracing, own=own)

    def _source(self, info: SandboxInfo, tracing: Tracing) -> AsyncStreamSource:
        run_id = info.run_id or tracing.run_id
        return AsyncStreamSource(self._transport, info.id, replace(tracing, run_id=run_id))


def _described(created: dict[str, Any]) -> dict[str, Any]:
    return {
        "sandglass.sandbox.id": created.get("id"),
        "sandglass.template.id": created.get("template"),
    }
