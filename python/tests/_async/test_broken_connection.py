from __future__ import annotations

from pathlib import Path

import pytest

from sandglass import ExecResult
from sandglass._async.client import AsyncClient
from sandglass._async.runtime import AsyncBackground, sleep
from tests.support.cutting_proxy import CuttingProxy
from tests.support.daemon import Daemon


@pytest.mark.anyio
async def test_megabytes_of_output_arrive_whole_although_the_connection_is_cut_again_and_again(
    daemon: Daemon,
) -> None:
    with CuttingProxy(daemon.url) as proxy:
        async with AsyncClient(proxy.url, daemon.api_key) as client:
            async with await client.create_sandbox("python") as sandbox:
                proxy.cut_after_bytes = 700_000
                program = "import sys\nfor n in range(200000): sys.stdout.write(f'{n:012d}\\n')"
                result = await sandbox.commands.run(["python3", "-c", program])
                proxy.cut_after_bytes = 0
        assert result.cause == "exited"
        assert result.stdout == "".join(f"{n:012d}\n" for n in range(200_000))
        assert proxy.cuts >= 3


@pytest.mark.anyio
async def test_the_record_is_followed_through_cuts_every_event_once(daemon: Daemon) -> None:
    async with AsyncClient(daemon.url, daemon.api_key) as direct:
        async with await direct.create_sandbox("bash") as sandbox:
            for _ in range(20):
                await sandbox.commands.run(["true"])
            with CuttingProxy(daemon.url) as proxy:
                proxy.cut_after_bytes = 3_000
                seqs: list[int] = []
                async with AsyncClient(proxy.url, daemon.api_key) as client:
                    async for event in client.events(sandbox_id=sandbox.id, follow=True):
                        assert event.type != "gap", "nothing was removed"
                        seqs.append(event.seq)
                        if len(seqs) == 40:
                            break
            assert seqs == list(range(1, 41))
            assert proxy.cuts >= 3


@pytest.mark.anyio
async def test_a_post_whose_answer_is_cut_off_runs_once_the_retry_gets_the_answer_of_the_first(
    daemon: Daemon,
) -> None:
    with CuttingProxy(daemon.url) as proxy:
        async with AsyncClient(proxy.url, daemon.api_key) as client:
            async with await client.create_sandbox("bash") as sandbox:
                proxy.max_cuts = 1
                proxy.cut_after_bytes = 1
                result = await sandbox.commands.run("echo once >> count.txt")
                assert result.cause == "exited"
                assert proxy.cuts == 1
                assert await sandbox.files.read_text("count.txt") == "once\n"


@pytest.mark.anyio
async def test_an_exec_that_a_crash_of_the_daemon_took_ends_with_host_crash_its_output_before_that_kept(
    tmp_path: Path,
) -> None:
    api_key = "test_crashing_daemon_0123456789abcdef"
    results: list[ExecResult] = []
    said: list[str] = []
    with Daemon(tmp_path, api_key) as first, CuttingProxy(first.url) as proxy:
        async with AsyncClient(proxy.url, api_key) as client:
            sandbox = await client.create_sandbox("bash")

            async def work() -> None:
                command = "echo before; sleep 1000"
                results.append(
                    await sandbox.commands.run(command, on_stdout=lambda text, _: said.append(text))
                )

            running = AsyncBackground(work)
            while not said:
                await sleep(0.01)
            first.kill()
            with Daemon(tmp_path, api_key) as second:
                proxy.target = second.url
                await running.wait()
    assert (results[0].stdout, results[0].cause) == ("before\n", "host_crash")
