"""In which trace a client, sandbox or run calls."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ._credentials import SandglassWarning
from ._trace_context import format_baggage, format_traceparent, parse_traceparent

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext


@dataclass(frozen=True)
class TraceOptions:
    """Where a caller stands in a trace, as W3C headers. `tracestate` is sent only together with a valid `traceparent`."""

    traceparent: str | None = None
    tracestate: str | None = None
    baggage: str | None = None


@dataclass(frozen=True)
class Tracing:
    """A call takes the first that there is of: `own` (given to this sandbox or run), the active OpenTelemetry span, `fallback` (given to
    the client, or SANDGLASS_TRACEPARENT), `origin` (the trace the sandbox was created in)."""

    own: TraceOptions | None = None
    fallback: TraceOptions | None = None
    origin: TraceOptions | None = None
    #: The run that the caller's work belongs to.
    run_id: str | None = None


_innermost: ContextVar[TraceOptions | None] = ContextVar("sandglass_innermost", default=None)
_is_warned = False


@contextmanager
def in_trace(parent: TraceOptions) -> Iterator[None]:
    """Every call made inside, however deep, is a child of `parent`: above all else a `Tracing` says."""
    token = _innermost.set(parent)
    try:
        yield
    finally:
        _innermost.reset(token)


def innermost_trace() -> TraceOptions | None:
    """What `in_trace` says here; None outside of it."""
    return _innermost.get()


@cache
def has_opentelemetry() -> bool:
    """Whether `opentelemetry-api` is installed. Looked for at the first call, not at import: most programs have no use for it."""
    try:
        import opentelemetry.baggage
        import opentelemetry.metrics
        import opentelemetry.trace  # noqa: F401
    except ImportError:
        return False
    return True


def trace_headers(tracing: Tracing | None, span: SpanContext | None = None) -> dict[str, str]:
    """The headers of one call; every request passes here. Empty where there is no trace to be part of.

    Args:
        span: the call's own, where it has one: what the daemon does becomes its child
    """
    tracing = tracing or Tracing()
    source = _innermost.get() or tracing.own or _active_context() or tracing.fallback or tracing.origin
    baggage = (source.baggage if source else None) or _active_baggage()
    place = _place_of(span) if span is not None else source
    headers: dict[str, str] = {}
    if place is not None and place.traceparent:
        headers["traceparent"] = place.traceparent
        if place.tracestate:
            headers["tracestate"] = place.tracestate
    if baggage:
        headers["baggage"] = baggage
    return headers


def parent_context(tracing: Tracing | None) -> Context:
    """What a call's own span is to be started in: the same precedence as `trace_headers`. Needs `opentelemetry-api`."""
    from opentelemetry import context, trace
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

    active = context.get_current()
    tracing = tracing or Tracing()
    source = _innermost.get() or tracing.own
    if source is None and _active_context() is None:
        source = tracing.fallback or tracing.origin
    parent = parse_traceparent(source.traceparent) if source else None
    if source is None or parent is None:
        return active
    state = TraceState.from_header([source.tracestate]) if source.tracestate else None
    remote = SpanContext(
        int(parent.trace_id, 16), int(parent.parent_span_id, 16), True, TraceFlags(parent.flags), state
    )
    return trace.set_span_in_context(NonRecordingSpan(remote), active)


def checked_trace(
    traceparent: str | None,
    tracestate: str | None = None,
    baggage: str | None = None,
    name: str = "traceparent",
) -> TraceOptions | None:
    """The given options when their `traceparent` is valid; None, after one warning a process, when it is not."""
    global _is_warned
    if not traceparent:
        return None
    if parse_traceparent(traceparent) is not None:
        return TraceOptions(traceparent, tracestate, baggage)
    if not _is_warned:
        _is_warned = True
        warnings.warn(
            f"the {name} {json.dumps(traceparent[:80])} is not a valid W3C traceparent and is not sent",
            SandglassWarning,
            stacklevel=3,
        )
    return None


def environment_trace() -> TraceOptions | None:
    return checked_trace(os.environ.get("SANDGLASS_TRACEPARENT"), name="SANDGLASS_TRACEPARENT")


def _active_context() -> TraceOptions | None:
    """The active span as headers. Written here rather than by the registered propagator: the daemon speaks W3C, whatever a program has
    set up for its other callees."""
    if not has_opentelemetry():
        return None
    from opentelemetry import trace

    span = trace.get_current_span().get_span_context()
    return _place_of(span, _active_baggage()) if span.is_valid else None


def _place_of(span: SpanContext, baggage: str | None = None) -> TraceOptions:
    traceparent = format_traceparent(f"{span.trace_id:032x}", f"{span.span_id:016x}", span.trace_flags)
    return TraceOptions(traceparent, span.trace_state.to_header() or None, baggage)


def _active_baggage() -> str | None:
    if not has_opentelemetry():
        return None
    from opentelemetry import baggage

    entries = baggage.get_all()
    return format_baggage((key, str(value)) for key, value in entries.items()) or None if entries else None
