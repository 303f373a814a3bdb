"""What is answered of sandboxes, keys, files and the host; public as part of `sandglass.models`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from ._protocol import Cause
from ._words import Isolation, Language, RecordMode, SandboxState, Scope

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
class SandboxTelemetry:
    """What a sandbox has sent with OpenTelemetry, and what of it was not taken."""

    #: Spans, log records and data points that were taken.
    accepted_items: int
    #: Of the requests that they came in, as they came over the wire.
    accepted_bytes: int
    #: Requests that were refused, by reason: `rate_limited`, `in_flight`, `log_share`, ….
    refused_requests: dict[str, int]
    #: Items that were left out of requests that were taken, by reason: `metric_streams`.
    rejected_items: dict[str, int]


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
    #: What it has sent with OpenTelemetry; None where that is nothing.
    telemetry: SandboxTelemetry | None = None
    #: The sandbox that it was forked from; None where it was not.
    parent_id: str | None = None


@dataclass(frozen=True)
class SandboxDiff:
    """What a sandbox's file system has otherwise than another's: absolute paths of files, links and directories, sorted. Bytes that are no
    UTF-8 read as U+FFFD."""

    #: The sandbox that it was compared with.
    against: str
    #: What this one has and that one has not.
    added: list[str]
    #: What both have, of another type, mode, size, content or link target.
    modified: list[str]
    #: What that one has and this one has not.
    removed: list[str]
    #: There is more than is listed.
    truncated: bool


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
    #: It is the key that was asked with: who keeps that one has to keep this secret in its place. Of a rotation alone.
    is_own: bool = False


@dataclass(frozen=True)
class ConsoleLink:
    """A way into the web console, for one use. Whoever opens it acts as the key it was made with."""

    #: Not in the repr.
    url: str = field(repr=False)
    #: A minute after it was made.
    expires_at: str


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
