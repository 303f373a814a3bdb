"""What ends a call from outside ends what it has started too: a cancelled task, Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from sandglass import AsyncClient, Client, StreamEvent
from tests.support.daemon import Daemon


def cause_of(client: Client, sandbox_id: str, exec_id: str) -> str | None:
    """Of an exec that is about to end."""
    sandbox = client.sandboxes.connect(sandbox_id)
    for event in sandbox.execs.stream(exec_id):
        if event.type == "exit":
            return event.cause
    return None


def test_a_task_that_is_cancelled_kills_its_exec(daemon: Daemon) -> None:
    ids: list[str] = []

    async def main() -> str:
        async with AsyncClient(daemon.url, daemon.api_key) as client:
            sandbox = await client.create_sandbox("bash")
            up = asyncio.Event()
            work = sandbox.commands.run(
                "echo on; sleep 100",
                on_start=lambda exec_id, _: ids.append(exec_id),
                on_stdout=lambda *_: up.set(),
            )
            task = asyncio.ensure_future(work)
            await up.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return sandbox.id

    sandbox_id = asyncio.run(main())
    with Client(daemon.url, daemon.api_key) as client:
        assert cause_of(client, sandbox_id, ids[0]) == "killed"
        client.sandboxes.connect(sandbox_id).terminate()


def test_a_stream_that_is_waited_for_under_a_time_limit_is_killed_by_it(daemon: Daemon) -> None:
    seen: list[StreamEvent] = []

    async def main() -> tuple[str, str]:
        async with AsyncClient(daemon.url, daemon.api_key) as client:
            sandbox = await client.create_sandbox("bash")

            async def read() -> None:
                async for event in sandbox.commands.stream("echo on; sleep 100"):
                    seen.append(event)

            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(read(), 1)
            return sandbox.id, (await sandbox.execs.list()).items[0].id

    sandbox_id, exec_id = asyncio.run(main())
    assert len(seen) == 1
    with Client(daemon.url, daemon.api_key) as client:
        assert cause_of(client, sandbox_id, exec_id) == "killed"
        client.sandboxes.connect(sandbox_id).terminate()


def test_ctrl_c_kills_the_exec_that_is_waited_for(daemon: Daemon) -> None:
    with Client(daemon.url, daemon.api_key) as client, client.create_sandbox("bash") as sandbox:
        ids: list[str] = []

        def on_stdout(*_: object) -> None:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

        with pytest.raises(KeyboardInterrupt):
            sandbox.commands.run(
                "echo on; sleep 100", on_start=lambda exec_id, _: ids.append(exec_id), on_stdout=on_stdout
            )
        assert cause_of(client, sandbox.id, ids[0]) == "killed"


def test_a_program_whose_async_generator_is_left_half_way_ends_without_a_word(daemon: Daemon) -> None:
    program = """
import asyncio
from sandglass import AsyncSandbox
async def main():
    async with AsyncSandbox("bash") as sandbox:
        async for event in sandbox.commands.stream("echo on; sleep 0.2; echo off"):
            break
        print((await sandbox.commands.run("echo next")).stdout, end="")
asyncio.run(main())
"""
    env = {**os.environ, "SANDGLASS_URL": daemon.url, "SANDGLASS_API_KEY": daemon.api_key}
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", program], capture_output=True, text=True, env=env, timeout=60
    )
    assert (done.stdout, done.stderr, done.returncode) == ("next\n", "", 0)
