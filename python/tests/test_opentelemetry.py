"""The client's own telemetry in whole programs, with OpenTelemetry's SDK and without, against a real daemon."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from sandglass import Client, Sandbox
from sandglass._otel import private_provider
from tests.support import docs
from tests.support.daemon import Daemon
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest
from tests.support.telemetry_sink import TelemetrySink, context_of

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_each_operations_span_is_the_parent_of_the_daemons_from_the_callers_span_to_the_process_inside(
    sink: TelemetrySink, daemon: Daemon
) -> None:
    tracer = sink.tracer_provider.get_tracer("test")
    with Client(daemon.url, daemon.api_key) as client:
        with tracer.start_as_current_span("outer") as outer, client.create_sandbox("bash") as sandbox:
            stdout = sandbox.commands.run('echo "$TRACEPARENT"').stdout
        trace_id = f"{outer.get_span_context().trace_id:032x}"
        spans = client.traces.get(trace_id).spans
    for name in ("sandboxes.create", "execs.run", "sandboxes.terminate"):
        operation = sink.span(f"sandglass.{name}")
        context = operation.get_span_context()
        assert context is not None and operation.parent is not None
        assert operation.parent.span_id == outer.get_span_context().span_id
        below = [span.name for span in spans if span.parent_span_id == f"{context.span_id:016x}"]
        assert below == ["http_request"], name
    assert stdout.startswith(f"00-{trace_id}-")


def test_a_runs_sandboxes_hang_below_the_run_and_say_so(sink: TelemetrySink, daemon: Daemon) -> None:
    with Client(daemon.url, daemon.api_key) as client:
        with client.run("analyst") as run, run.sandboxes.create("bash") as sandbox:
            run.tool("shell", {}, lambda _: sandbox.commands.run(["true"]))
        spans = client.traces.get(run.trace_id).spans
    executed = sink.span("sandglass.execs.run")
    assert f"{context_of(executed).trace_id:032x}" == run.trace_id
    assert (executed.attributes or {})["sandglass.run.id"] == run.run_id
    assert (sink.span("sandglass.runs.start").attributes or {})["sandglass.run.id"] == run.run_id
    assert executed.parent is not None
    above = [span.name for span in spans if span.span_id == f"{executed.parent.span_id:016x}"]
    below = [span.name for span in spans if span.parent_span_id == f"{context_of(executed).span_id:016x}"]
    assert (above, below) == (["agent.tool_call"], ["http_request"])


def test_the_programs_own_spans_and_sandboxes_that_it_creates_below_them_are_in_the_trace_of_the_run_that_is_open(
    sink: TelemetrySink, daemon: Daemon
) -> None:
    tracer = sink.tracer_provider.get_tracer("test")

    def use(sandbox: Sandbox) -> None:
        tracer.start_span("in the tool").end()
        sandbox.commands.run(["true"])

    with Client(daemon.url, daemon.api_key) as client:
        with client.run("analyst") as run, tracer.start_as_current_span("step"):
            with Sandbox("bash", client=client) as sandbox:
                run.tool("shell", {}, lambda _: use(sandbox))
        described = client.runs.get(run.run_id)
        spans = client.traces.get(run.trace_id).spans

    def parent_of(name: str) -> str:
        parent = sink.span(name).parent
        assert parent is not None
        return f"{parent.span_id:016x}"

    step = context_of(sink.span("step"))
    assert parent_of("step") == run.traceparent.split("-")[2]
    assert parent_of("sandglass.sandboxes.create") == f"{step.span_id:016x}"
    tool = next(span for span in spans if span.name == "agent.tool_call")
    for name in ("in the tool", "sandglass.execs.run"):
        assert parent_of(name) == tool.span_id, name
        assert f"{context_of(sink.span(name)).trace_id:032x}" == run.trace_id, name
    assert described.sandboxes == 1


def environment(daemon: Daemon, **more: str) -> dict[str, str]:
    return {**os.environ, "SANDGLASS_URL": daemon.url, "SANDGLASS_API_KEY": daemon.api_key, **more}


def test_a_script_without_a_line_of_opentelemetry_prints_its_spans_and_durations_under_opentelemetry_instrument(
    daemon: Daemon,
) -> None:
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    # As the README says, whose first script this is.
    told = next(
        block for block in docs.blocks("python/README.md", "sh") if "opentelemetry-instrument" in block
    )
    env = environment(daemon, **dict(re.findall(r"\b(OTEL_\w+)=(\S+)", told)))
    done = subprocess.run(
        [str(command), sys.executable, str(EXAMPLES / "main.py")],
        capture_output=True,
        text=True,
        env=env,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    # What is printed together may come as several lines of the stream, each with its number.
    assert "0\n1\n2\n" in re.sub(r"^\[\d+\] ", "", done.stdout, flags=re.MULTILINE)
    names = re.findall(r'^    "name": "(.+)",$', done.stdout, re.MULTILINE)
    # One a call, although httpx is instrumented too.
    assert names == [
        "sandglass.sandboxes.create",
        "sandglass.execs.run",
        "sandglass.execs.run",
        "sandglass.sandboxes.terminate",
    ]
    for metric in ("http.client.request.duration", "sandglass.client.operation.duration"):
        assert done.stdout.count(f'"name": "{metric}"') == 1
    assert daemon.api_key not in done.stdout
    shown = docs.blocks("python/README.md", "json")[0]
    real = re.search(r'^ {4}"name": "sandglass.execs.run".+?^}', done.stdout, re.MULTILINE | re.DOTALL)
    assert real is not None
    assert _attributes_of(shown) == _attributes_of("{" + real[0])


def _attributes_of(span: str) -> list[str]:
    return sorted(json.loads(span)["attributes"])


def test_a_program_that_ends_by_itself_sends_what_it_holds_with_no_client_closed(daemon: Daemon) -> None:
    seen: list[str] = []

    def collector(request: SeenRequest, response: Response, _: int) -> None:
        seen.append(request.url)
        response.begin(200, {"content-length": "0"})

    program = (
        "from sandglass import Sandbox\n"
        "s = Sandbox.create('bash', sdk_otel_enabled=True)\n"
        "print(s.commands.run('echo on').stdout, end='')\n"
        "s.terminate()\n"
    )
    with ScriptedServer(collector) as server:
        env = environment(daemon, OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=120
        )
        bodies = {request.url: request.body for request in server.requests}
    assert (done.stdout, done.stderr) == ("on\n", "")
    assert set(seen) == {"/v1/traces", "/v1/metrics"}
    assert b"sandglass.execs.run" in bodies["/v1/traces"]


def test_without_opentelemetrys_sdk_an_explicit_wish_for_it_names_what_to_install_and_the_environments_is_one_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.setattr(private_provider, "_is_warned", False)
    with ScriptedServer(lambda _, response, __: response.json({"items": []})) as server:
        with pytest.raises(Exception, match="sandglass\\[tracing\\]"):
            Client(server.url, "k", sdk_otel_enabled=True).keys.list()
        monkeypatch.setenv("SANDGLASS_SDK_OTEL_ENABLED", "true")
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            assert Client(server.url, "k").keys.list() == []
            assert Client(server.url, "k").keys.list() == []
    assert len([each for each in warned if "sandglass[tracing]" in str(each.message)]) == 1


def test_without_opentelemetry_everything_works(daemon: Daemon) -> None:
    program = (
        "import sys, json\n"
        "sys.modules['opentelemetry'] = None\n"
        "from sandglass import Sandbox\n"
        "with Sandbox('bash') as s: print(json.dumps([s.commands.run('echo on').stdout, 'opentelemetry.trace' in sys.modules]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(daemon), timeout=60
    )
    assert json.loads(done.stdout) == ["on\n", False], done.stderr
