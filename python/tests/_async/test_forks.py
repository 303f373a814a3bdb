from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sandglass import InvalidRequestError, SandboxNotFoundError
from sandglass._async.client import AsyncClient
from sandglass._async.sandbox import AsyncSandbox
from tests.support.daemon import Daemon


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(daemon.url, daemon.api_key) as made:
        yield made


@pytest.fixture
async def parent(client: AsyncClient) -> AsyncIterator[AsyncSandbox]:
    async with await client.create_sandbox("bash", metadata={"of": "test"}, env={"WAY": "none"}) as made:
        await made.files.write("kept.txt", "kept\n")
        await made.files.write("old.txt", "old\n")
        yield made


def in_workspace(paths: list[str]) -> list[str]:
    return [path for path in paths if path.startswith("/workspace/")]


@pytest.mark.anyio
async def test_forks_have_the_files_and_settings_of_their_parent_and_go_their_own_ways(
    parent: AsyncSandbox,
) -> None:
    one, other = await parent.fork(2)
    await one.files.write("kept.txt", "mine\n")
    assert await other.files.read_text("kept.txt") == "kept\n"
    assert await parent.files.read_text("kept.txt") == "kept\n"
    assert (await other.commands.run("echo $WAY")).stdout == "none\n"
    info = await other.info()
    assert (info.parent_id, info.source, info.template) == (parent.id, "snapshot", "bash")
    assert (info.metadata, info.trace_id) == ({"of": "test"}, other.trace_id)
    assert (await parent.info()).parent_id is None
    for fork in (one, other):
        await fork.terminate()


@pytest.mark.anyio
async def test_a_diff_lists_what_was_added_modified_and_removed_against_the_parent_or_another_sandbox(
    parent: AsyncSandbox,
) -> None:
    one, other = await parent.fork(2)
    await one.commands.run("echo new > new.txt; echo more >> kept.txt; rm old.txt; mkdir dir")
    diff = await one.diff()
    assert (diff.against, diff.truncated) == (parent.id, False)
    assert in_workspace(diff.added) == ["/workspace/dir", "/workspace/new.txt"]
    assert in_workspace(diff.modified) == ["/workspace/kept.txt"]
    assert in_workspace(diff.removed) == ["/workspace/old.txt"]
    back = await other.diff(one)
    assert (back.against, in_workspace(back.removed)) == (one.id, ["/workspace/dir", "/workspace/new.txt"])
    assert await other.diff(one.id) == back
    for fork in (one, other):
        await fork.terminate()


@pytest.mark.anyio
async def test_a_merge_takes_over_the_files_of_the_winner_which_ends(parent: AsyncSandbox) -> None:
    one, other = await parent.fork(2)
    await one.commands.run("echo new > new.txt; rm old.txt")
    await parent.merge(one)
    assert await parent.files.read_text("new.txt") == "new\n"
    assert not await parent.files.exists("old.txt")
    ended = await one.info()
    assert (ended.state, ended.cause) == ("terminated", "merged")
    await other.files.write("last.txt", "last\n")
    await parent.merge(other.id)
    assert await parent.files.read_text("last.txt") == "last\n"


@pytest.mark.anyio
async def test_what_cannot_be_forked_compared_or_merged_says_why(parent: AsyncSandbox) -> None:
    for n in (0, 33):
        with pytest.raises(InvalidRequestError):
            await parent.fork(n)
    with pytest.raises(InvalidRequestError) as refused:
        await parent.diff()
    assert "against" in f"{refused.value}"
    with pytest.raises(SandboxNotFoundError):
        await parent.merge("sbx_00000000000000000000000000")


@pytest.mark.anyio
async def test_a_fork_keeps_its_connections_when_its_parent_has_ended(daemon: Daemon) -> None:
    async with AsyncSandbox("bash", base_url=daemon.url, api_key=daemon.api_key) as parent:
        [fork] = await parent.fork()
    async with fork:
        assert (await fork.commands.run("echo here")).stdout == "here\n"
    assert (await fork.info()).cause == "user"
