"""What goes over the connections of the transport: uploads, time limits, calls at once; and other transports in its place."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from sandglass import AsyncClient, ConnectionError, InvalidRequestError, TimeoutError
from sandglass._async.runtime import AsyncBackground, sleep
from sandglass._call import Call
from tests._async.test_http_transport import http
from tests._async.test_transport import transport_to
from tests.support.scripted_server import (
    SANDBOX_ID,
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    with_sandbox,
)


@pytest.mark.anyio
async def test_megabytes_go_up_and_come_down_whole_of_a_known_length_and_in_pieces() -> None:
    whole = bytes(range(256)) * 16_384

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 100_000):
            yield whole[at : at + 100_000]
            yield b""

    def script(request: SeenRequest, response: Response, count: int) -> None:
        response.begin(200, {"content-length": str(len(request.body))} if count % 2 else None)
        response.end(request.body)

    with ScriptedServer(script) as server:
        async with http() as client:
            for content in (whole, whole, pieces(), pieces()):
                answered = await client.put(server.url, content=content)
                assert answered.content == whole
        assert server.connections == 1
        assert ["transfer-encoding" in request.headers for request in server.requests] == [
            False,
            False,
            True,
            True,
        ]


@pytest.mark.anyio
async def test_a_server_that_takes_no_more_of_a_request_or_no_connection_is_a_timeout_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        transport = transport_to(url, request_timeout_ms=200)
        with pytest.raises(TimeoutError, match="in 200 ms") as taken:
            await transport.json(Call("startRun", json={"name": "x" * 20_000_000}))
        assert isinstance(taken.value.__cause__, httpx.WriteTimeout)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        with pytest.raises(TimeoutError, match="in 200 ms") as refused:
            await transport_to(f"http://127.0.0.1:{address[1]}", request_timeout_ms=200).json(Call("doctor"))
        assert isinstance(refused.value.__cause__, httpx.ConnectTimeout)
        for each in waiting:
            each.close()


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
async def test_a_server_is_reached_by_ipv6_as_by_ipv4_and_by_name(host: str) -> None:
    with ScriptedServer(lambda _, response, __: response.json({"items": []}), host) as server:
        # A name may have an address where nobody listens before the one where somebody does.
        by_name = server.url.replace("127.0.0.1", "localhost")
        for url in (server.url, by_name):
            assert await transport_to(url).json(Call("listKeys")) == {"items": []}
        hosts = [f"http://{request.headers['host']}" for request in server.requests]
        assert hosts == [server.url, by_name]


@pytest.mark.anyio
async def test_calls_at_once_have_a_connection_each_and_the_calls_after_them_take_those() -> None:
    both = threading.Barrier(2, timeout=10)

    def script(request: SeenRequest, response: Response, _: int) -> None:
        if request.url == "/v1/keys":
            both.wait()
        response.json({"items": []})

    with ScriptedServer(script) as server:
        transport = transport_to(server.url)

        async def call() -> None:
            await transport.json(Call("listKeys"))

        for _ in range(2):
            for each in [AsyncBackground(call), AsyncBackground(call)]:
                await each.wait()
        await transport.json(Call("doctor"))
        assert server.connections == 2


@pytest.mark.anyio
async def test_closing_the_client_ends_what_is_under_way_with_a_connection_error() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count == 1:
            return response.json({})
        return has_begun.set()

    has_begun = threading.Event()
    with ScriptedServer(script) as server:
        transport = transport_to(server.url)
        await transport.json(Call("doctor"))

        async def call() -> None:
            with pytest.raises(ConnectionError):
                await transport.json(Call("doctor"))

        under_way = AsyncBackground(call)
        await _until(has_begun.is_set)
        await transport.aclose()
        await under_way.wait()
        assert len(server.requests) == 2


async def _until(is_true: Callable[[], bool]) -> None:
    while not is_true():
        await sleep(0.005)


@pytest.mark.anyio
async def test_a_transport_of_the_programs_own_sends_the_requests_streams_too_and_is_closed_with_the_client() -> (
    None
):
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.stream()
        for line in counting_lines(3):
            response.write(line)
        response.end()

    class Counting(httpx.AsyncHTTPTransport):
        requests = 0
        is_closed = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.requests += 1
            return await super().handle_async_request(request)

        async def aclose(self) -> None:
            self.is_closed = True
            await super().aclose()

    own = Counting()
    with ScriptedServer(with_sandbox(script)) as server:
        async with AsyncClient(server.url, "key", transport=own) as client:
            sandbox = await client.create_sandbox()
            assert sandbox.id == SANDBOX_ID
            assert [(await sandbox.run_code("x")).stdout for _ in range(2)] == ["0\n1\n2\n"] * 2
            assert not own.is_closed
        assert (own.requests, own.is_closed, server.connections) == (3, True, 1)
    with pytest.raises(InvalidRequestError, match="beside a transport"):
        AsyncClient(server.url, "key", transport=own, ca="PEM")


@pytest.mark.anyio
async def test_httpxs_mock_transport_stands_for_a_daemon_in_a_programs_own_tests() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer key"
        return httpx.Response(200, json={"items": []})

    async with AsyncClient("http://daemon", "key", transport=httpx.MockTransport(answer)) as client:
        assert await client.keys.list() == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    "value", ["a\r\nx-other: b", "a\nx-other: b", "a\rb", "a\0b", "a\r\n\r\nGET / HTTP/1.1"]
)
async def test_a_header_that_would_be_two_is_refused_and_nothing_of_its_request_is_sent(value: str) -> None:
    with ScriptedServer(lambda _request, response, _count: response.end(b"")) as server:
        async with http() as client:
            for headers in ({"x-one": value}, {f"x{value}": "one"}):
                with pytest.raises(httpx.LocalProtocolError, match="cannot be sent"):
                    await client.get(server.url, headers=headers)
        assert server.requests == []
