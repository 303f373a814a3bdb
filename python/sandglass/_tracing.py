"""In which trace a client, sandbox or run calls."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar, Token
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
    """A call takes the first that there is of: the tool call or agent it is made in, `own` (given to this sandbox or run), the active
    OpenTelemetry span, the run that is open around it, `fallback` (given to the client, or SANDGLASS_TRACEPARENT), `origin` (the trace the
    sandbox was created in)."""

    own: TraceOptions | None = None
    fallback: TraceOptions | None = None
    origin: TraceOptions | None = None
    #: The run that the caller's work belongs to.
    run_id: str | None = None


@dataclass(frozen=True)
class OpenRun:
    """A run that is open around the caller."""

    run_id: str
    #: Of the daemon that has it: what is made on another one is no part of it.
    base_url: str
    #: Of the run's own span.
    place: TraceOptions


@dataclass(frozen=True)
class _Surroundings:
    run: OpenRun
    #: Of the tool call or agent; None in the run itself.
    innermost: TraceOptions | None = None


_surroundings: ContextVar[_Surroundings | None] = ContextVar("sandglass_surroundings", default=None)
_is_warned = False


def in_run(run: OpenRun) -> AbstractContextManager[None]:
    """What is done inside is the work of a run: what is asked of its daemon, however deep, belongs to it, and the run's span is the parent
    of whatever has no nearer one, the program's own OpenTelemetry spans included."""
    return _within(_Surroundings(run), run.place)


def in_trace(parent: TraceOptions, run: OpenRun) -> AbstractContextManager[None]:
    """As `in_run`, in one of its tool calls or agents: every call made inside is a child of `parent`, above all else a `Tracing` says."""
    return _within(_Surroundings(run, parent), parent)


@contextmanager
def _within(surroundings: _Surroundings, parent: TraceOptions) -> Iterator[None]:
    ours = _surroundings.set(surroundings)
    theirs = _attach(parent)
    try:
        yield
    finally:
        # A block that is left in another context than it was entered in (a fixture, a generator) has nothing to take back there.
        with suppress(ValueError):
            _surroundings.reset(ours)
            if theirs is not None:
                _detach(theirs)


def innermost_trace() -> TraceOptions | None:
    """What `in_trace` says here; None outside of it."""
    surroundings = _surroundings.get()
    return surroundings.innermost if surroundings else None


def open_run_at(base_url: str) -> str | None:
    """The run that is open here, where that daemon has it."""
    surroundings = _surroundings.get()
    return surroundings.run.run_id if surroundings and surroundings.run.base_url == base_url else None


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
    source = innermost_trace() or tracing.own or _active_context() or _otherwise(tracing)
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
    tracing = tracing or Tracing()
    source = innermost_trace() or tracing.own
    if source is None and _active_context() is None:
        source = _otherwise(tracing)
    return _context_below(source)


def _otherwise(tracing: Tracing) -> TraceOptions | None:
    """Where no span is active: a program without OpenTelemetry has its open run."""
    surroundings = _surroundings.get()
    return (surroundings.run.place if surroundings else None) or tracing.fallback or tracing.origin


def _context_below(source: TraceOptions | None) -> Context:
    """The active context with that parent in it; unchanged where there is none."""
    from opentelemetry import context, trace
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

    active = context.get_current()
    parent = parse_traceparent(source.traceparent) if source else None
    if source is None or parent is None:
        return active
    state = TraceState.from_header([source.tracestate]) if source.tracestate else None
    remote = SpanContext(
        int(parent.trace_id, 16), int(parent.parent_span_id, 16), True, TraceFlags(parent.flags), state
    )
    return trace.set_span_in_context(NonRecordingSpan(remote), active)


def _attach(parent: TraceOptions) -> Token[Context] | None:
    """Makes it the parent of the program's own spans, too."""
    if not has_opentelemetry():
        return None
    from opentelemetry import context

    return context.attach(_context_below(parent))


def _detach(token: Token[Context]) -> None:
    from opentelemetry import context

    context.detach(token)


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
