"""The client's own telemetry, with OpenTelemetry's SDK and without."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from sandglass import Client, ExecNotFoundError, SandboxNotFoundError
from sandglass._otel import instruments, private_provider
from sandglass._otel.private_provider import PrivateProvider, provider_loader
from tests.support.daemon import Daemon
from tests.support.scripted_server import (
    EXEC_ID,
    SANDBOX_ID,
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    with_sandbox,
)

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class Sink:
    """Providers of this test alone, in the place of registered ones: those can be registered once a process."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self.reader])

    def span(self, name: str) -> ReadableSpan:
        return next(span for span in self.exporter.get_finished_spans() if span.name == name)

    def names(self) -> list[str]:
        return [span.name for span in self.exporter.get_finished_spans()]

    def points(self, name: str) -> list[Mapping[str, Any]]:
        data = self.reader.get_metrics_data()
        assert data is not None
        return [
            dict(point.attributes or {})
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    made = Sink()
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: made.tracer_provider)
    monkeypatch.setattr("opentelemetry.metrics.get_meter_provider", lambda: made.meter_provider)
    assert instruments._is_tracing_registered()
    yield made
    made.tracer_provider.shutdown()
    made.meter_provider.shutdown()


def counted(_: SeenRequest, response: Response, __: int) -> None:
    response.stream()
    response.end("".join(counting_lines(1)))


def test_an_operation_is_one_client_span_that_the_request_carries_and_two_durations(sink: Sink) -> None:
    with ScriptedServer(with_sandbox(counted)) as server, Client(server.url, "sgk_secret") as client:
        client.create_sandbox("python").run_code("secret code")
        requests = server.requests
    assert sink.names() == ["sandglass.sandboxes.create", "sandglass.execs.run"]
    span = sink.span("sandglass.execs.run")
    assert span.kind is SpanKind.CLIENT and span.status.status_code is StatusCode.UNSET
    context = span.get_span_context()
    assert context is not None
    assert requests[1].headers["traceparent"] == f"00-{context.trace_id:032x}-{context.span_id:016x}-01"
    port = int(server.url.rsplit(":", 1)[1])
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "url.template": "/v1/sandboxes/{id}/exec",
        "url.full": f"{server.url}/v1/sandboxes/{SANDBOX_ID}/exec",
        "server.address": "127.0.0.1",
        "server.port": port,
        "sandglass.sandbox.id": SANDBOX_ID,
        "sandglass.exec.kind": "code",
        "http.response.status_code": 200,
        "sandglass.exec.id": EXEC_ID,
        "process.exit.code": 0,
        "sandglass.cause": "exited",
    }
    server_attributes = {"server.address": "127.0.0.1", "server.port": port}
    operations = sink.points("sandglass.client.operation.duration")
    assert {"sandglass.operation": "execs.run", **server_attributes} in operations
    assert {
        "http.request.method": "POST",
        "url.template": "/v1/sandboxes/{id}/exec",
        "http.response.status_code": 200,
        **server_attributes,
    } in sink.points("http.client.request.duration")
    everything = f"{[dict(s.attributes or {}) for s in sink.exporter.get_finished_spans()]} {operations}"
    assert "sgk_secret" not in everything and "secret code" not in everything


def test_an_error_is_the_catalogues_code_and_one_that_was_expected_is_none(sink: Sink) -> None:
    def script(request: SeenRequest, response: Response, _: int) -> None:
        if request.method == "HEAD":
            return response.begin(404, {"x-error-code": "FILE_NOT_FOUND"})
        return response.error(404, "SANDBOX_NOT_FOUND", "no sandbox x")

    with ScriptedServer(with_sandbox(script)) as server, Client(server.url, "k") as client:
        with pytest.raises(SandboxNotFoundError):
            client.sandboxes.get("x")
        assert client.create_sandbox().files.exists("gone") is False
    failed = sink.span("sandglass.sandboxes.get")
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "SANDBOX_NOT_FOUND"
    assert sink.span("sandglass.files.exists").status.status_code is StatusCode.UNSET


def test_what_was_sent_again_and_picked_up_again_is_told_in_the_one_span(sink: Sink) -> None:
    lines = counting_lines(2)

    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count == 1:
            return response.reset()
        response.stream()
        if count == 2:
            response.write(lines[0])
            return response.destroy()
        return response.end("".join(lines))

    with ScriptedServer(with_sandbox(script)) as server, Client(server.url, "k") as client:
        client.create_sandbox().run_code("x")
        sent = {request.headers["traceparent"] for request in server.requests[1:]}
    span = sink.span("sandglass.execs.run")
    assert [event.name for event in span.events] == ["sandglass.resend", "sandglass.reconnect"]
    assert (span.attributes or {})["http.request.resend_count"] == 1
    assert len(sent) == 1


def test_a_stream_that_is_left_and_one_that_fails_end_their_spans(sink: Sink) -> None:
    def script(request: SeenRequest, response: Response, count: int) -> None:
        if count == 2:
            return response.error(404, "EXEC_NOT_FOUND", "gone")
        response.stream()
        return response.write(counting_lines(3)[0])

    with ScriptedServer(with_sandbox(script)) as server, Client(server.url, "k") as client:
        sandbox = client.create_sandbox()
        for _ in sandbox.run_code_stream("x"):
            break
        with pytest.raises(ExecNotFoundError):
            sandbox.run_code("x")
    left, failed = [span for span in sink.exporter.get_finished_spans() if span.name == "sandglass.execs.run"]
    assert left.status.status_code is StatusCode.UNSET
    assert failed.status.status_code is StatusCode.ERROR


def test_each_operations_span_is_the_parent_of_the_daemons(sink: Sink, daemon: Daemon) -> None:
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


def environment(daemon: Daemon, **more: str) -> dict[str, str]:
    return {**os.environ, "SANDGLASS_URL": daemon.url, "SANDGLASS_API_KEY": daemon.api_key, **more}


def test_a_script_without_a_line_of_opentelemetry_prints_its_spans_and_durations_under_opentelemetry_instrument(
    daemon: Daemon,
) -> None:
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    env = environment(
        daemon,
        OTEL_SERVICE_NAME="my-agent",
        OTEL_TRACES_EXPORTER="console",
        OTEL_METRICS_EXPORTER="console",
        OTEL_LOGS_EXPORTER="none",
    )
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


def test_sdk_otel_enabled_sends_spans_and_durations_where_the_variables_say(daemon: Daemon) -> None:
    seen: list[str] = []

    def collector(request: SeenRequest, response: Response, _: int) -> None:
        seen.append(request.url)
        response.begin(200, {"content-length": "0"})

    program = (
        "from sandglass import Sandbox\n"
        "with Sandbox('bash', sdk_otel_enabled=True) as s: print(s.commands.run('echo on').stdout, end='')\n"
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


def test_a_private_provider_is_wanted_by_the_option_else_the_variable_else_an_endpoint() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert provider_loader(None, {}) is None
    assert provider_loader(False, endpoint) is None
    assert provider_loader(None, {**endpoint, "SANDGLASS_SDK_OTEL_ENABLED": "false"}) is None
    assert provider_loader(True, {"OTEL_SDK_DISABLED": "TRUE"}) is None
    assert provider_loader(True, {}) == PrivateProvider.acquire
    assert provider_loader(None, endpoint) is not None
    assert provider_loader(None, {"SANDGLASS_SDK_OTEL_ENABLED": "true"}) is not None


def test_packages_that_are_missing_fail_who_asked_and_warn_who_only_has_the_variable(
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
