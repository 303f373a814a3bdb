from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from sandglass import InvalidCursorError, StreamError
from sandglass._async.client import AsyncClient
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest


def line(n: int) -> str:
    return json.dumps({"id": f"evt_{n}", "type": "exec.completed", "seq": n, "cursor": f"c{n}"}) + "\n"


def after_of(url: str) -> int:
    return int(parse_qs(urlsplit(url).query).get("after", ["c-1"])[0][1:])


def client_of(server: ScriptedServer) -> AsyncClient:
    return AsyncClient(server.url, "k", stream_retries=3)


@pytest.mark.anyio
async def test_a_reading_that_is_cut_is_continued_behind_the_last_cursor_nothing_lost_and_nothing_twice() -> (
    None
):
    lines = [line(n) for n in range(30)]

    def script(request: SeenRequest, response: Response, count: int) -> None:
        response.begin()
        rest = "".join(lines[after_of(request.url) + 1 :])
        cut = 120 + count * 61
        if len(rest) <= cut:
            return response.end(rest)
        response.write(rest[:cut])
        return response.destroy()

    with ScriptedServer(script) as server:
        cursors = [event.cursor async for event in client_of(server).events(types=["exec.*"])]
        assert cursors == [f"c{n}" for n in range(30)]
        assert len(server.requests) > 3
        assert "types=exec.%2A&after=c" in server.requests[1].url


@pytest.mark.anyio
async def test_without_follow_the_records_end_ends_the_loop_with_follow_a_bodys_end_is_only_a_break() -> None:
    def script(request: SeenRequest, response: Response, _: int) -> None:
        response.begin()
        response.end(line(after_of(request.url) + 1))

    with ScriptedServer(script) as server:
        client = client_of(server)
        assert [event.cursor async for event in client.events()] == ["c0"]
        followed: list[str] = []
        async for event in client.events(follow=True):
            followed.append(event.cursor)
            if len(followed) == 3:
                break
        assert followed == ["c0", "c1", "c2"]


@pytest.mark.anyio
async def test_who_follows_is_told_once_when_the_connection_is_lost_and_when_it_stands_again() -> None:
    def script(request: SeenRequest, response: Response, count: int) -> None:
        # The first answer ends, two tries fail.
        if count in (1, 2):
            response.destroy()
            return
        response.begin()
        response.end(line(after_of(request.url) + 1))

    with ScriptedServer(script) as server:
        said: list[object] = []

        async def told(is_connected: bool) -> None:
            said.append(is_connected)

        following = client_of(server).events(follow=True, limit=2, on_connection=told)
        async for event in following:
            said.append(event.cursor)
        assert said == ["c0", False, True, "c1"]


@pytest.mark.anyio
async def test_words_are_searched_for_in_the_record() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.begin()
        response.end(line(1))

    with ScriptedServer(script) as server:
        search = 'disk "no space" -warn'
        found = [event async for event in client_of(server).events(search=search)]
        assert len(found) == 1
        assert parse_qs(urlsplit(server.requests[0].url).query)["search"] == [search]


@pytest.mark.anyio
async def test_a_limit_holds_across_a_broken_connection() -> None:
    def script(request: SeenRequest, response: Response, count: int) -> None:
        response.begin()
        limit = int(parse_qs(urlsplit(request.url).query)["limit"][0])
        first = after_of(request.url) + 1
        lines = [line(first + n) for n in range(limit)]
        if count > 1:
            return response.end("".join(lines))
        response.write("".join(lines[:2]))
        return response.destroy()

    with ScriptedServer(script) as server:
        cursors = [event.cursor async for event in client_of(server).events(limit=5, follow=True)]
        assert cursors == ["c0", "c1", "c2", "c3", "c4"]


@pytest.mark.anyio
async def test_a_gap_is_told_with_its_place() -> None:
    gap = {"type": "gap", "fromPosition": 3, "toPosition": 7, "reason": "retention", "cursor": "c7"}

    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.begin()
        response.end(json.dumps(gap) + "\n" + line(8))

    with ScriptedServer(script) as server:
        first, second = [event async for event in client_of(server).events()]
        assert first.type == "gap" and (first.from_position, first.to_position) == (3, 7)
        assert second.type == "exec.completed" and second.cursor == "c8"


@pytest.mark.anyio
async def test_a_daemon_that_stays_away_ends_the_following_in_a_stream_error_that_names_the_cursor() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count > 1:
            return response.destroy()
        response.begin()
        response.write(line(0))
        return response.destroy()

    with ScriptedServer(script) as server:
        with pytest.raises(StreamError) as caught:
            async for _ in client_of(server).events(follow=True):
                pass
        assert "c0" in (caught.value.hint or "")


@pytest.mark.anyio
async def test_a_refused_request_is_an_error_at_once() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.error(400, "INVALID_CURSOR", "no cursor of ours")

    with ScriptedServer(script) as server:
        with pytest.raises(InvalidCursorError):
            async for _ in client_of(server).events(after="nonsense"):
                pass
        assert len(server.requests) == 1
