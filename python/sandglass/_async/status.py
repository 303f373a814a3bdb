"""How the service is, and what is said of it on its status page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .._call import Call
from .._decode import decode, wire
from .._later import models
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import (
        ComponentStatus,
        IncidentImpact,
        IncidentInfo,
        IncidentStatus,
        MaintenanceInfo,
        StatusFile,
        StatusReport,
    )


class AsyncStatus:
    """Reached as `client.status`. Writing takes a key of the operator with the scope "admin"."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def get(self) -> StatusReport:
        """Components, open incidents, and maintenance that is planned or under way."""
        return decode(models.StatusReport, await self._transport.json(Call("getStatus")))

    async def export(self, base_url: str | None = None) -> list[StatusFile]:
        """The public pages as files for another host, by path.

        Args:
            base_url: where they will be; without it there are no feeds, which name whole addresses
        """
        answer = await self._transport.json(Call("exportStatus", query={"baseUrl": base_url}))
        return [decode(models.StatusFile, file) for file in answer["files"]]

    async def incidents(self, *, open: bool | None = None, limit: int | None = None) -> list[IncidentInfo]:
        """Newest first.

        Args:
            open: only what is not over. Default False
            limit: at most this many, 1 to 200. Default 50
        """
        answer = await self._transport.json(Call("listIncidents", query={"open": open, "limit": limit}))
        return [decode(models.IncidentInfo, item) for item in answer["items"]]

    async def incident(self, incident_id: str) -> IncidentInfo:
        """Raises:
        IncidentNotFoundError: where there is none of this id
        """
        return decode(
            models.IncidentInfo, await self._transport.json(Call("getIncident", {"incidentId": incident_id}))
        )

    async def open_incident(
        self,
        title: str,
        message: str,
        *,
        status: IncidentStatus | None = None,
        impact: IncidentImpact | None = None,
        components: Mapping[str, ComponentStatus] | None = None,
    ) -> IncidentInfo:
        """
        Args:
            status: default "investigating"
            impact: default: after the worst component
            components: component id to what it is because of the incident

        Raises:
            InvalidRequestError: for a component that is none

        Example:
            client.status.open_incident(
                "Slow starts", "We are looking into it.", components={"api": "degraded_performance"}
            )
        """
        said = {
            "title": title,
            "message": message,
            "status": status,
            "impact": impact,
            "components": components,
        }
        return decode(models.IncidentInfo, await self._transport.json(Call("openIncident", json=wire(said))))

    async def update_incident(
        self,
        incident_id: str,
        message: str,
        *,
        status: IncidentStatus | None = None,
        impact: IncidentImpact | None = None,
        components: Mapping[str, ComponentStatus] | None = None,
    ) -> IncidentInfo:
        """Says how it goes on; the status "resolved" ends it.

        Args:
            components: over those that it has

        Raises:
            IncidentNotFoundError: where there is none of this id
            IncidentResolvedError: where it is over
        """
        said = {"message": message, "status": status, "impact": impact, "components": components}
        call = Call("updateIncident", {"incidentId": incident_id}, json=wire(said))
        return decode(models.IncidentInfo, await self._transport.json(call))

    async def maintenances(
        self, *, open: bool | None = None, limit: int | None = None
    ) -> list[MaintenanceInfo]:
        """The latest first.

        Args:
            open: only what is not over. Default False
            limit: at most this many, 1 to 200. Default 50
        """
        answer = await self._transport.json(Call("listMaintenances", query={"open": open, "limit": limit}))
        return [decode(models.MaintenanceInfo, item) for item in answer["items"]]

    async def schedule_maintenance(
        self, title: str, message: str, *, components: Sequence[str], starts_at: str, ends_at: str
    ) -> MaintenanceInfo:
        """
        Args:
            components: ids; under maintenance from `starts_at` to `ends_at`, ISO 8601 with their zone

        Raises:
            InvalidRequestError: for a component that is none, or times that are none
        """
        said = {
            "title": title,
            "message": message,
            "components": list(components),
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        return decode(
            models.MaintenanceInfo, await self._transport.json(Call("scheduleMaintenance", json=wire(said)))
        )

    async def end_maintenance(self, maintenance_id: str) -> None:
        """Cancels maintenance that has not begun, completes one that has.

        Raises:
            MaintenanceNotFoundError: where there is none of this id
        """
        await self._transport.json(Call("endMaintenance", {"maintenanceId": maintenance_id}))
