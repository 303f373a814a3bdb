"""What the API answers about the status page; public as part of `sandglass.models`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: In the words of Statuspage.
ComponentStatus: TypeAlias = Literal[
    "operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"
]
IncidentStatus: TypeAlias = Literal["investigating", "identified", "monitoring", "resolved"]
IncidentImpact: TypeAlias = Literal["none", "minor", "major", "critical"]
MaintenanceStatus: TypeAlias = Literal["scheduled", "in_progress", "completed", "cancelled"]


@dataclass(frozen=True)
class ComponentInfo:
    """One component, as its operator sees it."""

    #: In URLs: `api`, `template-python`, `exporter-axiom`, `check-website`.
    id: str
    name: str
    group: str
    status: ComponentStatus
    #: Since when it has this status.
    since: str
    #: On the public pages.
    is_public: bool
    #: Of 90 days, without what nobody measured and what was maintenance; 0 to 1. None where nothing was measured.
    uptime: float | None = None
    #: Of the last probe.
    latency_ms: float | None = None
    last_probe_at: str | None = None
    #: Why the last probe did not succeed. Never on a public page.
    reason: str | None = None


@dataclass(frozen=True)
class IncidentUpdate:
    id: str
    status: IncidentStatus
    message: str
    at: str


@dataclass(frozen=True)
class IncidentInfo:
    #: "inc_…".
    id: str
    title: str
    status: IncidentStatus
    impact: IncidentImpact
    #: Component id to what it is because of this incident.
    components: dict[str, ComponentStatus]
    #: Probes opened it, and resolve it unless a person has written to it since.
    is_automatic: bool
    opened_at: str
    #: Newest first.
    updates: list[IncidentUpdate]
    resolved_at: str | None = None


@dataclass(frozen=True)
class MaintenanceInfo:
    #: "mnt_…".
    id: str
    title: str
    message: str
    status: MaintenanceStatus
    #: Component ids.
    components: list[str]
    starts_at: str
    ends_at: str
    created_at: str
    #: When it was completed or cancelled.
    ended_at: str | None = None


@dataclass(frozen=True)
class StatusReport:
    title: str
    #: The worst of the components, in words.
    description: str
    indicator: Literal["none", "maintenance", "minor", "major", "critical"]
    at: str
    components: list[ComponentInfo]
    #: Those that are open.
    incidents: list[IncidentInfo]
    #: Planned, or under way.
    maintenances: list[MaintenanceInfo]


@dataclass(frozen=True)
class StatusFile:
    """A public page, for another host."""

    path: str
    content: str
