"""What the API answers about traces and log records; public as part of `sandglass.models`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ._protocol import Cause


@dataclass(frozen=True)
class TraceSpan:
    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    kind: Literal["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]
    start_time: str
    duration_ms: float
    #: "running" where the beginning is recorded and the end is not yet.
    status: Literal["ok", "error", "unset", "running"]
    sandbox_id: str
    attributes: dict[str, Any]
    cause: Cause | None = None
    #: What a program said of its status.
    message: str | None = None
    #: None: the host itself. `sandbox`: a program inside said it, and may say anything; `client`: a program with a key.
    origin: Literal["client", "sandbox"] | None = None
    #: Of a program that says so: its `service.name`.
    service: str | None = None
    scope: dict[str, str] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class TraceEvent:
    """A point in time, not a span of its own (e.g. `sandbox.booted`)."""

    timestamp: str
    type: str
    span_id: str
    sandbox_id: str
    data: dict[str, Any]


@dataclass(frozen=True)
class TraceInfo:
    trace_id: str
    spans: list[TraceSpan]
    events: list[TraceEvent]


@dataclass(frozen=True)
class TraceSummary:
    """A trace in a list."""

    trace_id: str
    #: Of its first span, the host's or a caller's before any that a sandbox tells of.
    name: str
    #: What it was about, in one line: its run's name, the first cell or command, else the request's route. "": not recorded.
    subject: str
    service: str
    start_time: str
    duration_ms: float
    spans: int
    #: Spans that failed.
    errors: int
    #: The first of its sandboxes; "" where there is none.
    sandbox_id: str
    run_id: str


@dataclass(frozen=True)
class LogEntry:
    """A log record that a program sent with OpenTelemetry."""

    id: str
    timestamp: str
    #: OpenTelemetry's number of it, 1 to 24; 0 where it says none.
    severity: int
    body: str
    trace_id: str
    span_id: str
    sandbox_id: str
    run_id: str
    service: str
    attributes: dict[str, Any]
    name: str | None = None
    #: None: the host itself.
    origin: Literal["client", "sandbox"] | None = None


@dataclass(frozen=True)
class MissedLogs:
    """What a reader of `logs.tail` could not take in time."""

    type: Literal["gap"]
    missed: int


#: What `logs.tail` yields.
LogLine: TypeAlias = LogEntry | MissedLogs
