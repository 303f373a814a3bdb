"""What the API answers about exporters; public as part of `sandglass.models`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ._event_models import RuntimeEvent

ExporterState: TypeAlias = Literal["running", "stalled", "disabled"]


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
    #: Events in attempts that failed, each as often as it was tried, and those that the destination refused for good.
    failed_events: int = 0


@dataclass(frozen=True)
class FlushResult:
    delivered: int
    dropped: int
    #: Not delivered within the time; they stay in the log and are delivered later.
    pending: int


@dataclass(frozen=True)
class DeadTelemetry:
    """A request with telemetry of a sandbox or an agent; its body is in the file of dead letters alone."""

    signal: Literal["traces", "logs", "metrics"]
    #: Spans, log records or data points.
    items: int
    org_id: str
    #: "" for what is about none.
    sandbox_id: str
    #: "" where none was given.
    run_id: str
    received_at: str
    size_bytes: int


@dataclass(frozen=True)
class DeadLetter:
    """What a destination would not take. It is kept on the daemon's host and not sent again. Either `event` or `telemetry` is there."""

    #: When it was given up, ISO 8601.
    dead_at: str
    #: What the destination said, without secrets.
    reason: str
    event: RuntimeEvent | None = None
    telemetry: DeadTelemetry | None = None
