"""What needs no connection: the wire's forms."""

from __future__ import annotations

import json
import pickle

import pytest

import sandglass
from sandglass import InvalidRequestError, SandboxInfo, SandboxNotFoundError, StreamError
from sandglass._call import Call, path_of
from sandglass._decode import decode
from sandglass._export_environment import with_export_environment
from sandglass._ndjson import NdjsonParser
from sandglass._options import create_request
from sandglass._output import OutputCollector, output_bytes, output_text
from sandglass._trace_context import format_baggage, parse_traceparent
from sandglass.stream_events import OutputEvent


def file_at(path: str) -> str:
    return path_of(Call("readFile", {"id": "sbx_1", "path": path})).replace("/v1/sandboxes/sbx_1/files/", "")


def test_names_of_a_path_are_encoded_so_that_none_can_reach_another_route() -> None:
    assert path_of(Call("getSandbox", {"id": "../keys?x"})) == "/v1/sandboxes/..%2Fkeys%3Fx"


def test_an_id_that_is_empty_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequestError, match="the sandbox's id is empty"):
        path_of(Call("getSandbox", {"id": ""}))
    with pytest.raises(InvalidRequestError, match="the exec's id is empty"):
        path_of(Call("getExec", {"id": "sbx_1", "execId": ""}))


def test_a_file_path_keeps_its_slashes_and_an_absolute_one_its_first_as_2f() -> None:
    assert file_at("data/my file#1.csv") == "data/my%20file%231.csv"
    assert file_at("/etc/hosts") == "%2Fetc/hosts"
    assert file_at("/") == "%2F"


def test_dots_in_a_file_path_are_resolved_before_a_url_parser_on_the_way_can_do_it() -> None:
    assert file_at("./a/../b//c") == "b/c"
    assert file_at("../etc/passwd") == "%2Fetc/passwd"
    assert file_at("/a/../../b") == "%2Fb"
    assert file_at("...") == "..."


def test_query_values_that_are_none_or_empty_lists_are_left_out_lists_are_repeated() -> None:
    query = {"types": ["exec.*", "sandbox.*"], "after": None, "follow": True, "limit": 0}
    assert (
        path_of(Call("listEvents", query=query))
        == "/v1/events?types=exec.%2A&types=sandbox.%2A&follow=true&limit=0"
    )
    assert path_of(Call("listEvents", query={"types": []})) == "/v1/events"


def test_whole_lines_of_one_chunk_come_out_in_order_and_blank_ones_are_skipped() -> None:
    parser = NdjsonParser()
    assert parser.push(b'{"a":1}\n\n2\r\n\r\n"three"\n') == [{"a": 1}, 2, "three"]
    assert parser.pending_bytes == 0


def test_a_stream_cut_at_every_possible_byte_gives_the_same_values_multi_byte_characters_included() -> None:
    values = [{"text": "ä€😀"}, {"text": "line\nbreak"}, "", 42]
    stream = "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()
    for size in range(1, len(stream) + 1):
        parser = NdjsonParser()
        seen = [v for start in range(0, len(stream), size) for v in parser.push(stream[start : start + size])]
        assert seen == values, f"chunks of {size} bytes"


def test_a_line_of_many_megabytes_in_small_chunks_is_joined_once() -> None:
    parser = NdjsonParser()
    parser.push(b'"')
    for _ in range(32_768):
        assert parser.push(b"x" * 1024) == []
    [line] = parser.push(b'"\n')
    assert len(line) == 32_768 * 1024


def test_what_is_no_json_is_an_error_of_the_stream_that_quotes_the_lines_beginning() -> None:
    with pytest.raises(StreamError, match="<html>"):
        NdjsonParser().push(b"<html>\n")


def test_a_line_without_an_end_is_given_up_at_the_limit_instead_of_filling_memory() -> None:
    parser = NdjsonParser(1000)
    parser.push(bytes(999))
    with pytest.raises(StreamError, match="longer than 1000 bytes"):
        parser.push(bytes(2))


def test_an_unfinished_last_line_yields_nothing() -> None:
    parser = NdjsonParser()
    assert parser.push(b'1\n{"half":') == [1]
    assert parser.pending_bytes == len(b'{"half":')


def test_text_is_joined_and_its_bytes_are_its_utf8() -> None:
    output = OutputCollector()
    for data in ("a", "\u20ac"):
        output.add(OutputEvent("stdout", data, 0, 0))
    assert (output.text(), output.bytes()) == ("a\u20ac", b"a\xe2\x82\xac")


def test_bytes_that_are_not_utf8_are_kept_exactly_and_read_as_ufffd_without_tearing_characters_at_line_borders() -> (
    None
):
    output = OutputCollector()
    for data, encoding in (("a", None), ("/+I=", "base64"), ("gqw=", "base64")):
        output.add(OutputEvent("stdout", data, 0, 0, encoding))  # type: ignore[arg-type]
    assert output.text() == "a\ufffd€"
    assert output.bytes() == b"a\xff" + "€".encode()


def test_one_lines_bytes_and_text_undo_its_encoding() -> None:
    assert output_bytes(OutputEvent("stdout", "/9j/4A==", 0, 0, "base64")) == b"\xff\xd8\xff\xe0"
    assert output_text(OutputEvent("stdout", "aGk=", 0, 0, "base64")) == "hi"
    assert output_text(OutputEvent("stdout", "aGk=", 0, 0)) == "aGk="


OWN = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": "/home/me/key.pem",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE": "/home/me/ca.pem",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "",
    "OTEL_SERVICE_NAME": "agent",
    "HOME": "/home/me",
}


def test_the_callers_own_endpoint_and_headers_go_along_and_nothing_else_of_its_environment() -> None:
    assert with_export_environment({"A": "1"}, OWN) == {
        "A": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret",
    }


def test_where_the_sandboxs_env_names_an_endpoint_the_callers_headers_are_not_sent_to_it() -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"):
        env = {name: "https://elsewhere.example"}
        assert with_export_environment(env, OWN) == env


def test_what_env_says_wins_over_the_callers_own() -> None:
    own = {"OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    assert with_export_environment(env, own) == {**own, **env}


def test_otel_export_takes_the_callers_endpoint_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example")
    request = create_request("python", {"otel_export": True, "memory_mb": 64, "logs": True}, None)
    assert request == {
        "template": "python",
        "otelExport": True,
        "memoryMb": 64,
        "logs": True,
        "env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otlp.example"},
    }


def test_an_option_that_is_none_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(TypeError, match="did you mean 'memory_mb'"):
        sandglass.Sandbox("python", memoryMb=64)  # type: ignore[call-arg]


def test_an_answer_of_another_day_is_read_as_far_as_it_goes() -> None:
    info = decode(SandboxInfo, {"id": "sbx_1", "ofTomorrow": {}, "limits": {"memoryMb": 64}})
    assert (info.id, info.limits.memory_mb, info.limits.vcpu, info.metadata, info.cause) == (
        "sbx_1",
        64,
        0.0,
        {},
        None,
    )


@pytest.mark.parametrize(
    "header",
    [
        "00-" + "A" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "0" * 16 + "-01",
        "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "b" * 16 + "-01-x",
        "",
    ],
)
def test_an_invalid_traceparent_is_none(header: str) -> None:
    assert parse_traceparent(header) is None


def test_baggage_is_encoded_and_kept_within_its_limits() -> None:
    assert format_baggage([("user", "ä,;%"), ("not a key", "x")]) == "user=%C3%A4%2C%3B%25"
    assert len(format_baggage((f"k{n}", "x" * 1000) for n in range(20))) <= 8192


def test_an_error_says_what_to_do_and_survives_another_process() -> None:
    error = SandboxNotFoundError("no sandbox x", hint="list them", request_id="req_7")
    assert str(error) == "SANDBOX_NOT_FOUND: no sandbox x (list them) [req_7]"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (SandboxNotFoundError, str(error))
    broken = pickle.loads(pickle.dumps(StreamError("x", exec_id="exec_1", last_seq=3)))
    assert (broken.exec_id, broken.last_seq) == ("exec_1", 3)


def test_every_error_extends_the_one_root_and_the_builtin_ones_are_met_by_their_names() -> None:
    for name in sandglass.errors.__all__:
        value = getattr(sandglass, name)
        if isinstance(value, type):
            assert issubclass(value, sandglass.SandglassError)
    assert issubclass(sandglass.ConnectionError, ConnectionError)
    assert issubclass(sandglass.TimeoutError, TimeoutError)
    codes = {cls.code for cls in sandglass.errors._CLASSES.values()}
    assert codes == set(sandglass.ERROR_STATUS)
    for cls in sandglass.errors._CLASSES.values():
        assert cls.status == sandglass.ERROR_STATUS[cls.code]
