from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from anthropic.types import Message, MessageParam

from sandglass import AsyncClient, Client, TemplateNotFoundError
from sandglass.adapters.anthropic import async_sandbox_tool, sandbox_tool
from tests.support.agent_trace import AgentTrace, expected_path
from tests.support.daemon import Daemon
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest


def use(id: str, input: object, name: str = "run_code") -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def message_of(content: list[dict[str, Any]]) -> dict[str, Any]:
    """As the Messages API answers."""
    asks = any(block["type"] == "tool_use" for block in content)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": content,
        "stop_reason": "tool_use" if asks else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


CONTENTS: list[list[dict[str, Any]]] = [
    [
        use("toolu_1", {"code": "x = 41"}),
        use("toolu_2", {"code": "print(x + 1)"}),
        use("toolu_3", {}, "other"),
    ],
    [use("toolu_4", {"code": "1 / 0"}), use("toolu_5", {"program": "1"})],
    [{"type": "text", "text": "done"}],
]


def messages_api(request: SeenRequest, response: Response, number: int) -> None:
    assert request.url == "/v1/messages"
    response.json(message_of(CONTENTS[number - 1]))


def check(server: ScriptedServer, trace: AgentTrace) -> None:
    first, second, third = (json.loads(request.body) for request in server.requests)
    assert [tool["name"] for tool in first["tools"]] == ["run_code"]
    assert second["messages"][-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "[no output]", "is_error": False},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "42", "is_error": False},
    ]
    raised, invalid = third["messages"][-1]["content"]
    assert raised["is_error"] and "ZeroDivisionError" in raised["content"]
    assert invalid["is_error"] and "have to be" in invalid["content"]
    assert trace.paths_to_execs() == [expected_path("anthropic")] * 3


def test_the_documented_loop_runs_every_use_of_the_tool_in_a_message_in_one_trace(daemon: Daemon) -> None:
    trace = AgentTrace(daemon)
    with (
        ScriptedServer(messages_api) as server,
        Client(daemon.url, daemon.api_key, traceparent=trace.traceparent) as client,
        sandbox_tool(client=client) as code,
        Anthropic(base_url=server.url, api_key="none") as anthropic,
    ):
        messages: list[MessageParam] = [{"role": "user", "content": "go"}]
        while True:
            message = anthropic.messages.create(
                model="claude-test", max_tokens=100, messages=messages, tools=[code.tool]
            )
            if message.stop_reason != "tool_use":
                break
            messages += [
                {"role": "assistant", "content": message.content},
                {"role": "user", "content": code.results(message)},
            ]
        code.close()
        check(server, trace)


@pytest.mark.anyio
async def test_the_documented_loop_runs_with_the_asynchronous_client_too(daemon: Daemon) -> None:
    trace = AgentTrace(daemon)
    with ScriptedServer(messages_api) as server:
        async with (
            AsyncClient(daemon.url, daemon.api_key, traceparent=trace.traceparent) as client,
            async_sandbox_tool(client=client) as code,
            AsyncAnthropic(base_url=server.url, api_key="none") as anthropic,
        ):
            messages: list[MessageParam] = [{"role": "user", "content": "go"}]
            while True:
                message = await anthropic.messages.create(
                    model="claude-test", max_tokens=100, messages=messages, tools=[code.tool]
                )
                if message.stop_reason != "tool_use":
                    break
                messages += [
                    {"role": "assistant", "content": message.content},
                    {"role": "user", "content": await code.results(message)},
                ]
        check(server, trace)


def test_what_fails_of_the_runtime_is_raised_out_of_the_loop(daemon: Daemon) -> None:
    message = Message.model_validate(message_of([use("toolu_1", {"code": "1"})]))
    with (
        Client(daemon.url, daemon.api_key) as client,
        sandbox_tool(client=client, template="no-such-template") as code,
        pytest.raises(TemplateNotFoundError),
    ):
        code.results(message)
