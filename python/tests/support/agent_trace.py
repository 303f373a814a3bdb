"""A trace that stands for an agent's own, and what was recorded below it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sandglass import Client, RuntimeEvent, TraceSpan
from tests.support.daemon import Daemon


class AgentTrace:
    def __init__(self, daemon: Daemon) -> None:
        self.trace_id = secrets.token_hex(16)
        self.span_id = secrets.token_hex(8)
        self.traceparent = f"00-{self.trace_id}-{self.span_id}-01"
        self._daemon = daemon

    def events(self) -> list[RuntimeEvent]:
        with Client(self._daemon.url, self._daemon.api_key) as client:
            return [
                event for event in client.events(trace_id=self.trace_id) if isinstance(event, RuntimeEvent)
            ]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]

    def paths_to_execs(self) -> list[list[str]]:
        """The names of the spans from below the agent's own down to each `sandbox.execute`."""
        with Client(self._daemon.url, self._daemon.api_key) as client:
            spans = client.traces.get(self.trace_id).spans
        by_id = {span.span_id: span for span in spans}
        return [self._path(span, by_id) for span in spans if span.name == "sandbox.execute"]

    def _path(self, span: TraceSpan, by_id: dict[str, TraceSpan]) -> list[str]:
        path: list[str] = [span.name]
        while span.parent_span_id != self.span_id:
            span = by_id[span.parent_span_id]
            path.insert(0, span.name)
        return path


def expected_path(framework: str) -> Iterable[str]:
    """What each adapter's trace has to be; the first request is the one that opens the run."""
    return ["http_request", f"invoke_agent {framework}", "agent.tool_call", "http_request", "sandbox.execute"]
