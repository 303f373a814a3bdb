"""The unmodified client of Kubernetes' agent-sandbox, in direct mode, against the daemon's own port for it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from k8s_agent_sandbox.exceptions import SandboxRequestError
from k8s_agent_sandbox.models import SandboxDirectConnectionConfig, SandboxTracerConfig
from k8s_agent_sandbox.sandbox import Sandbox

from tests.support import docs
from tests.support.agent_trace import AgentTrace
from tests.support.daemon import Daemon


class NoCluster:
    """Stands where the package asks Kubernetes: there is none, and in direct mode it asks for a pod's address alone."""

    def get_sandbox(self, *_: Any) -> dict[str, Any]:
        return {}


@pytest.fixture(scope="module")
def serving() -> Iterator[Daemon]:
    with Daemon(args=["--agent-sandbox-listen", "--agent-sandbox-port", "0"]) as daemon:
        yield daemon


def sandbox_named(name: str, serving: Daemon, headers: dict[str, str] | None = None) -> Sandbox:
    direct = SandboxDirectConnectionConfig(
        api_url=serving.announced("agent_sandbox"),
        extra_headers={"Authorization": f"Bearer {serving.api_key}", **(headers or {})},
    )
    helper: Any = NoCluster()
    return Sandbox(
        "claim", name, connection_config=direct, k8s_helper=helper, tracer_config=SandboxTracerConfig()
    )


def test_its_quick_start_runs_commands_and_moves_files(serving: Daemon) -> None:
    sandbox = sandbox_named("quick-start", serving)
    commands, files = sandbox.commands, sandbox.files
    assert commands is not None and files is not None
    result = commands.run("echo 'Hello from Agent Sandbox!'")
    assert (result.stdout, result.stderr, result.exit_code) == ("Hello from Agent Sandbox!\n", "", 0)
    assert commands.run("ls /nowhere; exit 7").exit_code == 7

    content = os.urandom(300_000)
    files.write("data/bytes.bin", content)
    assert files.read("data/bytes.bin") == content
    files.write("data/stream ä.bin", io.BytesIO(content))
    taken = io.BytesIO()
    assert files.read_to("data/stream ä.bin", taken) == len(content)
    assert taken.getvalue() == content
    listed = {entry.name: (entry.type, entry.size) for entry in files.list("data")}
    assert listed == {"bytes.bin": ("file", 300_000), "stream ä.bin": ("file", 300_000)}
    assert [entry.type for entry in files.list("")] == ["directory"]
    assert (files.exists("/data/bytes.bin"), files.exists("data/none")) == (True, False)
    assert commands.run("wc -c <data/bytes.bin").stdout.strip() == "300000"


def test_the_pages_settings_reach_the_daemon(serving: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    [block] = docs.blocks("docs/agent-sandbox.md", "python")
    default = "http://127.0.0.1:8888"
    assert default in block
    monkeypatch.setenv("SANDGLASS_API_KEY", serving.api_key)
    told = docs.run(block.replace(default, serving.announced("agent_sandbox")))
    helper: Any = NoCluster()
    sandbox = Sandbox("claim", "by-page", connection_config=told["connection_config"], k8s_helper=helper)
    assert sandbox.commands is not None
    assert sandbox.commands.run("echo on").stdout == "on\n"


def test_a_command_that_runs_too_long_says_so_in_the_packages_own_words(serving: Daemon) -> None:
    commands = sandbox_named("slow", serving).commands
    assert commands is not None
    result = commands.run("sleep 60", command_timeout=0.3)
    assert (result.timed_out, result.exit_code) == (True, 124)


def test_what_fails_is_the_packages_own_error_with_our_reason_in_it(serving: Daemon) -> None:
    sandbox = sandbox_named("failing", serving)
    assert sandbox.files is not None
    with pytest.raises(SandboxRequestError) as missing:
        sandbox.files.read("none.txt")
    assert missing.value.status_code == 404
    assert missing.value.response.json()["error"]["code"] == "FILE_NOT_FOUND"
    with pytest.raises(SandboxRequestError) as unsupported:
        sandbox.connector.send_request("POST", "agent", json={"query": "x"})
    assert "POST /agent" in unsupported.value.response.json()["error"]["message"]
    stranger = sandbox_named("failing", serving, {"Authorization": "Bearer not-a-key-of-this-daemon"})
    assert stranger.commands is not None
    with pytest.raises(SandboxRequestError) as refused:
        stranger.commands.run("id")
    assert refused.value.status_code == 401


def test_each_call_is_in_the_trace_that_its_headers_say(serving: Daemon) -> None:
    trace = AgentTrace(serving)
    sandbox = sandbox_named("traced", serving, {"traceparent": trace.traceparent})
    assert sandbox.commands is not None and sandbox.files is not None
    sandbox.commands.run("true")
    sandbox.files.write("a.txt", "a")
    assert trace.paths_to_execs() == [["http_request", "sandbox.execute"]]
    assert [e.data["route"] for e in trace.events() if e.type == "http.request"] == ["/execute", "/upload"]
