"""Every example in Python of the pages about this client, run as it stands."""

from __future__ import annotations

import functools
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import agents
import pytest
from agents.testing import ScriptedModel, assistant_message, function_call
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage

from sandglass import Client, Sandbox
from tests.support import docs
from tests.support.daemon import Daemon
from tests.support.scripted_server import ScriptedServer
from tests.test_adapter_examples import messages_api

README = "python/README.md"
PROGRAM = "print(sum(range(101)))"


@pytest.fixture(autouse=True)
def _of_the_daemon(daemon: Daemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SANDGLASS_URL", daemon.url)
    monkeypatch.setenv("SANDGLASS_API_KEY", daemon.api_key)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def client(daemon: Daemon) -> Client:
    return Client(daemon.url, daemon.api_key)


def last_run(client: Client) -> tuple[str, int, int]:
    """Name, tool calls and failed ones of the run that was opened last."""
    last = client.runs.list(limit=1).items[0]
    return last.name, last.tool_calls, last.tool_errors


def test_the_readme_has_the_examples_that_are_run_here() -> None:
    assert len(docs.blocks(README, "python")) == 7


def test_the_readmes_first_program_prints_what_stands_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    docs.run(docs.blocks(README, "python")[0])
    # Whether the first three lines come as one piece is the daemon's to say.
    assert re.sub(r"\[[12]\] ", "", capsys.readouterr().out) == docs.blocks(README, "")[0]


def test_the_readmes_cell_that_takes_too_much_memory_prints_what_stands_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    block = docs.blocks(README, "python")[1]
    docs.run(block, Sandbox=Sandbox)
    assert capsys.readouterr().out == block.rpartition("# ")[2]


def test_the_readmes_asynchronous_program_prints_each_event_to_the_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    docs.run(docs.blocks(README, "python")[2])
    first, last = capsys.readouterr().out.splitlines()
    assert "data='42\\n'" in first and last.startswith("ExitEvent(")


def test_the_readmes_files_go_both_ways(client: Client, tmp_path: Path) -> None:
    (tmp_path / "local.csv").write_text("a,b\n")
    with client.create_sandbox() as sandbox, (tmp_path / "copy").open("wb") as local:
        sandbox.files.write("model.bin", bytes(100_000))
        docs.run(docs.blocks(README, "python")[3], sandbox=sandbox, local=local)
        assert sandbox.files.read_text("data.csv") == "a,b\n"
    assert (tmp_path / "copy").read_bytes() == bytes(100_000)


def test_the_readmes_forks_try_two_ways_and_one_is_taken_over(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    with client.create_sandbox("bash") as sandbox:
        sandbox.files.write("data.txt", "before\n")
        sandbox.files.write("migrate.sh", '#!/bin/sh\necho "after $1" > data.txt\n', mode=0o755)
        names = docs.run(docs.blocks(README, "python")[4], sandbox=sandbox)
        assert "'/workspace/data.txt'" in capsys.readouterr().out
        assert sandbox.files.read_text("data.txt") == "after \n"
    assert [names[each].info().cause for each in ("one", "other")] == ["merged", "user"]


def test_the_readmes_client_for_tests_of_ones_own_asks_no_daemon() -> None:
    docs.run(docs.blocks(README, "python")[5])


def test_the_readmes_run_has_its_tool_call_and_its_cost_in_the_record(client: Client) -> None:
    names = docs.run(docs.blocks(README, "python")[6], code=PROGRAM)
    assert names["output"].stdout == "5050\n"
    assert last_run(client) == ("analyst", 1, 0)
    assert client.runs.get(names["run"].run_id).cost_usd == 0.008


def test_the_page_about_anthropic_answers_with_what_the_sandbox_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    [block] = docs.blocks("docs/adapters/anthropic.md", "python")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    with ScriptedServer(messages_api) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        names = docs.run(block, model="claude-test", messages=[{"role": "user", "content": "add"}])
    assert names["message"].content[0].text == "They add up to 5050."
    assert names["messages"][2]["content"][0]["content"] == "5050"
    assert last_run(client) == ("anthropic", 1, 0)


def test_the_page_about_openai_agents_answers_with_what_the_sandbox_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    [block] = docs.blocks("docs/adapters/openai-agents.md", "python")
    call = function_call("run_code", json.dumps({"code": PROGRAM}), call_id="call_1")
    model = ScriptedModel([[call], [assistant_message("They add up to 5050.")]])
    monkeypatch.setattr(agents, "Agent", functools.partial(agents.Agent, model=model))
    agents.set_tracing_disabled(True)
    assert docs.run(block)["result"].final_output == "They add up to 5050."
    assert last_run(client) == ("openai-agents", 1, 0)


def test_the_page_about_langchain_answers_with_what_the_sandbox_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    [block] = docs.blocks("docs/adapters/langchain.md", "python")
    call = {"name": "run_code", "args": {"code": PROGRAM}, "id": "call_1"}
    messages = iter([AIMessage("", tool_calls=[call]), AIMessage("They add up to 5050.")])
    # The package `langchain` is not installed: its loop by hand, with the tool of ours.
    module = ModuleType("langchain.agents")
    module.create_agent = _Loop  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "langchain", ModuleType("langchain"))
    monkeypatch.setitem(sys.modules, "langchain.agents", module)
    names = docs.run(block, model=GenericFakeChatModel(messages=messages))
    assert names["agent"].said == ["5050", "They add up to 5050."]
    assert last_run(client) == ("langchain", 1, 0)


class _Loop:
    def __init__(self, model: GenericFakeChatModel, tools: list[Any]) -> None:
        self._model = model
        [self._tool] = tools
        self.said: list[str] = []

    def invoke(self, given: dict[str, list[tuple[str, str]]]) -> None:
        messages: list[Any] = [HumanMessage(text) for _, text in given["messages"]]
        while True:
            answer = self._model.invoke(messages)
            assert isinstance(answer, AIMessage)
            if not answer.tool_calls:
                self.said.append(str(answer.content))
                return
            for asked in answer.tool_calls:
                message = self._tool.invoke({**asked, "type": "tool_call"})
                self.said.append(str(message.content))
                messages += [answer, message]
