"""Whose a kept connection is: its process's, and its event loop's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from sandglass import AsyncClient, Client
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest, sandbox_info


def keys(_: SeenRequest, response: Response, __: int) -> None:
    response.json({"items": []})


def test_a_process_that_is_forked_sends_nothing_over_its_parents_connections() -> None:
    program = """
import os, sys
from sandglass import Client
client = Client(sys.argv[1], "key")
assert client.keys.list() == []
child = os.fork()
assert client.keys.list() == []
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert client.keys.list() == []
"""
    with ScriptedServer(keys) as server:
        subprocess.run([sys.executable, "-c", program, server.url], check=True, timeout=60)
        assert (len(server.requests), server.connections) == (4, 2)


def test_a_client_that_outlives_an_event_loop_connects_again_in_the_next() -> None:
    with ScriptedServer(keys) as server:
        client = AsyncClient(server.url, "key")

        async def twice() -> None:
            for _ in range(2):
                assert await client.keys.list() == []

        for _ in range(2):
            asyncio.run(twice())
        asyncio.run(client.aclose())
        assert server.connections == 2


def test_a_call_that_is_cancelled_takes_its_connection_with_it_and_the_next_gets_its_own_answer() -> None:
    has_begun = threading.Event()
    is_cancelled = threading.Event()

    def script(_: SeenRequest, response: Response, count: int) -> None:
        if count == 1:
            response.begin(200, {"content-length": "100"})
            has_begun.set()
            is_cancelled.wait(20)
        response.json({"items": []})

    async def main(url: str) -> None:
        async with AsyncClient(url, "key") as client:
            task = asyncio.ensure_future(client.keys.list())
            while not has_begun.is_set():
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            is_cancelled.set()
            assert await client.keys.list() == []

    with ScriptedServer(script) as server:
        asyncio.run(main(server.url))
        assert server.connections == 2


def test_threads_share_a_client_and_each_gets_the_answers_to_its_own_calls() -> None:
    def script(request: SeenRequest, response: Response, _: int) -> None:
        response.json({**sandbox_info(), "id": request.url.rpartition("/")[2]})

    wrong: list[str] = []
    with ScriptedServer(script) as server, Client(server.url, "key") as client:

        def work(number: int) -> None:
            for at in range(20):
                mine = f"sbx_{number}_{at}"
                if client.sandboxes.connect(mine).id != mine:
                    wrong.append(mine)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert not wrong
        assert len(server.requests) == 160
        assert server.connections <= 8
