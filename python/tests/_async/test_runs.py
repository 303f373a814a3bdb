from __future__ import annotations

import json
import warnings
from typing import Any

import pytest

from sandglass import LogUnavailableError, SandglassWarning, ToolOutcome
from sandglass._async.client import AsyncClient
from sandglass._async.sandbox import AsyncSandbox
from tests.support.scripted_server import (
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    sandbox_info,
)

RUN = {"runId": "run_1", "name": "analyst", "traceId": "a" * 32, "spanId": "b" * 16, "startedAt": ""}

#: Of a shape that everybody knows.
SECRET = f"sk-{'a1B2' * 8}"


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
async def test_what_is_created_while_a_run_is_open_belongs_to_it_by_whatever_client_of_its_daemon_and_nothing_after_it() -> (
    None
):
    with ScriptedServer(daemon) as server, ScriptedServer(daemon) as elsewhere:
        client = AsyncClient(server.url, "k")
        before = await client.create_sandbox()
        async with client.run("analyst") as run:
            await client.create_sandbox("python")
            await AsyncSandbox.create("python", base_url=server.url, api_key="k")
            await AsyncClient(server.url, "k").sandboxes.create(run_id="run_own")
            await before.run_code("1")
            await AsyncSandbox.create(base_url=elsewhere.url, api_key="k")
            await run.tool("fresh", {}, lambda _: client.create_sandbox("bash"))
        await client.create_sandbox("node")
        unscoped = await client.run("analyst").start()
        await unscoped.tool("fresh", {}, lambda _: client.create_sandbox("bash"))
        await client.create_sandbox("node")
        await unscoped.flush()

        calls = [event for event in events_at(server) if event["type"] == "agent.tool_call"]
        in_scope, in_tool = (f"00-{RUN['traceId']}-{call['spanId']}-03" for call in calls)
        own = f"00-{RUN['traceId']}-{RUN['spanId']}-03"
        created = [request for request in server.requests if request.url == "/v1/sandboxes"]
        assert [(json.loads(request.body), request.headers.get("traceparent")) for request in created] == [
            ({}, None),
            ({"runId": "run_1", "template": "python"}, own),
            ({"runId": "run_1", "template": "python"}, own),
            ({"runId": "run_own"}, own),
            ({"runId": "run_1", "template": "bash"}, in_scope),
            ({"template": "node"}, None),
            ({"runId": "run_1", "template": "bash"}, in_tool),
            ({"template": "node"}, None),
        ]
        executed = next(request for request in server.requests if request.url.endswith("/exec"))
        assert executed.headers.get("traceparent") == own
        # In the trace, but no part of a run that the other daemon does not know.
        assert json.loads(elsewhere.requests[0].body) == {}
        assert elsewhere.requests[0].headers.get("traceparent") == own


@pytest.mark.anyio
async def test_a_tool_call_is_one_span_from_call_to_result_and_the_parent_of_what_the_tool_does_in_a_sandbox() -> (
    None
):
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
async def test_content_of_thoughts_tools_and_errors_is_recorded_only_where_it_is_asked_for_without_secrets_and_shortened() -> (
    None
):
    for capture_content in (False, True):
        with ScriptedServer(daemon) as server:
            client = AsyncClient(server.url, "k")
            run = await client.run("analyst", capture_content=capture_content).start()
            run.thinking("a thought")
            tool_call = run.tool_call("search", arguments={"query": "words", "key": SECRET}, id="toolu_1")
            tool_call.result("x" * 100_000)
            tool_call.error("too late")
            run.tool_call("search").error(TypeError("no such word"))
            await run.complete(status="error", error=IndexError("too many words"))
            thought, call, result, _, failure, end = [event["data"] for event in events_at(server)]
            assert thought["bytes"] == 9
            assert thought.get("text") == ("a thought" if capture_content else None)
            assert (call["toolName"], call["toolCallId"]) == ("search", "toolu_1")
            arguments = '{"query":"words","key":"[redacted]"}'
            assert call.get("arguments") == (arguments if capture_content else None)
            assert (result["toolCallId"], result["isError"]) == ("toolu_1", False)
            kept = f"{'x' * 32 * 1024}… [cut: 100000 bytes]"
            assert result.get("result") == (kept if capture_content else None)
            assert failure["isError"]
            assert failure.get("result") == ("TypeError: no such word" if capture_content else None)
            assert end["error"] == ("IndexError: too many words" if capture_content else "IndexError")


@pytest.mark.anyio
async def test_a_run_whose_work_raises_completes_with_status_error_and_raises_on() -> None:
    with ScriptedServer(daemon) as server:
        with pytest.raises(RuntimeError, match="gave up"):
            async with AsyncClient(server.url, "k").run("analyst", agent="claude"):
                raise RuntimeError("gave up")
        end = events_at(server)[-1]["data"]
        assert (end["status"], end["error"], end["agent"]) == ("error", "RuntimeError", "claude")


@pytest.mark.anyio
async def test_an_agent_that_works_for_the_run_is_a_span_of_its_own_with_all_that_it_does_and_causes_below_it() -> (
    None
):
    with ScriptedServer(daemon) as server:
        async with AsyncClient(server.url, "k").run("analyst") as run:
            with run.tool_call("delegate") as delegate_call:
                with run.agent("researcher") as agent:
                    agent.thinking("where to look")
                    agent.llm("m", input_tokens=1, output_tokens=2, cost_usd=0.1)
                    sandbox = await agent.sandboxes.create()
                    await agent.tool("python", {}, lambda _: sandbox.run_code("1"))
                delegate_call.result()
            with pytest.raises(TypeError, match="no source"), run.agent("critic"):
                raise TypeError("no source")
            run.llm("m", input_tokens=1, output_tokens=2, cost_usd=0.2)
        delegate, started, thought, cost, python, _, done, _, critic, failed, own, end = events_at(server)
        assert delegate["parentSpanId"] == RUN["spanId"]
        assert (started["type"], started["parentSpanId"]) == ("agent.started", delegate["spanId"])
        for point in (thought, cost, done):
            assert (point["spanId"], point["parentSpanId"]) == (started["spanId"], delegate["spanId"])
        assert python["parentSpanId"] == started["spanId"]
        created = next(request for request in server.requests if request.url == "/v1/sandboxes")
        executed = next(request for request in server.requests if request.url.endswith("/exec"))
        assert created.headers["traceparent"] == f"00-{RUN['traceId']}-{started['spanId']}-03"
        assert executed.headers["traceparent"] == f"00-{RUN['traceId']}-{python['spanId']}-03"
        assert critic["parentSpanId"] == RUN["spanId"]
        assert (done["data"]["agentName"], done["data"]["status"]) == ("researcher", "ok")
        assert (failed["data"]["status"], failed["data"]["error"]) == ("error", "TypeError")
        assert "spanId" not in own
        # As fractions they add up to 0.30000000000000004.
        assert end["data"]["costUsd"] == 0.3


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


@pytest.mark.anyio
async def test_a_tool_call_of_somebody_elses_trace_is_below_their_span_with_all_that_it_causes_and_says_what_is_recorded_of_it() -> (
    None
):
    traceparent = f"00-{'c' * 32}-{'d' * 16}-01"
    with ScriptedServer(daemon) as server:
        async with AsyncClient(server.url, "k").run("server", capture_content=True) as run:
            sandbox = await run.tool(
                "python",
                {"code": "1"},
                lambda _: run.sandboxes.create(),
                traceparent=traceparent,
                tracestate="a=b",
                baggage="k=v",
                outcome=lambda _: ToolOutcome("in words", is_error=True),
            )
            assert sandbox.id == sandbox_info()["id"]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SandglassWarning)
                await run.tool(
                    "python", {}, lambda _: run.sandboxes.create(), traceparent="nonsense", tracestate="a=b"
                )
        call_, result, *others = events_at(server)
        assert (call_["traceId"], call_["parentSpanId"]) == ("c" * 32, "d" * 16)
        for name in ("traceId", "parentSpanId", "spanId"):
            assert result[name] == call_[name]
        assert (result["data"]["result"], result["data"]["isError"]) == ("in words", True)
        inside, own_inside = [r.headers for r in server.requests if r.url == "/v1/sandboxes"]
        assert inside["traceparent"] == f"00-{'c' * 32}-{call_['spanId']}-01"
        assert (inside["tracestate"], inside["baggage"]) == ("a=b", "k=v")
        assert all("traceId" not in event for event in others)
        assert own_inside["traceparent"].startswith(f"00-{RUN['traceId']}-")
        assert "tracestate" not in own_inside
