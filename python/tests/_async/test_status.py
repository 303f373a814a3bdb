from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from sandglass import ConsoleLink, StatusFile
from sandglass._async.client import AsyncClient
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest

INCIDENT: dict[str, Any] = {
    "id": "inc_1",
    "title": "Slow starts",
    "status": "investigating",
    "impact": "minor",
    "components": {"api": "degraded_performance"},
    "isAutomatic": False,
    "openedAt": "2026-04-18T14:00:00.000Z",
    "updates": [
        {"id": "upd_1", "status": "investigating", "message": "Looking.", "at": "2026-04-18T14:00:00.000Z"}
    ],
}
MAINTENANCE: dict[str, Any] = {
    "id": "mnt_1",
    "title": "A new disk",
    "message": "For an hour.",
    "status": "scheduled",
    "components": ["api"],
    "startsAt": "2026-04-19T00:00:00.000Z",
    "endsAt": "2026-04-19T01:00:00.000Z",
    "createdAt": "2026-04-18T14:00:00.000Z",
}
REPORT = {
    "title": "Sandglass",
    "description": "All systems operational",
    "indicator": "none",
    "at": "2026-04-18T14:00:00.000Z",
    "components": [
        {
            "id": "api",
            "name": "API",
            "group": "Sandglass",
            "status": "operational",
            "since": "2026-01-01T00:00:00.000Z",
            "isPublic": True,
            "uptime": 0.999,
        }
    ],
    "incidents": [INCIDENT],
    "maintenances": [MAINTENANCE],
}
ANSWERS: dict[str, Any] = {
    "/v1/status": REPORT,
    "/v1/status/export": {"files": [{"path": "index.html", "content": "<html>"}]},
    "/v1/incidents": {"items": [INCIDENT]},
    "/v1/maintenances": {"items": [MAINTENANCE]},
    "POST /v1/incidents": INCIDENT,
    "POST /v1/maintenances": MAINTENANCE,
    "/v1/incidents/inc_1": INCIDENT,
    "/v1/incidents/inc_1/updates": {
        **INCIDENT,
        "status": "resolved",
        "resolvedAt": "2026-04-18T15:00:00.000Z",
    },
}


def status_script(request: SeenRequest, response: Response, _: int) -> None:
    """Answers each call as the daemon does."""
    path = request.url.split("?")[0]
    if request.method == "DELETE":
        return response.begin(204, {"content-length": "0"})
    answer = ANSWERS.get(f"{request.method} {path}") or ANSWERS[path]
    return response.json(answer, 201 if request.method == "POST" else 200)


@pytest.mark.anyio
async def test_the_status_is_read_with_its_components_incidents_and_maintenance_and_its_pages_as_files() -> (
    None
):
    with ScriptedServer(status_script) as server:
        status = AsyncClient(server.url, "k").status
        report = await status.get()
        assert (report.components[0].is_public, report.components[0].uptime) == (True, 0.999)
        assert report.incidents[0].updates[0].message == "Looking."
        assert report.maintenances[0].ends_at == MAINTENANCE["endsAt"]
        assert await status.export("https://status.example") == [StatusFile("index.html", "<html>")]
        assert (await status.incidents(open=True, limit=5))[0].id == "inc_1"
        assert (await status.incident("inc_1")).components["api"] == "degraded_performance"
        assert (await status.maintenances())[0].status == "scheduled"
        assert [unquote(request.url) for request in server.requests] == [
            "/v1/status",
            "/v1/status/export?baseUrl=https://status.example",
            "/v1/incidents?open=true&limit=5",
            "/v1/incidents/inc_1",
            "/v1/maintenances",
        ]


@pytest.mark.anyio
async def test_incidents_and_maintenance_are_written_as_the_protocol_has_them() -> None:
    with ScriptedServer(status_script) as server:
        status = AsyncClient(server.url, "k").status
        await status.open_incident("Slow starts", "Looking.", components={"api": "degraded_performance"})
        resolved = await status.update_incident("inc_1", "Over.", status="resolved")
        assert resolved.resolved_at == "2026-04-18T15:00:00.000Z"
        wanted = {
            name: MAINTENANCE[name] for name in ("title", "message", "components", "startsAt", "endsAt")
        }
        made = await status.schedule_maintenance(
            "A new disk",
            "For an hour.",
            components=["api"],
            starts_at=wanted["startsAt"],
            ends_at=wanted["endsAt"],
        )
        assert made.id == "mnt_1"
        await status.end_maintenance("mnt_1")
        said = [(each.method, each.url, json.loads(each.body or b"null")) for each in server.requests]
        opened = {
            "title": "Slow starts",
            "message": "Looking.",
            "components": {"api": "degraded_performance"},
        }
        assert said == [
            ("POST", "/v1/incidents", opened),
            ("POST", "/v1/incidents/inc_1/updates", {"message": "Over.", "status": "resolved"}),
            ("POST", "/v1/maintenances", wanted),
            ("DELETE", "/v1/maintenances/mnt_1", None),
        ]


@pytest.mark.anyio
async def test_a_link_into_the_console_is_a_whole_address_with_when_it_is_over() -> None:
    link = {"path": "/console/?link=abc", "expiresAt": "2026-04-18T14:01:00.000Z"}
    with ScriptedServer(lambda _, response, __: response.json(link, 201)) as server:
        made = await AsyncClient(server.url, "k").console_link()
        assert made == ConsoleLink(f"{server.url}/console/?link=abc", "2026-04-18T14:01:00.000Z")
        # Whoever opens it acts as the key.
        assert "abc" not in repr(made)
