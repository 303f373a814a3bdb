from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from sandglass import LogUnavailableError
from sandglass._async.client import AsyncClient
from tests.support.scripted_server import (
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    sandbox_info,
)

RUN = {"runId": "run_1", "name": "analyst", "traceId": "a" * 32, "spanId": "b" * 16, "startedAt": ""}


def daemon(request: SeenRequest, response: Response, _: int) -> None:
    if request.url == "/v1/runs":
        return response.json(RUN, 201)
    if request.url == "/v1/sandboxes":
        return response.json(sandbox_info(), 201)
    if request.url.endswith("/events"):
        return response.json({"accepted": 1}, 201)
    response.stream()
    return response.end("".join(counting_lines(1)))


def events_at(server: ScriptedServer) -> list[dict[str, Any]]:
    """The run's own events as they arrived."""
    requests = [request for request in server.requests if request.url == "/v1/runs/run_1/events"]
    return [event for request in requests for event in json.loads(request.body)["events"]]


@pytest.mark.anyio
async def test_everything_inside_a_run_carries_its_id_and_its_span_and_the_end_sums_up_the_models_costs() -> (
    None
):
    with ScriptedServer(daemon) as server:
        run = await AsyncClient(server.url, "k").run("analyst").start()
        sandbox = await run.sandboxes.create("python")
        await sandbox.run_code("1")
        run.llm("m", input_tokens=10, output_tokens=5, cost_usd=0.25)
        run.llm("m", input_tokens=1, output_tokens=1, cost_usd=0.5)
        await run.complete()
        await run.complete(status="error")

        created = next(request for request in server.requests if request.url == "/v1/sandboxes")
        assert json.loads(created.body) == {"runId": "run_1", "template": "python"}
        inside = {request.headers.get("traceparent") for request in server.requests[1:]}
        assert inside == {f"00-{RUN['traceId']}-{RUN['spanId']}-03"}
        events = events_at(server)
        assert [event["type"] for event in events] == ["cost.llm", "cost.llm", "run.completed"]
        assert events[-1]["data"].pop("durationMs") > 0
        assert events[-1]["data"] == {
            "name": "analyst",
            "status": "ok",
            "costUsd": 0.75,
            "inputTokens": 11,
            "outputTokens": 6,
        }


@pytest.mark.anyio
async def test_a_tool_call_is_one_span_from_call_to_result_and_the_parent_of_what_the_tool_does() -> None:
    def broken(_: object) -> None:
        raise ValueError("no such table")

    with ScriptedServer(daemon) as server:
        async with AsyncClient(server.url, "k").run("analyst") as run:
            sandbox = await run.sandboxes.create()
            value = await run.tool("python", {"code": "1"}, lambda args: sandbox.run_code(args["code"]))
            assert value.stdout == "0\n"
            with pytest.raises(ValueError, match="no such table"):
                await run.tool("broken", {}, broken)
            with run.tool_call("by hand") as call:
                call.result("done")
        call_, result, broken_call, broken_result, by_hand, by_hand_result, end = events_at(server)
        executed = next(request for request in server.requests if request.url.endswith("/exec"))
        assert executed.headers["traceparent"] == f"00-{RUN['traceId']}-{call_['spanId']}-03"
        assert result["spanId"] == call_["spanId"] != broken_call["spanId"]
        assert [result["data"]["isError"], broken_result["data"]["isError"]] == [False, True]
        assert by_hand["data"]["toolCallId"] == by_hand_result["data"]["toolCallId"]
        assert end["data"]["status"] == "ok"


@pytest.mark.anyio
async def test_content_is_recorded_only_where_it_is_asked_for_and_shortened_to_what_the_daemon_takes() -> (
    None
):
    for capture_content in (False, True):
        with ScriptedServer(daemon) as server:
            client = AsyncClient(server.url, "k")
            run = await client.run("analyst", capture_content=capture_content).start()
            run.thinking("a thought")
            run.tool_call("search", {"query": "words"}).result("x" * 100_000)
            await run.complete()
            thought, call, result, _ = [event["data"] for event in events_at(server)]
            assert thought["bytes"] == 9
            assert thought.get("text") == ("a thought" if capture_content else None)
            assert call.get("arguments") == ('{"query":"words"}' if capture_content else None)
            assert len(result.get("result", "")) == (32 * 1024 + 1 if capture_content else 0)


@pytest.mark.anyio
async def test_a_run_whose_work_raises_completes_with_status_error_and_raises_on() -> None:
    with ScriptedServer(daemon) as server:
        with pytest.raises(RuntimeError, match="gave up"):
            async with AsyncClient(server.url, "k").run("analyst"):
                raise RuntimeError("gave up")
        end = events_at(server)[-1]["data"]
        assert (end["status"], end["error"]) == ("error", "RuntimeError: gave up")


@pytest.mark.anyio
async def test_events_that_could_not_be_sent_are_kept_and_sent_with_the_next() -> None:
    down = [True]

    def script(request: SeenRequest, response: Response, count: int) -> None:
        if request.url.endswith("/events") and down:
            return response.error(503, "LOG_UNAVAILABLE", "disk")
        return daemon(request, response, count)

    with ScriptedServer(script) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = await AsyncClient(server.url, "k").run("analyst").start()
        run.thinking("a")
        with pytest.raises(LogUnavailableError):
            await run.flush()
        down.clear()
        server.requests.clear()
        await run.complete()
        assert [event["type"] for event in events_at(server)] == ["agent.thinking", "run.completed"]


@pytest.mark.anyio
async def test_events_that_are_refused_are_given_up_and_the_loss_is_said_once() -> None:
    def script(request: SeenRequest, response: Response, count: int) -> None:
        if request.url.endswith("/events") and b"too long" in request.body:
            return response.error(413, "PAYLOAD_TOO_LARGE", "too long")
        return daemon(request, response, count)

    with ScriptedServer(script) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = await AsyncClient(server.url, "k").run("analyst", capture_content=True).start()
        run.thinking("too long")
        with pytest.raises(Exception, match="too long"):
            await run.flush()
        await run.complete()
        assert [event["type"] for event in events_at(server)][-1] == "run.completed"
