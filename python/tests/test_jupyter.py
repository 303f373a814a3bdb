"""A notebook has an event loop that runs already; both clients are used from its cells."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from queue import Empty
from typing import Any

import pytest

from sandglass import Client
from tests.support.daemon import Daemon

jupyter_client = pytest.importorskip("jupyter_client")


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    manager = jupyter_client.KernelManager()
    manager.kernel_spec.argv[0] = sys.executable
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_cell(kernel: Any, code: str) -> str:
    """What the cell prints, and its error."""
    kernel.execute(code)
    said = ""
    while True:
        try:
            message = kernel.get_iopub_msg(timeout=60)
        except Empty:
            pytest.fail(f"the kernel is silent; it had said {said!r}")
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            said += content["text"]
        elif kind == "error":
            said += "\n".join(content["traceback"])
        elif kind == "status" and content["execution_state"] == "idle":
            return said


def test_both_clients_work_in_the_cells_of_a_notebook(kernel: Any, daemon: Daemon) -> None:
    chosen = f"base_url={daemon.url!r}, api_key={daemon.api_key!r}"
    first = run_cell(
        kernel,
        f"from sandglass import Sandbox, AsyncSandbox\nsandbox = Sandbox('python', {chosen})\n"
        "print(sandbox.run_code('6 * 7').result['text/plain'])",
    )
    assert first == "42\n"
    assert run_cell(kernel, "for e in sandbox.run_code_stream('print(1)'): print(e.type)") == "stdout\nexit\n"
    assert run_cell(kernel, "sandbox.terminate(); print(sandbox.info().cause)") == "user\n"
    cell = (
        f"async with AsyncSandbox('python', {chosen}) as other:\n"
        "    print((await other.run_code('print(6 * 7)')).stdout, end='')\n"
        "    async for event in other.run_code_stream('1'):\n"
        "        print(event.type)"
    )
    assert run_cell(kernel, cell) == "42\nresult\nexit\n"


def test_the_synchronous_client_works_inside_a_running_event_loop(daemon: Daemon) -> None:
    async def main() -> str:
        with Client(daemon.url, daemon.api_key) as client, client.create_sandbox("bash") as sandbox:
            return sandbox.commands.run("echo inside").stdout

    assert asyncio.run(main()) == "inside\n"
