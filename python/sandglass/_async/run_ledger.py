"""What all agents of one run share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._content import Content
from .._tracing import OpenRun, TraceOptions, Tracing
from .run_events import AsyncRunEvents
from .sandboxes import AsyncSandboxes
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import RunInfo

_NANOS = 1_000_000_000


class AsyncRunLedger:
    """Where a run's events go, what of contents is in them, and the sums of its model calls."""

    def __init__(
        self, transport: AsyncTransport, tracing: Tracing, info: RunInfo, traceparent: str, content: Content
    ) -> None:
        """
        Args:
            tracing: of who opened the run
            traceparent: of the run's own span
        """
        place = TraceOptions(traceparent)
        self.run = OpenRun(info.run_id, transport.base_url, place)
        self.trace_id = info.trace_id
        self.content = content
        self._transport = transport
        self._fallback = tracing.fallback
        self._events = AsyncRunEvents(
            transport, info.run_id, Tracing(place, tracing.fallback, run_id=info.run_id)
        )
        # Nano-dollars: fractions of a cent add up to what they are.
        self._cost_nanos = 0
        self._input_tokens = 0
        self._output_tokens = 0

    def sandboxes_of(self, traceparent: str) -> AsyncSandboxes:
        """Sandboxes of the run, created below a span of it."""
        own = Tracing(TraceOptions(traceparent), self._fallback, run_id=self.run.run_id)
        return AsyncSandboxes(self._transport, own, self.run.run_id)

    def count(self, cost_usd: float, input_tokens: int, output_tokens: int) -> None:
        self._cost_nanos += round(cost_usd * _NANOS)
        self._input_tokens += input_tokens
        self._output_tokens += output_tokens

    @property
    def totals(self) -> dict[str, float]:
        """Of all model calls so far."""
        return {
            "cost_usd": self._cost_nanos / _NANOS,
            "input_tokens": self._input_tokens,
            "output_tokens": self._output_tokens,
        }

    def add(self, event: dict[str, Any]) -> None:
        self._events.add(event)

    async def flush(self) -> None:
        await self._events.flush()
