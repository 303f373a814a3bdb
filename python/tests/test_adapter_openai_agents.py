from __future__ import annotations

import json
from typing import Any

import pytest
from agents import Agent, RunConfig, Runner
from agents.testing import ScriptedModel, assistant_message, function_call

from sandglass import AsyncClient, TemplateNotFoundError
from sandglass.adapters.openai_agents import sandbox_tool
from tests.support.agent_trace import AgentTrace, expected_path
from tests.support.daemon import Daemon

QUIET = RunConfig(tracing_disabled=True)


def model_that_runs(*arguments: object) -> ScriptedModel:
    """Asks for each piece of code in turn, then says that it is done."""
    calls = [
        [
            function_call(
                "run_code", given if isinstance(given, str) else json.dumps(given), call_id=f"call_{index}"
            )
        ]
        for index, given in enumerate(arguments)
    ]
    return ScriptedModel([*calls, [assistant_message("done")]])


def tool_results(model: ScriptedModel) -> list[Any]:
    """What the model was given for its calls, as it saw it last."""
    assert model.last_call is not None
    items: Any = model.last_call.input
    return [item["output"] for item in items if item.get("type") == "function_call_output"]


@pytest.mark.anyio
async def test_an_agent_runs_code_in_a_sandbox_and_is_given_what_it_printed_in_one_trace(
    daemon: Daemon,
) -> None:
    trace = AgentTrace(daemon)
    model = model_that_runs({"code": "x = 20; print('set')"}, {"code": "x * 2 + 2"})
    async with (
        AsyncClient(daemon.url, daemon.api_key, traceparent=trace.traceparent) as client,
        sandbox_tool(client=client) as code,
    ):
        agent = Agent(name="Analyst", model=model, tools=[code.tool])
        result = await Runner.run(agent, "What is it?", run_config=QUIET)
    assert result.final_output == "done"
    assert tool_results(model) == ["set", "[value]\n42"]
    assert trace.paths_to_execs() == [expected_path("openai-agents")] * 2
    types = trace.types()
    assert types.count("agent.tool_call") == types.count("agent.tool_result") == 2
    assert "sandbox.terminated" in types and "run.completed" in types


@pytest.mark.anyio
async def test_code_that_raises_and_arguments_that_are_no_json_are_the_models_to_mend(daemon: Daemon) -> None:
    model = model_that_runs({"code": "1 / 0"}, "no JSON", {"code": 1})
    async with (
        AsyncClient(daemon.url, daemon.api_key) as client,
        sandbox_tool(client=client) as code,
    ):
        agent = Agent(name="Analyst", model=model, tools=[code.tool])
        await Runner.run(agent, "go", run_config=QUIET)
    raised, broken, wrong = tool_results(model)
    assert "ZeroDivisionError" in raised and raised.endswith("[exit code 1]")
    assert "have to be" in broken or "JSON" in broken
    assert "have to be" in wrong


@pytest.mark.anyio
async def test_what_fails_of_the_runtime_ends_the_agents_run(daemon: Daemon) -> None:
    async with (
        AsyncClient(daemon.url, daemon.api_key) as client,
        sandbox_tool(client=client, template="no-such-template") as code,
    ):
        agent = Agent(name="Analyst", model=model_that_runs({"code": "1"}), tools=[code.tool])
        with pytest.raises(Exception) as failed:
            await Runner.run(agent, "go", run_config=QUIET)
    causes = (failed.value, failed.value.__cause__)
    assert any(isinstance(cause, TemplateNotFoundError) for cause in causes)
