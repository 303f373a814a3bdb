"""What the record says; public as part of `sandglass.models`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ._protocol import EventType
from ._words import Level


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
