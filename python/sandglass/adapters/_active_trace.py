"""In which trace a tool is called."""

from __future__ import annotations

from .._tracing import has_opentelemetry


def active_trace_id() -> str:
    """Of the active OpenTelemetry span; "" where there is none."""
    if not has_opentelemetry():
        return ""
    from opentelemetry import trace

    span = trace.get_current_span().get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else ""
