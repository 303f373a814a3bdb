from __future__ import annotations

import re
import socket
import threading
from collections.abc import AsyncIterator

import pytest

from sandglass import (
    ConnectionError,
    DiskFullError,
    FileNotFoundError,
    InvalidRequestError,
    SandboxNotFoundError,
    SandglassError,
    TimeoutError,
    UnauthorizedError,
)
from sandglass._async.transport import AsyncTransport
from sandglass._call import Call
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest


def transport_to(
    base_url: str, api_key: str | None = "sgk_1", request_timeout_ms: float | None = None
) -> AsyncTransport:
    return AsyncTransport(
        base_url=base_url,
        api_key=lambda: api_key,
        user_agent="test",
        request_timeout_ms=request_timeout_ms,
    )


def cut_then_answer(_: SeenRequest, response: Response, count: int) -> None:
    if count < 3:
        return response.reset()
    return response.json({"count": count})


@pytest.mark.anyio
async def test_a_call_whose_connection_is_reset_is_sent_again_a_post_with_the_same_idempotency_key() -> None:
    with ScriptedServer(cut_then_answer) as server:
        assert await transport_to(server.url).json(Call("startRun", json={"name": "x"})) == {"count": 3}
        keys = {request.headers["idempotency-key"] for request in server.requests}
        assert len(keys) == 1
        assert re.fullmatch(r"[0-9a-f-]{36}", keys.pop())


@pytest.mark.anyio
async def test_an_answer_cut_in_its_middle_is_asked_for_again_as_a_whole() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count > 1:
            return response.json({"items": [1, 2]})
        response.begin(200, {"content-length": "100"})
        response.write('{"items":')
        return response.destroy()

    with ScriptedServer(script) as server:
        assert await transport_to(server.url).json(Call("listKeys")) == {"items": [1, 2]}


@pytest.mark.anyio
async def test_a_connection_that_is_reset_again_and_again_ends_in_a_connection_error_with_the_sockets_error_as_its_cause() -> (
    None
):
    with ScriptedServer(lambda _, response, __: response.reset()) as server:
        with pytest.raises(ConnectionError) as caught:
            await transport_to(server.url).json(Call("listKeys"))
        assert caught.value.code == "CONNECTION_FAILED"
        assert caught.value.__cause__ is not None
        assert len(server.requests) == 4


@pytest.mark.anyio
async def test_an_upload_from_an_iterable_is_never_sent_twice() -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"a"

    with ScriptedServer(cut_then_answer) as server:
        call = Call("writeFile", {"id": "x", "path": "f"}, content=content())
        with pytest.raises(ConnectionError):
            await transport_to(server.url).json(call)
        assert len(server.requests) == 1


@pytest.mark.anyio
async def test_an_upload_is_refused_early_without_being_sent_to_its_end() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    refusal = b'{"error":{"code":"DISK_FULL","message":"no room"}}'
    is_over = threading.Event()

    def refuse() -> None:
        connection, _ = listener.accept()
        with connection:
            while b"\r\n\r\n" not in connection.recv(65_536):
                pass
            # A proxy may say that it goes on, which is no answer.
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b"HTTP/1.1 507 Full\r\nContent-Length: %d\r\n\r\n%b" % (len(refusal), refusal))
            is_over.wait(20)

    threading.Thread(target=refuse, daemon=True).start()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield bytes(64 * 1024)

    with listener:
        call = Call("writeFile", {"id": "x", "path": "f"}, content=endless())
        with pytest.raises(DiskFullError, match="no room"):
            await transport_to(f"http://127.0.0.1:{listener.getsockname()[1]}").json(call)
        is_over.set()
    assert 0 < sent < 10_000


@pytest.mark.anyio
async def test_where_nothing_listens_the_error_asks_whether_the_daemon_runs_and_says_how_to_start_it() -> (
    None
):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
    with pytest.raises(ConnectionError) as caught:
        await transport_to(f"http://127.0.0.1:{port}").json(Call("doctor"))
    assert "nothing listens" in str(caught.value)
    assert "sandglass serve" in (caught.value.hint or "")


@pytest.mark.anyio
async def test_a_host_that_is_none_is_said() -> None:
    with pytest.raises(ConnectionError, match="cannot be resolved"):
        await transport_to("http://no-such-host.invalid:1").json(Call("doctor"))


@pytest.mark.anyio
async def test_an_error_answer_becomes_the_catalogues_error_with_code_hint_and_request_id() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.error(404, "SANDBOX_NOT_FOUND", "no sandbox x", hint="list them", requestId="req_7")

    with ScriptedServer(script) as server:
        with pytest.raises(SandboxNotFoundError) as caught:
            await transport_to(server.url).json(Call("getSandbox", {"id": "x"}))
        error = caught.value
        said = (error.code, error.message, error.hint, error.request_id, error.status)
        assert said == ("SANDBOX_NOT_FOUND", "no sandbox x", "list them", "req_7", 404)
        assert isinstance(error, SandglassError)


@pytest.mark.anyio
async def test_an_answer_that_is_not_the_catalogues_keeps_its_words_and_gets_the_nearest_code() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count == 1:
            response.begin(502, {"x-request-id": "req_p"})
            return response.end("<h1>Bad Gateway</h1>")
        return response.error(418, "TEAPOT", "short and stout")

    with ScriptedServer(script) as server:
        transport = transport_to(server.url)
        with pytest.raises(ConnectionError, match="Bad Gateway") as proxy:
            await transport.json(Call("doctor"))
        assert proxy.value.request_id == "req_p"
        with pytest.raises(InvalidRequestError, match="TEAPOT: short"):
            await transport.json(Call("doctor"))


@pytest.mark.anyio
async def test_the_code_and_the_words_of_an_answer_without_a_body_come_from_its_headers() -> None:
    words = ["no%20%C3%A4", None]

    def script(_: SeenRequest, response: Response, count: int) -> None:
        message = words[count - 1]
        said = {} if message is None else {"x-error-message": message}
        response.begin(404, {"x-error-code": "FILE_NOT_FOUND", **said})

    with ScriptedServer(script) as server:
        for message in ("no \u00e4", "the server answered 404 (FILE_NOT_FOUND)"):
            with pytest.raises(FileNotFoundError) as refused:
                await transport_to(server.url).whole(Call("statFile", {"id": "x", "path": "/a"}))
            assert refused.value.message == message


@pytest.mark.anyio
async def test_where_a_key_was_looked_for_is_said_where_none_was_found() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.begin(401, {"x-error-code": "UNAUTHORIZED", "content-length": "0"})

    with ScriptedServer(script) as server:
        with pytest.raises(UnauthorizedError) as missing:
            await transport_to(server.url, api_key=None).json(Call("doctor"))
        assert f"no key for {server.url} in" in (missing.value.hint or "")
        with pytest.raises(UnauthorizedError) as wrong:
            await transport_to(server.url).json(Call("doctor"))
        assert wrong.value.hint is None


@pytest.mark.anyio
async def test_https_to_what_speaks_http_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(ConnectionError, match="speaks http, not https"):
            await transport_to(f"https://127.0.0.1:{server.getsockname()[1]}").json(Call("doctor"))
        answering.join()


@pytest.mark.anyio
async def test_an_answer_that_does_not_begin_or_does_not_end_within_the_limit_is_a_timeout_error() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count == 2:
            response.begin(200, {"content-length": "10"})
            response.write("{")

    with ScriptedServer(script) as server:
        transport = transport_to(server.url, request_timeout_ms=100)
        for _ in range(2):
            with pytest.raises(TimeoutError, match="in 100 ms"):
                await transport.json(Call("doctor"))


@pytest.mark.anyio
async def test_calls_one_after_the_other_share_one_connection_errors_included() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count % 2:
            return response.json({})
        return response.error(500, "INTERNAL", "m")

    with ScriptedServer(script) as server:
        transport = transport_to(server.url)
        for _ in range(10):
            try:
                await transport.json(Call("doctor"))
            except SandglassError:
                pass
        assert server.connections == 1


@pytest.mark.anyio
async def test_a_body_is_announced_with_its_length_and_an_empty_post_too() -> None:
    with ScriptedServer(lambda _, response, __: response.json({})) as server:
        transport = transport_to(server.url)
        await transport.json(Call("startRun", json={"name": "x"}))
        await transport.json(Call("pauseSandbox", {"id": "x"}))
        first, second = server.requests
        assert first.headers["content-length"] == "12"
        assert first.headers["authorization"] == "Bearer sgk_1"
        assert second.headers["content-length"] == "0"
        assert "transfer-encoding" not in second.headers


@pytest.mark.anyio
async def test_a_key_that_cannot_stand_in_a_header_is_refused_as_the_callers_mistake_without_being_repeated() -> (
    None
):
    transport = transport_to("http://127.0.0.1:9", api_key="sgk_secret\n")
    with pytest.raises(InvalidRequestError) as caught:
        await transport.json(Call("doctor"))
    assert "sgk_secret" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


@pytest.mark.anyio
async def test_what_does_not_answer_in_json_is_no_daemon() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.begin()
        response.end("<html>")

    with ScriptedServer(script) as server:
        with pytest.raises(ConnectionError, match="does not answer in JSON"):
            await transport_to(server.url).json(Call("doctor"))


@pytest.mark.anyio
async def test_a_client_that_was_closed_says_so() -> None:
    with ScriptedServer(lambda _, response, __: response.json({})) as server:
        transport = transport_to(server.url)
        await transport.json(Call("doctor"))
        await transport.aclose()
        with pytest.raises(ConnectionError, match="the client was closed"):
            await transport.json(Call("doctor"))
