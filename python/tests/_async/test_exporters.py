from __future__ import annotations

import json
import threading

import pytest

from sandglass import ExporterNotFoundError, FlushResult, TimeoutError
from sandglass._async.client import AsyncClient
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest

INFO = {
    "id": "audit 1",
    "provider": "jsonl",
    "state": "running",
    "counts": {"accepted": 3, "delivered": 2, "inFlight": 1},
    "lastError": {"at": "2026-06-02T10:00:00.000Z", "message": "no room"},
}

EVENT_LETTER = {
    "deadAt": "2026-06-02T10:00:00.000Z",
    "reason": "too long",
    "event": {"id": "evt_1", "type": "exec.completed", "data": {"exitCode": 1}},
}
TELEMETRY_LETTER = {
    "deadAt": "2026-06-02T09:00:00.000Z",
    "reason": "quota",
    "telemetry": {"signal": "traces", "items": 3, "sizeBytes": 90},
}


def daemon(request: SeenRequest, response: Response, _: int) -> None:
    if request.method == "DELETE":
        return response.begin(204, {"content-length": "0"})
    if request.url == "/v1/exporters/flush":
        return response.json({"delivered": 1, "dropped": 0, "pending": 2})
    if "/dead-letters" in request.url:
        return response.json({"items": [EVENT_LETTER, TELEMETRY_LETTER], "nextCursor": "next"})
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
        letters = await exporters.dead_letters("audit 1")
        event, telemetry = letters.items
        assert (event.reason, event.telemetry) == ("too long", None)
        assert event.event is not None and event.event.data == {"exitCode": 1}
        assert telemetry.telemetry is not None and telemetry.telemetry.size_bytes == 90
        await exporters.dead_letters("audit 1", limit=5, cursor=letters.next_cursor)
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
            "GET /v1/exporters/audit%201/dead-letters",
            "GET /v1/exporters/audit%201/dead-letters?limit=5&cursor=next",
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
        assert bodies[7:9] == [{"timeoutMs": 30_000}, {"timeoutMs": 5, "ids": ["audit 1"]}]


@pytest.mark.anyio
async def test_a_flush_may_take_longer_than_other_calls() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count > 1:
            # Longer than any other call may take here.
            threading.Event().wait(0.2)
            response.json({"delivered": 0, "dropped": 0, "pending": 0})

    with ScriptedServer(script) as server:
        client = AsyncClient(server.url, "k", request_timeout_ms=50)
        with pytest.raises(TimeoutError, match="in 50 ms"):
            await client.exporters.list()
        assert (await client.exporters.flush()).pending == 0


@pytest.mark.anyio
async def test_an_exporter_that_is_not_there_is_an_error_of_the_catalogue() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.error(404, "EXPORTER_NOT_FOUND", "no exporter x", requestId="req_1")

    with ScriptedServer(script) as server, pytest.raises(ExporterNotFoundError):
        await AsyncClient(server.url, "k").exporters.get("x")
