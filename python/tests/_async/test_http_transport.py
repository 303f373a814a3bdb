"""The transport as httpx knows it, against a server that says what a test tells it to, byte by byte."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx
import pytest

from sandglass._async.http_transport import AsyncHttpTransport
from sandglass._call import Call
from tests._async.test_transport import transport_to
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def http() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=AsyncHttpTransport(), trust_env=False, timeout=20)


def saying(*answers: bytes) -> Callable[[SeenRequest, Response, int], None]:
    """One after the other, the last for all that follow."""
    return lambda _, response, count: response.raw(answers[min(count, len(answers)) - 1])


@pytest.mark.anyio
async def test_an_answer_that_comes_a_byte_at_a_time_is_read_as_one_that_comes_at_once() -> None:
    answer = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nX-Empty:\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'5;name="a;b"\r\nab\r\nc\r\nA\r\ndefghijklm\r\n0\r\nX-Trailer: t\r\n\r\n'
    )

    def script(request: SeenRequest, response: Response, _: int) -> None:
        pieces = [answer] if request.url == "/whole" else [answer[at : at + 1] for at in range(len(answer))]
        for piece in pieces:
            response.raw(piece)

    with ScriptedServer(script) as server:
        async with http() as client:
            for path in ("/whole", "/torn", "/whole"):
                given = await client.get(server.url + path)
                assert (given.status_code, given.headers["x-empty"]) == (200, "")
                assert given.content == b"ab\r\ncdefghijklm", path
        assert server.connections == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName : v\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nFolded: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        CHUNKED + b"0x2\r\nab\r\n0\r\n\r\n",
        CHUNKED + b"+2\r\nab\r\n0\r\n\r\n",
        CHUNKED + b"2\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"1" * 2_000,
    ],
)
async def test_what_is_not_http_or_ends_in_two_ways_is_refused_and_its_connection_not_used_again(
    answer: bytes,
) -> None:
    with ScriptedServer(saying(answer, OK)) as server:
        async with http() as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(server.url)
            assert (await client.get(server.url)).content == b"ok"
        assert server.connections == 2


@pytest.mark.anyio
@pytest.mark.parametrize("answer", [OK + OK, CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + OK])
async def test_more_than_was_asked_for_is_not_taken_for_the_next_answer(answer: bytes) -> None:
    with ScriptedServer(saying(answer, OK.replace(b"ok", b"!!"))) as server:
        async with http() as client:
            said = [(await client.get(server.url)).content for _ in range(2)]
        assert said == [b"ok", b"!!"]
        assert server.connections == 2


@pytest.mark.anyio
async def test_an_answer_without_a_body_keeps_its_connection() -> None:
    answers = [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    ]
    with ScriptedServer(saying(*answers)) as server:
        async with http() as client:
            given = [
                await client.request("HEAD" if at == 3 else "GET", server.url) for at in range(len(answers))
            ]
        assert [(each.status_code, each.content) for each in given] == [
            (204, b""),
            (304, b""),
            (200, b""),
            (200, b""),
        ]
        assert given[3].headers["content-length"] == "9"
        assert server.connections == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_an_answer_that_ends_its_connection_is_whole_and_the_next_has_another(head: bytes) -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.raw(head + b"ok")
        response.destroy()

    with ScriptedServer(script) as server:
        async with http() as client:
            said = [(await client.get(server.url)).content for _ in range(2)]
        assert said == [b"ok", b"ok"]
        assert server.connections == 2


@pytest.mark.anyio
async def test_a_kept_connection_that_the_server_has_closed_is_not_used_again() -> None:
    closed = threading.Event()

    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.raw(OK)
        response.destroy()
        closed.set()

    with ScriptedServer(script) as server:
        transport = transport_to(server.url)
        for _ in range(3):
            closed.clear()
            await transport.whole(Call("doctor"))
            assert closed.wait(10)
        # No request was sent twice.
        assert (len(server.requests), server.connections) == (3, 3)
