from __future__ import annotations

import io
from collections.abc import AsyncIterator

import pytest

from sandglass import ConnectionError, FileError, FileInfo
from sandglass._async.client import AsyncClient
from sandglass._async.sandbox import AsyncSandbox
from tests.support.scripted_server import Response, ScriptedServer, SeenRequest, with_sandbox


async def sandbox_on(server: ScriptedServer) -> AsyncSandbox:
    return await AsyncClient(server.url, "k").create_sandbox()


def written(_: SeenRequest, response: Response, __: int) -> None:
    response.json({}, 201)


@pytest.mark.anyio
async def test_text_bytes_iterables_and_file_objects_are_written_as_their_bytes_with_the_mode_in_octal() -> (
    None
):
    async def pieces() -> AsyncIterator[str | bytes]:
        yield "ä"
        yield b"b"

    with ScriptedServer(with_sandbox(written)) as server:
        sandbox = await sandbox_on(server)
        await sandbox.files.write("/workspace/run.sh", "echo ä", mode=0o755)
        await sandbox.files.write("b", bytearray([104, 105]))
        await sandbox.files.write("c", pieces())
        await sandbox.files.write("d", ["x", b"y"])
        await sandbox.files.write("e", io.StringIO("zä"))
        _, first, second, third, fourth, fifth = server.requests
        assert first.url.split("/files/")[1] == "%2Fworkspace/run.sh?mode=755"
        bodies = [request.body.decode() for request in (first, second, third, fourth, fifth)]
        assert bodies == ["echo ä", "hi", "äb", "xy", "zä"]
        assert third.headers["transfer-encoding"] == "chunked"


@pytest.mark.anyio
async def test_a_source_that_fails_while_it_is_uploaded_raises_its_own_error() -> None:
    class OfMineError(Exception):
        pass

    async def pieces() -> AsyncIterator[str]:
        yield "a"
        raise OfMineError

    with ScriptedServer(with_sandbox(written)) as server:
        sandbox = await sandbox_on(server)
        with pytest.raises(OfMineError):
            await sandbox.files.write("c", pieces())


@pytest.mark.anyio
async def test_a_download_that_ends_early_is_an_error_never_a_short_file() -> None:
    def script(_: SeenRequest, response: Response, __: int) -> None:
        response.begin(200, {"content-length": "10"})
        response.write("01234")
        response.destroy()

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        chunks: list[bytes] = []
        with pytest.raises(ConnectionError):
            async for chunk in sandbox.files.read_stream("f"):
                chunks.append(chunk)
        assert b"".join(chunks) == b"01234"
        with pytest.raises(ConnectionError):
            await sandbox.files.read("f")


@pytest.mark.anyio
async def test_stat_reads_the_headers_and_a_path_without_a_file_does_not_exist() -> None:
    def script(request: SeenRequest, response: Response, _: int) -> None:
        if request.url.endswith("gone"):
            return response.begin(404, {"x-error-code": "FILE_NOT_FOUND"})
        if request.url.endswith("closed"):
            return response.begin(422, {"x-error-code": "FILE_ERROR"})
        about = {"content-length": "1234", "x-file-type": "file", "x-file-mode": "0755"}
        return response.begin(200, {**about, "last-modified": "Tue, 02 Jun 2026 10:00:00 GMT"})

    with ScriptedServer(with_sandbox(script)) as server:
        sandbox = await sandbox_on(server)
        assert await sandbox.files.stat("data/a.csv") == FileInfo(
            name="a.csv",
            path="/workspace/data/a.csv",
            type="file",
            size_bytes=1234,
            mode=0o755,
            modified_at="2026-06-02T10:00:00.000Z",
        )
        assert await sandbox.files.exists("a") is True
        assert await sandbox.files.exists("gone") is False
        with pytest.raises(FileError):
            await sandbox.files.exists("closed")
