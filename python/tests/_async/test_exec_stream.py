from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from sandglass import ExecNotFoundError, StreamError, StreamEvent
from sandglass._async.client import AsyncClient
from sandglass._async.sandbox import AsyncSandbox
from tests.support.scripted_server import (
    EXEC_ID,
    Response,
    ScriptedServer,
    SeenRequest,
    counting_lines,
    with_sandbox,
)


async def sandbox_on(server: ScriptedServer) -> AsyncSandbox:
    return await AsyncClient(server.url, "k", stream_retries=4).create_sandbox("python")


def after_of(url: str) -> int:
    return int(parse_qs(urlsplit(url).query).get("after", ["-1"])[0])


@pytest.mark.anyio
async def test_a_stream_whose_connection_is_cut_after_every_few_bytes_arrives_whole_in_order_each_line_once() -> (
    None
):
    lines = counting_lines(40)

    def script(request: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        rest = "".join(lines[after_of(request.url) + 1 :])
        # Cuts inside lines too, each time elsewhere.
        cut = 150 + count * 37
        if len(rest) <= cut:
            return response.end(rest)
        response.write(rest[:cut])
        return response.destroy()

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        result = await sandbox.run_code("count")
        assert result.stdout == "".join(f"{n}\n" for n in range(40))
        assert (result.exit_code, result.exec_id) == (0, EXEC_ID)
        assert len(server.requests) > 5, "it was cut several times"
        assert len([r for r in server.requests if r.method == "POST" and r.url.endswith("/exec")]) == 1


@pytest.mark.anyio
async def test_a_body_that_ends_well_but_without_its_exit_line_is_picked_up_again() -> None:
    lines = counting_lines(3)

    def script(request: SeenRequest, response: Response, _: int) -> None:
        response.stream()
        response.end("".join(lines[after_of(request.url) + 1 :][:2]))

    with ScriptedServer(with_sandbox(script)) as server:
        assert (await (await sandbox_on(server)).commands.run("count")).stdout == "0\n1\n2\n"


@pytest.mark.anyio
async def test_lines_that_are_replayed_although_they_were_not_asked_for_are_not_handed_out_twice_a_hole_is_asked_for_again() -> (
    None
):
    lines = counting_lines(4)

    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        response.end("".join([lines[0], lines[1], lines[3]] if count == 1 else lines))

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        assert [event.seq async for event in sandbox.run_code_stream("count")] == [0, 1, 2, 3, 4]


@pytest.mark.anyio
async def test_a_stream_that_cannot_be_resumed_ends_in_a_stream_error_that_says_where_to_continue() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        if count == 1:
            response.write(counting_lines(3)[0])
        response.destroy()

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        seen: list[StreamEvent] = []
        with pytest.raises(StreamError) as caught:
            async for event in sandbox.run_code_stream("count"):
                seen.append(event)
        assert (caught.value.exec_id, caught.value.last_seq) == (EXEC_ID, 0)
        assert "after=0" in (caught.value.hint or "")
        assert len(seen) == 1


@pytest.mark.anyio
async def test_who_follows_an_exec_is_told_once_when_the_connection_is_lost_and_when_it_stands_again() -> (
    None
):
    lines = counting_lines(2)

    def script(request: SeenRequest, response: Response, count: int) -> None:
        # Of each three the first breaks behind a line, and the first try to resume it fails.
        if count % 3 == 2:
            return response.destroy()
        response.stream()
        rest = lines[after_of(request.url) + 1 :]
        if count % 3 == 0:
            return response.end("".join(rest))
        response.write(rest[0])
        return response.destroy()

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        said: list[object] = []

        async def on_connection(is_connected: bool) -> None:
            said.append(is_connected)

        await sandbox.run_code(
            "count", on_connection=on_connection, on_stdout=lambda text, _: said.append(text)
        )
        assert said == ["0\n", False, True, "1\n"]

        for events in (
            sandbox.run_code_stream("count", on_connection=said.append),
            sandbox.commands.stream("count", on_connection=said.append),
            sandbox.execs.stream(EXEC_ID, on_connection=said.append),
        ):
            said.clear()
            async for event in events:
                said.append(event.seq)
            assert said == [0, False, True, 1, 2]


@pytest.mark.anyio
async def test_a_stream_that_cannot_be_resumed_is_told_of_as_lost_once() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count == 1:
            response.stream()
            response.write(counting_lines(1)[0])
        response.destroy()

    with ScriptedServer(with_sandbox(script)) as server:
        said: list[bool] = []
        with pytest.raises(StreamError):
            await (await sandbox_on(server)).run_code("x", on_connection=said.append)
        assert said == [False]


@pytest.mark.anyio
async def test_an_error_of_who_is_told_of_the_connection_is_the_callers_own_and_leaves_no_connection_open() -> (
    None
):
    closed = threading.Event()

    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        if count == 1:
            response.write(counting_lines(1)[0])
            response.destroy()
        elif response.wait_for_close():
            closed.set()

    class OfHandlerError(Exception):
        pass

    def on_connection(is_connected: bool) -> None:
        if is_connected:
            raise OfHandlerError

    with ScriptedServer(with_sandbox(script)) as server:
        with pytest.raises(OfHandlerError):
            await (await sandbox_on(server)).run_code("x", on_connection=on_connection)
        assert closed.wait(10)


@pytest.mark.anyio
async def test_an_error_of_the_catalogue_while_resuming_is_raised_as_it_is() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count > 1:
            return response.error(404, "EXEC_NOT_FOUND", "no exec", requestId="req_1")
        response.stream()
        response.write(counting_lines(1)[0])
        return response.destroy()

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        with pytest.raises(ExecNotFoundError) as caught:
            await sandbox.run_code("x")
        assert caught.value.request_id == "req_1"


@pytest.mark.anyio
async def test_sequential_execs_reuse_one_connection_also_when_the_streams_end_comes_a_packet_later() -> None:
    text = "".join(counting_lines(5))

    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        if count % 2:
            response.write(text)
            threading.Event().wait(0.002)
            response.end()
        else:
            response.end(text)

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        for _ in range(20):
            assert (await sandbox.run_code("x")).exit_code == 0
        assert server.connections == 1


@pytest.mark.anyio
async def test_a_stream_that_does_not_end_behind_its_exit_line_holds_up_nobody_for_long() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        response.write("".join(counting_lines(1)))
        response.wait_for_close()
        response.is_destroyed = True

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        assert (await sandbox.run_code("x")).stdout == "0\n"
        assert (await sandbox.run_code("x")).stdout == "0\n"
        assert server.connections == 2, "the first was not used again"


@pytest.mark.anyio
async def test_leaving_the_loop_early_lets_the_exec_run_on_and_closes_its_connection() -> None:
    closed = threading.Event()

    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        response.write(counting_lines(2)[0])
        if response.wait_for_close():
            closed.set()

    with ScriptedServer(with_sandbox(script)) as server:
        events = (await sandbox_on(server)).run_code_stream("x")
        async for event in events:
            assert event.type == "stdout"
            break
        await events.aclose()
        assert closed.wait(10)
        assert not any(request.url.endswith("/kill") for request in server.requests)


@pytest.mark.anyio
async def test_an_error_of_a_handler_is_the_callers_own() -> None:
    def script(_: SeenRequest, response: Response, count: int) -> None:
        response.stream()
        response.end("".join(counting_lines(2)))

    class OfHandlerError(Exception):
        pass

    def on_stdout(*_: object) -> None:
        raise OfHandlerError

    with ScriptedServer(with_sandbox(script)) as server, pytest.raises(OfHandlerError):
        await (await sandbox_on(server)).run_code("x", on_stdout=on_stdout)
