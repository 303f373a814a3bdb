from __future__ import annotations

import secrets

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from sandglass import RuntimeEvent, SandboxEndedError
from sandglass._async.client import AsyncClient
from sandglass._async.code_runner import AsyncCodeRunner
from tests.support.agent_trace import AgentTrace
from tests.support.daemon import Daemon


@pytest.mark.anyio
async def test_a_sandbox_and_a_run_that_are_given_outlive_the_tool(daemon: Daemon) -> None:
    async with AsyncClient(daemon.url, daemon.api_key) as client:
        async with client.run("mine", capture_content=True) as run:
            async with await run.sandboxes.create("python") as sandbox:
                async with AsyncCodeRunner("test", sandbox=sandbox, run=run) as runner:
                    await runner.run("kept = 1")
                assert (await sandbox.run_code("kept")).result == {"text/plain": "1"}
        events = [event async for event in client.events(run_id=run.run_id)]
        calls = [e.data for e in events if isinstance(e, RuntimeEvent) and e.type == "agent.tool_call"]
        assert [call["arguments"] for call in calls] == ['{"code":"kept = 1"}']


@pytest.mark.anyio
async def test_without_capture_content_neither_arguments_nor_results_are_recorded(daemon: Daemon) -> None:
    place = AgentTrace(daemon)
    async with AsyncClient(daemon.url, daemon.api_key, traceparent=place.traceparent) as client:
        async with client.run("mine", capture_content=True) as run:
            options = {"record": "metadata"}
            async with AsyncCodeRunner("test", run=run, capture_content=False, create=options) as runner:  # type: ignore[arg-type]
                await runner.run("print('hidden-1')")
                await runner.run("raise ValueError('hidden-2')")
    events = place.events()
    assert [e.data["isError"] for e in events if e.type == "agent.tool_result"] == [False, True]
    assert "hidden-" not in repr(events)


@pytest.mark.anyio
async def test_each_trace_of_a_caller_has_a_run_of_its_own_so_that_one_tool_can_serve_many_agents(
    daemon: Daemon,
) -> None:
    traces = [secrets.token_hex(16), secrets.token_hex(16)]
    async with AsyncClient(daemon.url, daemon.api_key) as client:
        async with AsyncCodeRunner("test", client=client) as runner:
            for trace_id in [*traces, *traces]:
                span = SpanContext(int(trace_id, 16), 0xF067AA0BA902B7, True, TraceFlags(1))
                with trace.use_span(NonRecordingSpan(span)):
                    await runner.run("1")
        for trace_id in traces:
            types: list[str] = [event.type async for event in client.events(trace_id=trace_id)]
            wanted = ["run.started", "agent.tool_call", "agent.tool_result", "run.completed"]
            assert [types.count(type) for type in wanted] == [1, 2, 2, 1]


@pytest.mark.anyio
async def test_a_call_that_takes_too_long_is_a_result_with_its_cause_and_a_lost_sandbox_is_replaced(
    daemon: Daemon,
) -> None:
    async with AsyncClient(daemon.url, daemon.api_key) as client:
        async with client.run("mine") as run, AsyncCodeRunner("test", run=run, timeout_ms=300) as runner:
            assert "[ended: timed_out" in (await runner.run("while True: pass")).text
            (made,) = (await client.sandboxes.list(run_id=run.run_id)).items
            await (await client.sandboxes.connect(made.id)).terminate()
            with pytest.raises(SandboxEndedError):
                await runner.run("1")
            assert (await runner.run("1")).text == "[value]\n1"
