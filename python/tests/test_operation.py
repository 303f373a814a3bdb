"""One operation of the API is one span and one duration, whatever becomes of its requests."""

from __future__ import annotations

import re
import threading

import pytest
from opentelemetry.trace import ProxyTracerProvider, SpanKind, StatusCode

from sandglass import Client, SandboxNotFoundError
from sandglass._protocol import OPERATION_NAMES, ROUTES
from tests.support.scripted_server import (
    EXEC_ID,
    SANDBOX_ID,
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    with_sandbox,
)
from tests.support.telemetry_sink import TelemetrySink, context_of, traceparent_of

OWN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def counted(_: SeenRequest, response: Response, __: int) -> None:
    response.stream()
    response.end("".join(counting_lines(1)))


def test_a_call_is_a_client_span_below_the_active_one_and_what_the_daemon_is_told_is_its_child(
    sink: TelemetrySink,
) -> None:
    with ScriptedServer(with_sandbox(counted)) as server, Client(server.url, "sgk_secret") as client:
        with sink.tracer.start_as_current_span("outer") as outer:
            client.create_sandbox("python").run_code("secret code")
        requests = server.requests
    assert sink.names() == ["sandglass.sandboxes.create", "sandglass.execs.run", "outer"]
    span = sink.span("sandglass.execs.run")
    assert span.kind is SpanKind.CLIENT and span.status.status_code is StatusCode.UNSET
    assert span.parent is not None and span.parent.span_id == outer.get_span_context().span_id
    assert not span.links
    assert requests[1].headers["traceparent"] == traceparent_of(span)
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


def test_without_a_provider_the_callers_own_trace_is_sent_as_it_is_with_one_that_was_taken_away(
    sink: TelemetrySink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer(with_sandbox(counted)) as server, Client(server.url, "k") as client:
        client.create_sandbox()
        monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", ProxyTracerProvider)
        client.sandboxes.create(traceparent=OWN)
        assert server.requests[1].headers["traceparent"] == OWN
    assert sink.names() == ["sandglass.sandboxes.create"]


def test_the_sandboxs_own_traceparent_is_the_parent_and_the_active_span_is_linked(
    sink: TelemetrySink,
) -> None:
    with ScriptedServer(with_sandbox(counted)) as server, Client(server.url, "k") as client:
        with sink.tracer.start_as_current_span("outer"):
            client.sandboxes.create(traceparent=OWN, tracestate="v=1")
        [request] = server.requests
    span = sink.span("sandglass.sandboxes.create")
    assert span.parent is not None and f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert request.headers["traceparent"] == traceparent_of(span)
    assert traceparent_of(span).startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert request.headers["tracestate"] == "v=1"
    assert [link.context.span_id for link in span.links] == [context_of(sink.span("outer")).span_id]


def test_an_error_is_recorded_with_its_code_on_the_span_and_on_the_histogram(sink: TelemetrySink) -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.error(404, "SANDBOX_NOT_FOUND", "no sandbox x")

    with ScriptedServer(script) as server, Client(server.url, "sgk_secret") as client:
        with pytest.raises(SandboxNotFoundError):
            client.sandboxes.get("x")
    span = sink.span("sandglass.sandboxes.get")
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "no sandbox x")
    attributes = span.attributes or {}
    assert attributes["error.type"] == "SANDBOX_NOT_FOUND"
    assert attributes["http.response.status_code"] == 404
    [exception] = span.events
    assert exception.name == "exception"
    assert "no sandbox x" in str((exception.attributes or {})["exception.message"])
    [point] = sink.points("sandglass.client.operation.duration")
    assert (point["sandglass.operation"], point["error.type"]) == ("sandboxes.get", "SANDBOX_NOT_FOUND")
    assert "sgk_secret" not in f"{dict(attributes)} {dict(exception.attributes or {})}"


def test_a_file_that_is_not_there_is_an_answer_of_exists_not_an_error(sink: TelemetrySink) -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.begin(404, {"x-error-code": "FILE_NOT_FOUND"})

    with ScriptedServer(with_sandbox(script)) as server, Client(server.url, "k") as client:
        assert client.create_sandbox().files.exists("gone") is False
    span = sink.span("sandglass.files.exists")
    assert (span.status.status_code, list(span.events)) == (StatusCode.UNSET, [])


def test_requests_that_are_sent_again_are_one_span_counted_all_with_its_context(sink: TelemetrySink) -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count < 3:
            return response.reset()
        return response.json({"items": []})

    with ScriptedServer(script) as server, Client(server.url, "k") as client:
        client.keys.list()
        sent = {request.headers["traceparent"] for request in server.requests}
    span = sink.span("sandglass.keys.list")
    assert (span.attributes or {})["http.request.resend_count"] == 2
    assert [event.name for event in span.events] == ["sandglass.resend", "sandglass.resend"]
    assert sent == {traceparent_of(span)}


def test_an_execs_span_ends_when_its_stream_does_over_a_connection_that_broke(sink: TelemetrySink) -> None:
    lines = counting_lines(2)
    open_at_the_last_line: list[bool] = []

    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        if count == 1:
            response.write(lines[0])
            return response.destroy()
        response.write(lines[1])
        open_at_the_last_line.append("sandglass.execs.run" not in sink.names())
        return response.end(lines[2])

    with ScriptedServer(with_sandbox(script)) as server, Client(server.url, "k") as client:
        assert client.create_sandbox().commands.run("count").stdout == "0\n1\n"
        sent = [request.headers["traceparent"] for request in server.requests[1:]]
    span = sink.span("sandglass.execs.run")
    assert open_at_the_last_line == [True]
    assert [event.name for event in span.events] == ["sandglass.reconnect"]
    attributes = span.attributes or {}
    assert (attributes["sandglass.exec.id"], attributes["sandglass.exec.kind"]) == (EXEC_ID, "command")
    assert (attributes["process.exit.code"], attributes["sandglass.cause"]) == (0, "exited")
    assert sent == [traceparent_of(span)] * 2


def test_an_interrupted_exec_is_an_error_one_whose_reader_left_is_none_and_a_handlers_error_ends_it_too(
    sink: TelemetrySink,
) -> None:
    def script(request: SeenRequest, response: Response, _: int) -> None:
        if request.url.endswith("/kill"):
            return response.json({})
        response.stream()
        return response.write(counting_lines(3)[0])

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def broken(*_: object) -> None:
        raise LookupError("of the handler")

    with ScriptedServer(with_sandbox(script)) as server, Client(server.url, "k") as client:
        sandbox = client.create_sandbox()
        with pytest.raises(KeyboardInterrupt):
            sandbox.commands.run("x", on_stdout=interrupt)
        for _ in sandbox.commands.stream("x"):
            break
        with pytest.raises(LookupError):
            sandbox.commands.run("x", on_start=broken)
    execs = [span for span in sink.exporter.get_finished_spans() if span.name == "sandglass.execs.run"]
    kinds = [(span.attributes or {}).get("error.type") for span in execs]
    assert kinds == ["KeyboardInterrupt", None, "LookupError"]


def test_the_spans_of_a_download_and_of_a_reading_of_events_last_as_long_as_their_bodies(
    sink: TelemetrySink,
) -> None:
    rest = threading.Event()

    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.begin()
        response.write('{"type":"gap","fromPosition":1,"toPosition":2,"reason":"retention","cursor":"1"}\n')
        rest.wait(30)
        response.end()

    with ScriptedServer(with_sandbox(script)) as server, Client(server.url, "k") as client:
        download = client.create_sandbox().files.read_stream("a")
        events = client.events()
        next(download)
        next(events)
        assert sink.names() == ["sandglass.sandboxes.create"]
        rest.set()
        assert (list(download), list(events)) == ([], [])
    for name in ("files.read", "events.read"):
        assert sink.span(f"sandglass.{name}").status.status_code is StatusCode.UNSET


def test_closing_a_client_ends_the_spans_of_what_is_under_way(sink: TelemetrySink) -> None:
    arrived, leave = threading.Event(), threading.Event()

    def script(_: SeenRequest, response: Response, __: int) -> None:
        arrived.set()
        leave.wait(30)
        response.destroy()

    with ScriptedServer(script) as server:
        client = Client(server.url, "k")
        failed: list[BaseException] = []

        def call() -> None:
            try:
                client.doctor()
            except Exception as error:
                failed.append(error)

        calling = threading.Thread(target=call)
        calling.start()
        assert arrived.wait(30)
        client.close()
        assert (sink.span("sandglass.doctor").attributes or {})["error.type"] == "CONNECTION_FAILED"
        leave.set()
        calling.join(30)
    assert len(failed) == 1


def test_every_route_has_a_name_of_its_own() -> None:
    names = [OPERATION_NAMES.get(route, route) for route in ROUTES]
    assert all(re.fullmatch(r"[a-z]+(\.[a-z_]+)?", name) for name in names)
    assert len(set(names)) == len(names)
