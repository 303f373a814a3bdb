from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from sandglass import _tracing
from sandglass._async.client import AsyncClient
from tests.support.scripted_server import (
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    with_sandbox,
)

TRACE_A = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_B = "00-11111111111111111111111111111111-2222222222222222-01"


def executed(_: SeenRequest, response: Response, __: int) -> None:
    response.stream()
    response.end("".join(counting_lines(0)))


def sent(server: ScriptedServer) -> list[str | None]:
    return [request.headers.get("traceparent") for request in server.requests]


@contextmanager
def active(of: context.Context) -> Iterator[None]:
    token = context.attach(of)
    try:
        yield
    finally:
        context.detach(token)


@pytest.mark.anyio
async def test_the_sandboxs_own_traceparent_is_carried_by_every_call_of_it_above_the_clients() -> None:
    with ScriptedServer(with_sandbox(executed)) as server:
        client = AsyncClient(server.url, "k", traceparent=TRACE_B)
        sandbox = await client.sandboxes.create(traceparent=TRACE_A, tracestate="v=1", baggage="a=b")
        await sandbox.run_code("1")
        await client.create_sandbox()
        assert sent(server) == [TRACE_A, TRACE_A, TRACE_B]
        assert server.requests[1].headers["tracestate"] == "v=1"
        assert server.requests[1].headers["baggage"] == "a=b"


@pytest.mark.anyio
async def test_the_active_span_is_the_parent_where_a_sandbox_has_none_of_its_own_with_baggage() -> None:
    span = SpanContext(int("a" * 32, 16), int("b" * 16, 16), False, TraceFlags(1))
    of = baggage.set_baggage("user", "ä b", trace.set_span_in_context(NonRecordingSpan(span)))
    with ScriptedServer(with_sandbox(executed)) as server:
        client = AsyncClient(server.url, "k", traceparent=TRACE_B)
        with active(of):
            sandbox = await client.create_sandbox()
        await sandbox.run_code("1")
        assert sent(server) == [f"00-{'a' * 32}-{'b' * 16}-01", TRACE_B]
        assert server.requests[0].headers["baggage"] == "user=%C3%A4%20b"


@pytest.mark.anyio
async def test_without_any_trace_of_the_callers_a_sandboxs_calls_join_the_trace_it_was_created_in() -> None:
    with ScriptedServer(with_sandbox(executed)) as server:
        sandbox = await AsyncClient(server.url, "k").create_sandbox()
        result = await sandbox.run_code("1")
        assert sent(server) == [None, f"00-{sandbox.trace_id}-00f067aa0ba902b7-01"]
        assert result.trace_id == sandbox.trace_id


@pytest.mark.anyio
async def test_sandglass_traceparent_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDGLASS_TRACEPARENT", TRACE_A)
    with ScriptedServer(with_sandbox(executed)) as server:
        await AsyncClient(server.url, "k").create_sandbox()
        await AsyncClient(server.url, "k", traceparent=TRACE_B).create_sandbox()
        assert sent(server) == [TRACE_A, TRACE_B]


@pytest.mark.anyio
async def test_an_invalid_traceparent_is_warned_about_once_and_never_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_tracing, "_is_warned", False)
    with ScriptedServer(with_sandbox(executed)) as server:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            client = AsyncClient(server.url, "k", traceparent="00-bad")
            await client.create_sandbox("python", traceparent=TRACE_A.upper(), tracestate="v=1")
        mine = [str(each.message) for each in warned if "traceparent" in str(each.message)]
        assert sent(server) == [None]
        assert "tracestate" not in server.requests[0].headers
        assert len(mine) == 1
        assert '"00-bad" is not a valid W3C traceparent' in mine[0]
