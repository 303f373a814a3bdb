from __future__ import annotations

import io
import re
import secrets
from collections.abc import AsyncIterator

import pytest

from sandglass import (
    ExecEndedError,
    FileNotFoundError,
    OutputEvent,
    SandboxEndedError,
    SandboxNotFoundError,
    StreamEvent,
    UnauthorizedError,
)
from sandglass._async.client import AsyncClient
from sandglass._async.runtime import AsyncBackground, sleep
from sandglass._async.sandbox import AsyncSandbox
from tests.support.daemon import Daemon


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(daemon.url, daemon.api_key) as made:
        yield made


@pytest.fixture
async def shared(client: AsyncClient) -> AsyncIterator[AsyncSandbox]:
    async with await client.create_sandbox("python") as made:
        yield made


@pytest.mark.anyio
async def test_cells_share_variables_the_last_expression_is_the_result_an_exception_is_an_outcome(
    shared: AsyncSandbox,
) -> None:
    first = await shared.run_code("x = 6\nprint('ready')")
    assert (first.stdout, first.exit_code, first.cause, first.result) == ("ready\n", 0, "exited", None)
    second = await shared.run_code("x * 7")
    assert second.result == {"text/plain": "42"}
    broken = await shared.run_code("1 / 0")
    assert broken.exit_code != 0
    assert "ZeroDivisionError" in broken.stderr
    assert (await shared.run_code("x")).result == {"text/plain": "6"}, "the context survived"


@pytest.mark.anyio
async def test_a_stream_yields_typed_lines_without_gaps_the_exit_last(shared: AsyncSandbox) -> None:
    events: list[StreamEvent] = []
    async for event in shared.run_code_stream("for i in range(3): print(i)\n'end'"):
        events.append(event)
    assert [event.seq for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "exit" and last.code == 0 and last.cause == "exited"
    assert any(event.type == "result" and event.data["text/plain"] == "'end'" for event in events)


@pytest.mark.anyio
async def test_handlers_hear_of_output_while_it_is_written_and_of_where_it_runs_before(
    shared: AsyncSandbox,
) -> None:
    heard: list[str] = []

    async def on_stderr(text: str, _: OutputEvent) -> None:
        heard.append(f"err {text}")

    result = await shared.commands.run(
        "echo out; echo err >&2",
        on_start=lambda exec_id, _: heard.append(exec_id),
        on_stdout=lambda text, _: heard.append(f"out {text}"),
        on_stderr=on_stderr,
    )
    assert heard[0] == result.exec_id
    assert sorted(heard[1:]) == ["err err\n", "out out\n"]


@pytest.mark.anyio
async def test_a_command_takes_argv_cwd_env_and_stdin_and_gives_back_its_code(shared: AsyncSandbox) -> None:
    await shared.files.mkdir("deep/er")
    line = await shared.commands.run(
        'pwd; echo "$GREETING"; cat; exit 7',
        cwd="/workspace/deep/er",
        env={"GREETING": "hi $HOME"},
        stdin="from stdin",
    )
    assert line.stdout == "/workspace/deep/er\nhi $HOME\nfrom stdin"
    assert line.exit_code == 7
    argv = await shared.commands.run(["printf", "%s|", "a b", "$HOME", "*"])
    assert argv.stdout == "a b|$HOME|*|"
    hello = await shared.commands.run("echo 'Hello World!'")
    assert repr(hello) == "stdout='Hello World!\\n' stderr='' exit_code=0"


@pytest.mark.anyio
async def test_bytes_that_are_not_utf8_come_back_exactly(shared: AsyncSandbox) -> None:
    program = "import sys; sys.stdout.buffer.write(bytes(range(256)))"
    result = await shared.commands.run(["python3", "-c", program])
    assert result.stdout_bytes == bytes(range(256))


@pytest.mark.anyio
async def test_an_exec_that_runs_out_of_time_or_is_killed_says_so(shared: AsyncSandbox) -> None:
    slow = await shared.commands.run(["sleep", "100"], timeout_ms=200)
    assert slow.cause == "timed_out"
    assert "cause='timed_out'" in repr(slow)
    ids: list[str] = []
    said: list[str] = []

    async def work() -> None:
        result = await shared.commands.run(
            ["sh", "-c", "echo up; exec sleep 100"],
            on_start=lambda exec_id, _: ids.append(exec_id),
            on_stdout=lambda text, _: said.append(text),
        )
        ended.append((result.cause, result.signal, result.exit_code))

    ended: list[tuple[str, str | None, int]] = []
    running = AsyncBackground(work)
    # Before that there is nothing that a signal could end.
    while not said:
        await sleep(0.01)
    await shared.execs.kill(ids[0], signal="SIGTERM")
    await running.wait()
    assert ended == [("killed", "SIGTERM", 143)]
    with pytest.raises(ExecEndedError):
        await shared.execs.kill(ids[0])


@pytest.mark.anyio
async def test_an_exec_can_be_listed_described_and_replayed_from_any_line_on(shared: AsyncSandbox) -> None:
    exec_id = (await shared.commands.run("echo a; sleep 0.05; echo b")).exec_id
    page = await shared.execs.list(limit=5)
    assert exec_id in [item.id for item in page.items]
    described = await shared.execs.get(exec_id)
    assert (described.kind, described.cause, described.exit_code) == ("command", "exited", 0)
    whole = [event async for event in shared.execs.stream(exec_id)]
    rest = [event async for event in shared.execs.stream(exec_id, after=0)]
    assert rest == whole[1:]


@pytest.mark.anyio
async def test_files_of_any_bytes_and_names_go_up_and_come_down_and_are_listed_moved_and_removed(
    shared: AsyncSandbox,
) -> None:
    files = shared.files
    content = secrets.token_bytes(3_000_000)
    name = "data/ä b#?%.bin"
    written = await files.write(name, iter([content[:999], content[999:]]), mode=0o600)
    assert written.path == f"/workspace/{name}"
    assert await files.read(f"/workspace/{name}") == content
    pieces = [piece async for piece in files.read_stream(name)]
    assert b"".join(pieces) == content

    stat = await files.stat(name)
    assert (stat.size_bytes, stat.type, stat.mode) == (3_000_000, "file", 0o600)
    await files.write("file object.bin", io.BytesIO(content))
    assert await files.read("file object.bin") == content
    await files.write("empty.txt", "")
    assert await files.read_text("empty.txt") == ""
    await files.move("empty.txt", "data/moved.txt")
    assert sorted(item.name for item in await files.list("data")) == ["moved.txt", "ä b#?%.bin"]
    assert await files.exists("empty.txt") is False
    with pytest.raises(FileNotFoundError):
        await files.read_text("empty.txt")
    await files.remove("data", recursive=True)
    assert await files.exists("data") is False


@pytest.mark.anyio
async def test_a_path_outside_the_working_directory_is_the_sandboxs_never_the_hosts(
    shared: AsyncSandbox,
) -> None:
    await shared.files.write("/tmp/of-sandbox.txt", "x")
    assert await shared.files.read_text("../tmp/of-sandbox.txt") == "x"
    assert (await shared.commands.run(["cat", "/tmp/of-sandbox.txt"])).stdout == "x"


@pytest.mark.anyio
async def test_a_sandbox_pauses_resumes_is_found_by_its_id_and_ends_once(client: AsyncClient) -> None:
    sandbox = await AsyncSandbox.create("bash", client=client, metadata={"of": "test"})
    assert (await sandbox.pause()).state == "paused"
    assert (await sandbox.resume()).state == "running"
    again = await AsyncSandbox.connect(sandbox.id, client=client)
    assert (await again.info()).metadata == {"of": "test"}
    await sandbox.kill()
    await again.aclose()
    info = await sandbox.info()
    assert (info.state, info.cause) == ("terminated", "user")
    with pytest.raises(SandboxEndedError):
        await sandbox.run_code("1")
    page = await client.sandboxes.list(ended=True, limit=100)
    assert sandbox.id in [item.id for item in page.items]
    with pytest.raises(SandboxNotFoundError):
        await client.sandboxes.get("sbx_00000000000000000000000000")


@pytest.mark.anyio
async def test_a_block_creates_the_sandbox_at_its_beginning_and_ends_it_at_its_end(
    daemon: Daemon, client: AsyncClient
) -> None:
    async with AsyncSandbox(template="bash", base_url=daemon.url, api_key=daemon.api_key) as sandbox:
        assert (await sandbox.info()).state == "running"
    assert (await client.sandboxes.get(sandbox.id)).state == "terminated"
    lazy = AsyncSandbox("bash", client=client)
    assert (await lazy.commands.run("echo $((6 * 7))")).stdout == "42\n"
    await lazy.terminate()
    assert (await lazy.info()).state == "terminated"


@pytest.mark.anyio
async def test_the_key_is_found_in_the_credentials_file_that_the_daemon_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Daemon(api_key="") as own:
        monkeypatch.setenv("SANDGLASS_CREDENTIALS", str(own.credentials_file))
        monkeypatch.setenv("SANDGLASS_URL", own.url)
        async with AsyncSandbox("bash") as sandbox:
            assert (await sandbox.commands.run("echo ok")).stdout == "ok\n"


@pytest.mark.anyio
async def test_the_callers_trace_reaches_the_process_inside_and_the_trace_can_be_read_back(
    client: AsyncClient,
) -> None:
    trace_id = secrets.token_hex(16)
    traceparent = f"00-{trace_id}-00f067aa0ba902b7-01"
    async with AsyncSandbox("bash", client=client, traceparent=traceparent, baggage="user=ann") as sandbox:
        result = await sandbox.commands.run('echo "$TRACEPARENT $BAGGAGE"')
    assert re.fullmatch(rf"00-{trace_id}-[0-9a-f]{{16}}-01 user=ann\n", result.stdout)
    assert (sandbox.trace_id, result.trace_id) == (trace_id, trace_id)
    spans = (await client.traces.get(trace_id)).spans
    inside = next(span for span in spans if span.name == "sandbox.execute")
    assert inside.span_id == result.stdout.split("-")[2]
    assert next(span for span in spans if span.span_id == inside.parent_span_id).name == "http_request"


@pytest.mark.anyio
async def test_a_runs_tool_call_is_above_what_it_did_in_a_sandbox(client: AsyncClient) -> None:
    async with client.run("analyst") as run:
        async with await run.sandboxes.create("bash") as sandbox:
            await run.tool("shell", {}, lambda _: sandbox.commands.run(["true"]))
        run.llm("m", input_tokens=3, output_tokens=4, cost_usd=0.25)
    spans = (await client.traces.get(run.trace_id)).spans
    by_id = {span.span_id: span for span in spans}
    path: list[str] = []
    span = next((span for span in spans if span.name == "sandbox.execute"), None)
    while span is not None:
        path.append(span.name)
        span = by_id.get(span.parent_span_id)
    assert path[:3] == ["sandbox.execute", "http_request", "agent.tool_call"]
    assert path[3].startswith("invoke_agent")
    ends = [event async for event in client.events(run_id=run.run_id, types=["run.completed"])]
    assert ends[0].type == "run.completed" and ends[0].data["costUsd"] == 0.25


@pytest.mark.anyio
async def test_the_record_is_read_and_followed(client: AsyncClient, shared: AsyncSandbox) -> None:
    for _ in range(3):
        await shared.commands.run(["true"])
    seen: list[int] = []
    async for event in client.events(sandbox_id=shared.id, follow=True):
        assert event.type != "gap"
        seen.append(event.seq)
        if len(seen) == 5:
            break
    assert seen == [1, 2, 3, 4, 5]
    types = {event.type async for event in client.events(sandbox_id=shared.id, types=["exec.completed"])}
    assert types == {"exec.completed"}


@pytest.mark.anyio
async def test_a_key_that_is_revoked_stops_working(daemon: Daemon, client: AsyncClient) -> None:
    made = await client.keys.create("short-lived")
    assert made.key not in repr(made)
    async with AsyncClient(daemon.url, made.key) as other:
        assert made.id in [entry.id for entry in await other.keys.list()]
        await client.keys.revoke(made.id)
        with pytest.raises(UnauthorizedError):
            await other.keys.list()


@pytest.mark.anyio
async def test_what_the_host_enforces_and_delivers_can_be_asked_for(client: AsyncClient) -> None:
    report = await client.doctor()
    assert report.checks and report.version
    assert [exporter.id for exporter in await client.exporters.list()] == []
