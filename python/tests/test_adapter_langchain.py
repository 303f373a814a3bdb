from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from sandglass import Client, InvalidRequestError, TemplateNotFoundError
from sandglass.adapters.langchain import SandboxTool, sandbox_tool
from tests.support.agent_trace import AgentTrace, expected_path
from tests.support.daemon import Daemon


class FakeToolModel(GenericFakeChatModel):
    """LangChain's own, which refuses to be told of tools."""

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **_: Any
    ) -> Runnable[Any, AIMessage]:
        assert [tool.name for tool in tools if isinstance(tool, BaseTool)] == ["run_code"]
        return self


def model_that_runs(*codes: str) -> FakeToolModel:
    calls = [
        AIMessage("", tool_calls=[{"name": "run_code", "args": {"code": code}, "id": f"call_{index}"}])
        for index, code in enumerate(codes)
    ]
    return FakeToolModel(messages=iter([*calls, AIMessage("done")]))


def run_agent(model: FakeToolModel, code: SandboxTool) -> list[AnyMessage]:
    """The loop of an agent: asks the model, runs what it asks for, until it asks for nothing."""
    bound = model.bind_tools([code.tool])
    messages: list[AnyMessage] = [HumanMessage("go")]
    while True:
        answer = bound.invoke(messages)
        messages.append(answer)
        if not answer.tool_calls:
            return messages
        messages += [code.tool.invoke({**call, "type": "tool_call"}) for call in answer.tool_calls]


def test_a_bound_tool_runs_the_models_code_and_its_message_carries_the_whole_result_as_its_artifact(
    daemon: Daemon,
) -> None:
    trace = AgentTrace(daemon)
    with (
        Client(daemon.url, daemon.api_key, traceparent=trace.traceparent) as client,
        sandbox_tool(client=client, max_output_chars=100) as code,
    ):
        messages = run_agent(model_that_runs("print('a' * 1000)", "1 / 0"), code)
    assert messages[-1].content == "done"
    long, raised = [message for message in messages if isinstance(message, ToolMessage)]
    assert long.content == "a" * 50 + "\n[… 901 characters left out …]\n" + "a" * 49
    assert long.artifact.stdout == "a" * 1000 + "\n"
    assert str(raised.content).endswith("[exit code 1]")
    assert trace.paths_to_execs() == [expected_path("langchain")] * 2
    assert [e.data["isError"] for e in trace.events() if e.type == "agent.tool_result"] == [False, True]


@pytest.mark.anyio
async def test_it_can_be_awaited_and_what_fails_of_the_runtime_is_raised(daemon: Daemon) -> None:
    with Client(daemon.url, daemon.api_key) as client:
        code = sandbox_tool(client=client, language="bash")
        assert await code.tool.ainvoke({"code": "echo $((6 * 7))"}) == "42"
        assert "have to be" in await code.tool.ainvoke({"program": "1"})
        code.close()
        with pytest.raises(InvalidRequestError):
            await code.tool.ainvoke({"code": "true"})
        with sandbox_tool(client=client, template="no-such-template") as broken:
            with pytest.raises(TemplateNotFoundError):
                broken.tool.invoke({"code": "1"})
