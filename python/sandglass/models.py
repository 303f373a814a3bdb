"""What the API answers. Times are ISO 8601 in UTC, durations milliseconds, sizes bytes or, where the name says so, MiB."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from ._protocol import Cause, EventType, SignalName
from ._run_models import RunDetail, RunFailure, RunModel, RunSandbox, RunState, RunSummary
from ._trace_models import LogEntry, TraceEvent, TraceInfo, TraceSpan, TraceSummary

__all__ = [
    "Cause",
    "Check",
    "ConfigEntry",
    "CreatedKey",
    "DoctorReport",
    "EventLine",
    "EventType",
    "ExecInfo",
    "ExporterCounts",
    "ExporterError",
    "ExporterInfo",
    "FileInfo",
    "FlushResult",
    "GapLine",
    "Isolation",
    "KeyInfo",
    "Language",
    "Level",
    "LogEntry",
    "Page",
    "RecordMode",
    "RunDetail",
    "RunFailure",
    "RunInfo",
    "RunModel",
    "RunSandbox",
    "RunState",
    "RunSummary",
    "RuntimeEvent",
    "SandboxInfo",
    "SandboxLimits",
    "SandboxState",
    "Scope",
    "SignalName",
    "TelemetryDelivery",
    "TraceEvent",
    "TraceInfo",
    "TraceSpan",
    "TraceSummary",
    "UnenforcedLimit",
]

Language: TypeAlias = Literal["python", "javascript", "bash"]
SandboxState: TypeAlias = Literal["starting", "running", "paused", "terminating", "terminated"]
Isolation: TypeAlias = Literal["bubblewrap", "crun", "gvisor", "kubernetes"]
RecordMode: TypeAlias = Literal["full", "metadata"]
Level: TypeAlias = Literal["debug", "info", "warn", "error"]
Scope: TypeAlias = Literal["admin"]
ExporterState: TypeAlias = Literal["running", "stalled", "disabled"]
RunStatus: TypeAlias = Literal["ok", "error", "cancelled"]

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list."""

    items: list[T]
    #: What `cursor` of the next call takes; None on the last page.
    next_cursor: str | None = None


@dataclass(frozen=True)
class SandboxLimits:
    vcpu: float
    memory_mb: int
    disk_mb: int
    max_pids: int
    max_open_files: int
    max_output_bytes: int
    max_concurrent_execs: int
    timeout_ms: int
    idle_timeout_ms: int


@dataclass(frozen=True)
class UnenforcedLimit:
    """A limit that this host cannot enforce, and why."""

    limit: str
    reason: str


@dataclass(frozen=True)
class SandboxInfo:
    id: str
    state: SandboxState
    template: str
    source: Literal["pool", "on_demand", "snapshot"]
    isolation: Isolation
    limits: SandboxLimits
    #: Empty on a host that enforces everything.
    unenforced: list[UnenforcedLimit]
    on_idle: Literal["pause", "terminate"]
    record: RecordMode
    #: Whether its telemetry goes to its owner's own endpoint too.
    otel_export: bool
    instrument: bool
    logs: bool
    #: As it was asked for; empty where it reaches nothing.
    network: dict[str, Any]
    metadata: dict[str, str]
    run_id: str
    trace_id: str
    created_at: str
    #: How long the create took.
    create_ms: float
    ended_at: str | None = None
    cause: Cause | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ExecInfo:
    id: str
    sandbox_id: str
    state: Literal["queued", "running", "completed"]
    kind: Literal["code", "command"]
    trace_id: str
    span_id: str
    started_at: str
    stdout_bytes: int
    stderr_bytes: int
    language: Language | None = None
    context_id: str | None = None
    #: None where the sandbox records metadata only.
    code: str | None = None
    command: str | None = None
    ended_at: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    cause: Cause | None = None
    reason: str | None = None
    duration_ms: float | None = None
    cpu_ms: float | None = None
    max_rss_bytes: int | None = None


@dataclass(frozen=True)
class FileInfo:
    name: str
    #: Absolute, inside the sandbox.
    path: str
    type: Literal["file", "directory", "symlink", "other"]
    size_bytes: int
    #: Permission bits, e.g. 0o644.
    mode: int
    modified_at: str
    #: Where `type` is "symlink".
    target: str | None = None


@dataclass(frozen=True)
class KeyInfo:
    """A key as listed: never its secret."""

    id: str
    name: str
    org_id: str
    scopes: list[Scope]
    created_at: str
    expires_at: str | None = None
    #: To the minute.
    last_used_at: str | None = None
    #: While the secret from before a rotation works too: until when.
    grace_until: str | None = None


@dataclass(frozen=True)
class CreatedKey(KeyInfo):
    #: The secret, shown once and not in the repr.
    key: str = field(repr=False, default="")


@dataclass(frozen=True)
class ExporterCounts:
    """accepted = delivered + filtered + queued + in_flight + all of dropped, at every moment."""

    accepted: int
    delivered: int
    filtered: int
    queued: int
    in_flight: int
    #: By reason; healthy is empty.
    dropped: dict[str, int]


@dataclass(frozen=True)
class ExporterError:
    at: str
    message: str


@dataclass(frozen=True)
class TelemetryDelivery:
    """How an exporter is doing with what sandboxes and agents send, counted in requests."""

    state: ExporterState
    counts: ExporterCounts
    lag_ms: float
    failed_attempts: int
    last_error: ExporterError | None = None
    last_delivery_at: str | None = None
    stalled_since: str | None = None
    dead_letter_file: str | None = None


@dataclass(frozen=True)
class ExporterInfo:
    id: str
    provider: str
    #: For people, without secrets.
    destination: str
    state: ExporterState
    #: "config": of the daemon's configuration; "api": added while running.
    origin: Literal["config", "api"]
    counts: ExporterCounts
    #: Age of the oldest event that is not delivered yet; 0 where there is none.
    lag_ms: float
    failed_attempts: int
    filter_errors: int
    last_error: ExporterError | None = None
    last_delivery_at: str | None = None
    stalled_since: str | None = None
    dead_letter_file: str | None = None
    telemetry: TelemetryDelivery | None = None


@dataclass(frozen=True)
class FlushResult:
    delivered: int
    dropped: int
    #: Not delivered within the time; they stay in the log and are delivered later.
    pending: int


@dataclass(frozen=True)
class RunInfo:
    run_id: str
    name: str
    trace_id: str
    #: The run's root span.
    span_id: str
    started_at: str


@dataclass(frozen=True)
class Check:
    """One thing `sandglass doctor` looked at."""

    name: str
    status: Literal["ok", "warn", "error"]
    detail: str
    hint: str | None = None


@dataclass(frozen=True)
class ConfigEntry:
    option: str
    #: Secrets read "[set]".
    value: str
    source: Literal["default", "file", "environment", "flag"]


@dataclass(frozen=True)
class DoctorReport:
    version: str
    checks: list[Check]
    config: list[ConfigEntry]


@dataclass(frozen=True)
class RuntimeEvent:
    """One event of the record."""

    #: "evt_…": stable across retries; the deduplication key.
    id: str
    #: Per sandbox, starts at 1, no gaps: a hole is a loss.
    seq: int
    #: With microseconds.
    timestamp: str
    type: EventType
    level: Level
    org_id: str
    #: "" for events of the host.
    sandbox_id: str
    run_id: str
    trace_id: str
    span_id: str
    #: "" where the trace starts here.
    parent_span_id: str
    #: By `type`, with the names of the record: `event.data["exitCode"]`.
    data: dict[str, Any]
    #: What `after` takes to continue behind this event.
    cursor: str = ""


@dataclass(frozen=True)
class GapLine:
    """A hole in what a reader got: events that were removed before it read them, counted and placed."""

    type: Literal["gap"]
    #: Positions in the log, both inclusive.
    from_position: int
    to_position: int
    reason: str
    #: Where to read on.
    cursor: str


#: One line of `client.events()`.
EventLine: TypeAlias = RuntimeEvent | GapLine
