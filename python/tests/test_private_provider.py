"""Providers of the package alone, for programs that have registered none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from sandglass import Client
from sandglass._otel.private_provider import PrivateProvider, provider_loader
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest, sandbox_info
from tests.support.telemetry_sink import TelemetrySink


def answer(_: SeenRequest, response: Response, __: int) -> None:
    response.json(sandbox_info(), 201)


@pytest.fixture
def daemon() -> Iterator[ScriptedServer]:
    with ScriptedServer(answer) as server:
        yield server


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """Named by the environment."""
    with ScriptedServer(lambda _, response, __: response.begin(200, {"content-length": "0"})) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "my-agent")
        yield server


def sent_spans(collector: ScriptedServer) -> list[Span]:
    spans: list[Span] = []
    for request in collector.requests:
        if request.url == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(request.body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
    return spans


def test_with_an_endpoint_in_the_environment_closing_the_client_sends_its_spans_and_durations_there_once(
    daemon: ScriptedServer, collector: ScriptedServer
) -> None:
    client = Client(daemon.url, "sgk_secret")
    client.create_sandbox()
    assert collector.requests == []
    client.close()
    [span] = sent_spans(collector)
    assert (span.name, span.kind) == ("sandglass.sandboxes.create", Span.SPAN_KIND_CLIENT)
    assert daemon.requests[0].headers["traceparent"][:52] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}"
    [metrics] = [request.body for request in collector.requests if request.url == "/v1/metrics"]
    assert b"sandglass.client.operation.duration" in metrics and b"my-agent" in metrics
    assert all(b"sgk_secret" not in request.body for request in collector.requests)
    # Nothing was registered, so nothing of the program's is traced, the exports themselves included.
    assert not trace.get_tracer("test").start_span("x").is_recording()
    assert all("traceparent" not in request.headers for request in collector.requests)


def test_what_is_done_without_a_trace_of_the_callers_still_hangs_together(
    daemon: ScriptedServer, collector: ScriptedServer
) -> None:
    with Client(daemon.url, "k") as client:
        sandbox = client.create_sandbox()
        sandbox.pause()
    create, pause = sent_spans(collector)
    # The scripted daemon answers with a trace of its own, which the calls of the sandbox join.
    assert (pause.trace_id.hex(), pause.parent_span_id.hex()) == (sandbox.trace_id, "00f067aa0ba902b7")
    assert create.parent_span_id == b""


def test_protobuf_is_the_protocol_where_none_is_named(
    daemon: ScriptedServer, collector: ScriptedServer
) -> None:
    with Client(daemon.url, "k") as client:
        client.create_sandbox()
    sent = sorted((request.url, request.headers["content-type"]) for request in collector.requests)
    assert sent == [("/v1/metrics", "application/x-protobuf"), ("/v1/traces", "application/x-protobuf")]


def test_a_provider_that_the_program_has_registered_wins_also_when_it_comes_later(
    daemon: ScriptedServer, collector: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(daemon.url, "k", sdk_otel_enabled=True) as client:
        client.create_sandbox()
        sink = TelemetrySink()
        with monkeypatch.context() as registered:
            sink.register(registered)
            client.sandboxes.get("x")
    assert sink.names() == ["sandglass.sandboxes.get"]
    assert [span.name for span in sent_spans(collector)] == ["sandglass.sandboxes.create"]
    sink.shutdown()


def test_clients_share_one_provider_the_first_that_closes_leaves_it_to_the_others(
    daemon: ScriptedServer, collector: ScriptedServer
) -> None:
    first, second = Client(daemon.url, "k"), Client(daemon.url, "k")
    first.create_sandbox()
    second.create_sandbox()
    first.close()
    assert len(sent_spans(collector)) == 2
    second.create_sandbox()
    second.close()
    assert len(sent_spans(collector)) == 3


def test_exporters_that_are_set_to_none_are_not_brought_up(
    daemon: ScriptedServer, collector: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    with Client(daemon.url, "k") as client:
        client.create_sandbox()
    assert [request.url for request in collector.requests] == ["/v1/traces"]


def test_a_collector_that_is_away_holds_up_neither_calls_nor_the_end(
    daemon: ScriptedServer, collector: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.__exit__()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    with Client(daemon.url, "k") as client:
        assert client.create_sandbox().template == "python"


def test_the_option_is_above_the_environment_and_otel_sdk_disabled_above_both() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    assert provider_loader(None, {}) is None
    assert provider_loader(False, endpoint) is None
    assert provider_loader(None, {**endpoint, "SANDGLASS_SDK_OTEL_ENABLED": "false"}) is None
    assert provider_loader(True, {"OTEL_SDK_DISABLED": "TRUE"}) is None
    assert provider_loader(True, {}) == PrivateProvider.acquire
    assert provider_loader(None, endpoint) is not None
    assert provider_loader(None, {"SANDGLASS_SDK_OTEL_ENABLED": "true"}) is not None
