from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandglass import InvalidRequestError, SandboxDiff, SandboxEndedError, SandboxNotFoundError
from sandglass._async.client import AsyncClient
from sandglass._async.sandbox import AsyncSandbox
from tests.support.daemon import Daemon


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(daemon.url, daemon.api_key) as made:
        yield made


@pytest.mark.anyio
async def test_forks_try_several_ways_at_once_the_best_is_merged_back(client: AsyncClient) -> None:
    async with await client.create_sandbox("python") as parent:
        await parent.run_code("x = 1")
        await parent.files.write("data.csv", "a,b\n1,2\n")
        branches = await parent.fork(3)
        assert len(branches) == 3
        for at, branch in enumerate(branches):
            code = f'print(open("data.csv").readline()); open("out.txt", "w").write(str({at} ** 2))'
            assert (await branch.run_code(code)).stdout == "a,b\n\n"
        variables = await branches[0].run_code("x")
        assert "NameError" in variables.stderr, "variables stay the parent's"
        best = branches[2]
        added = ["/workspace/out.txt"]
        assert await best.diff() == SandboxDiff(parent.id, added, [], [], False)
        assert await best.diff(parent.id) == await best.diff()
        assert (await best.diff(branches[0])).modified == added
        await parent.merge(best)
        assert await parent.files.read_text("out.txt") == "4"
        kept = await parent.run_code("x")
        assert kept.result == {"text/plain": "1"}, "the parent's interpreter goes on"
        assert (await best.info()).cause == "merged"
        await parent.merge(branches[1].id)
        assert await parent.files.read_text("out.txt") == "1"
        await branches[0].terminate()


@pytest.mark.anyio
async def test_a_fork_knows_its_template_and_its_trace_without_being_asked_and_carries_on_in_its_parents(
    client: AsyncClient,
) -> None:
    async with await client.create_sandbox("bash") as parent:
        [child] = await parent.fork()
        info = await child.info()
        assert (child.template, child.trace_id) == (info.template, info.trace_id)
        assert (info.parent_id, info.source) == (parent.id, "snapshot")
        assert (await parent.info()).parent_id is None
        assert (await child.commands.run("true")).trace_id == parent.trace_id
        await child.terminate()


@pytest.mark.anyio
async def test_what_cannot_be_is_said_by_the_errors_code(client: AsyncClient) -> None:
    async with await client.create_sandbox("bash") as parent:
        with pytest.raises(InvalidRequestError):
            await parent.fork(33)
        with pytest.raises(InvalidRequestError):
            await parent.diff()
        with pytest.raises(SandboxNotFoundError):
            await parent.merge("sbx_00000000000000000000000000")
        await parent.terminate()
        with pytest.raises(SandboxEndedError):
            await parent.fork()


@pytest.mark.anyio
async def test_a_diff_lists_what_was_added_modified_and_removed_whichever_way_it_is_looked_at(
    client: AsyncClient,
) -> None:
    async with await client.create_sandbox("bash") as parent:
        await parent.files.write("kept.txt", "kept\n")
        await parent.files.write("old.txt", "old\n")
        [child] = await parent.fork()
        await child.commands.run("echo new > new.txt; echo more >> kept.txt; rm old.txt; mkdir dir")
        new, kept, old = (
            ["/workspace/dir", "/workspace/new.txt"],
            ["/workspace/kept.txt"],
            ["/workspace/old.txt"],
        )
        assert await child.diff() == SandboxDiff(parent.id, new, kept, old, False)
        assert await parent.diff(child) == SandboxDiff(child.id, old, kept, new, False)
        await child.terminate()


@pytest.mark.anyio
async def test_a_fork_keeps_its_connections_when_its_parent_has_ended(daemon: Daemon) -> None:
    parent = await AsyncSandbox.create("bash", base_url=daemon.url, api_key=daemon.api_key)
    await parent.files.write("large.bin", bytes(20_000_000))
    [fork] = await parent.fork()
    size = 0
    async for piece in fork.files.read_stream("large.bin"):
        if size == 0:
            await parent.terminate()
        size += len(piece)
    assert size == 20_000_000
    await fork.terminate()
