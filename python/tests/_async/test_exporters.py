from __future__ import annotations

import json

import pytest

from sandglass import ExporterNotFoundError, FlushResult
from sandglass._async.client import AsyncClient
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest

INFO = {
    "id": "audit 1",
    "provider": "jsonl",
    "state": "running",
    "counts": {"accepted": 3, "delivered": 2, "inFlight": 1},
    "lastError": {"at": "2026-06-02T10:00:00.000Z", "message": "no room"},
}


def daemon(request: SeenRequest, response: Response, _: int) -> None:
    if request.method == "DELETE":
        return response.begin(204, {"content-length": "0"})
    if request.url == "/v1/exporters/flush":
        return response.json({"delivered": 1, "dropped": 0, "pending": 2})
    if request.url == "/v1/exporters" and request.method == "GET":
        return response.json({"items": [INFO]})
    return response.json(INFO, 201 if request.method == "POST" else 200)


@pytest.mark.anyio
async def test_every_call_says_what_the_protocol_knows() -> None:
    with ScriptedServer(daemon) as server:
        exporters = AsyncClient(server.url, "k").exporters
        [listed] = await exporters.list()
        assert (listed.id, listed.counts.in_flight, listed.counts.dropped) == ("audit 1", 1, {})
        assert listed.last_error is not None and listed.last_error.message == "no room"
        assert await exporters.get("audit 1") == listed
        config = {"filePath": "events.jsonl"}
        await exporters.add(
            "jsonl", id="audit-1", config=config, filter={"types": ["exec.*"], "min_level": "warn"}
        )
        await exporters.replace("audit 1", "jsonl", config=config)
        await exporters.retry("audit 1")
        assert await exporters.flush() == FlushResult(1, 0, 2)
        await exporters.flush(ids=["audit 1"], timeout_ms=5)
        await exporters.remove("audit 1")
        await exporters.remove("audit 1", forget=True)

        assert [f"{request.method} {request.url}" for request in server.requests] == [
            "GET /v1/exporters",
            "GET /v1/exporters/audit%201",
            "POST /v1/exporters",
            "PUT /v1/exporters/audit%201",
            "POST /v1/exporters/audit%201/retry",
            "POST /v1/exporters/flush",
            "POST /v1/exporters/flush",
            "DELETE /v1/exporters/audit%201",
            "DELETE /v1/exporters/audit%201?forget=true",
        ]
        bodies = [json.loads(request.body) if request.body else None for request in server.requests]
        assert bodies[2] == {
            "provider": "jsonl",
            "id": "audit-1",
            "config": config,
            "filter": {"types": ["exec.*"], "minLevel": "warn"},
        }
        assert bodies[3] == {"provider": "jsonl", "id": "audit 1", "config": config}
        assert bodies[5:7] == [{"timeoutMs": 30_000}, {"timeoutMs": 5, "ids": ["audit 1"]}]


@pytest.mark.anyio
async def test_an_exporter_that_is_not_there_is_an_error_of_the_catalogue() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.error(404, "EXPORTER_NOT_FOUND", "no exporter x", requestId="req_1")

    with ScriptedServer(script) as server, pytest.raises(ExporterNotFoundError):
        await AsyncClient(server.url, "k").exporters.get("x")
