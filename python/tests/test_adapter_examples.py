from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon import Daemon
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest
from tests.test_adapter_anthropic import message_of, use

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def messages_api(_: SeenRequest, response: Response, number: int) -> None:
    """Asks for code once, then answers."""
    code = use("toolu_1", {"code": "print(sum(range(101)))"})
    response.json(message_of([code if number == 1 else {"type": "text", "text": "They add up to 5050."}]))


def run(path: str, **env: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / path)],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=100,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


@pytest.mark.parametrize("name", ["openai_agents_tool", "langchain_tool", "anthropic_tool"])
def test_the_example_has_code_run_in_a_sandbox(daemon: Daemon, name: str) -> None:
    with ScriptedServer(messages_api) as server:
        printed = run(
            f"adapters/{name}.py",
            SANDGLASS_URL=daemon.url,
            SANDGLASS_API_KEY=daemon.api_key,
            ANTHROPIC_BASE_URL=server.url,
            ANTHROPIC_API_KEY="none",
            ANTHROPIC_MODEL="claude-test",
        )
    assert printed == "the sandbox said 5050\nThey add up to 5050.\n"


def test_the_example_for_agent_sandbox_runs_against_the_port_for_it() -> None:
    with Daemon(args=["--agent-sandbox-listen", "--agent-sandbox-port", "0"]) as serving:
        printed = run(
            "agent_sandbox.py",
            AGENT_SANDBOX_URL=serving.announced("agent_sandbox"),
            SANDGLASS_API_KEY=serving.api_key,
        )
    assert printed == "Hello from Sandglass!\n1 2 3 \n['numbers.txt']\nb'3\\n1\\n2\\n' False\n"
