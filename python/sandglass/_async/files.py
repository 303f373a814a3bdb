"""Files of one sandbox."""

from __future__ import annotations

import posixpath
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from .._call import WORKING_DIRECTORY
from .._decode import decode
from .._later import models
from ..errors import FileNotFoundError
from .runtime import FileContent, upload
from .source import AsyncSourceRef

if TYPE_CHECKING:
    from ..models import FileInfo


class AsyncFiles:
    """Paths are resolved inside the sandbox, relative ones from `/workspace`; content is bytes, never interpreted.

    Every method raises FileNotFoundError, FileConflictError (e.g. a directory where a file is meant), FileError and DiskFullError
    of `sandglass`.
    """

    def __init__(self, ref: AsyncSourceRef) -> None:
        self._ref = ref

    async def read(self, path: str) -> bytes:
        """The whole file."""
        source = await self._ref.get()
        call = source.call("readFile", path=path)
        # As long as it takes: a download is as large as the file.
        call.timeout_ms = 0
        return (await source.transport.whole(call)).body

    async def read_text(self, path: str) -> str:
        """The whole file as UTF-8 text; what is not UTF-8 reads as U+FFFD."""
        return (await self.read(path)).decode("utf-8", "replace")

    async def read_stream(self, path: str) -> AsyncGenerator[bytes, None]:
        """The file in pieces, of any size without memory growth. An early end of the connection is an error, so what ended well is
        complete.

        Example:
            async for piece in sandbox.files.read_stream("model.bin"):
                local.write(piece)
        """
        source = await self._ref.get()
        call = source.call("readFile", path=path)
        call.timeout_ms = 0
        call.operation = operation = source.transport.begin(call)
        try:
            response = await source.transport.stream(call)
            from .exchange import chunks_of, close_response, to_connection_error

            try:
                async for chunk in chunks_of(response):
                    yield chunk
            except Exception as error:
                said = to_connection_error(error, source.transport.base_url)
                if said is error:
                    raise
                raise said from error
            finally:
                await close_response(response)
        except Exception as error:
            operation.fail(error)
            raise
        finally:
            operation.end()

    async def write(self, path: str, content: FileContent, *, mode: int | None = None) -> FileInfo:
        """Writes a file, replacing what was there; parent directories are made.

        Args:
            content: text, bytes, a file object, or an iterable of pieces
            mode: permission bits, e.g. 0o755

        Example:
            with open("local.csv", "rb") as file:
                await sandbox.files.write("data.csv", file)
        """
        source = await self._ref.get()
        call = source.call("writeFile", path=path)
        call.query = {"mode": None if mode is None else f"{mode:03o}"}
        call.content = upload(content)
        # As long as it takes: an upload is as large as the caller's file.
        call.timeout_ms = 0
        return decode(models.FileInfo, await source.transport.json(call))

    async def list(self, path: str = ".") -> list[FileInfo]:
        """A directory's entries, sorted by name. Default: the working directory."""
        source = await self._ref.get()
        call = source.call("listFiles")
        call.query = {"path": path}
        return [decode(models.FileInfo, item) for item in (await source.transport.json(call))["items"]]

    async def stat(self, path: str) -> FileInfo:
        """Size, kind and permissions; `modified_at` in whole seconds."""
        # Half of what importing the package would take, for one header of one call.
        from email.utils import parsedate_to_datetime

        source = await self._ref.get()
        headers = (await source.transport.whole(source.call("statFile", path=path))).headers
        absolute = posixpath.normpath(posixpath.join(WORKING_DIRECTORY, path))
        modified = parsedate_to_datetime(headers.get("last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"))
        kind: Any = headers.get("x-file-type", "other")
        return models.FileInfo(
            name=posixpath.basename(absolute),
            path=absolute,
            type=kind,
            size_bytes=int(headers.get("content-length", "0")),
            mode=int(headers.get("x-file-mode", "0"), 8),
            modified_at=modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        )

    async def exists(self, path: str) -> bool:
        """Whether there is something at this path."""
        source = await self._ref.get()
        call = source.call("statFile", path=path)
        call.name, call.expects = "files.exists", "FILE_NOT_FOUND"
        try:
            await source.transport.whole(call)
        except FileNotFoundError:
            return False
        return True

    async def mkdir(self, path: str) -> FileInfo:
        """Makes a directory and its parents; one that exists is no error."""
        return decode(models.FileInfo, await self._ref.json("makeDirectory", json={"path": path}))

    async def move(self, source: str, destination: str) -> FileInfo:
        """Moves or renames."""
        json = {"from": source, "to": destination}
        return decode(models.FileInfo, await self._ref.json("moveFile", json=json))

    async def remove(self, path: str, *, recursive: bool = False) -> None:
        """Removes a file or an empty directory; with `recursive`, a directory and all in it."""
        source = await self._ref.get()
        call = source.call("deleteFile", path=path)
        call.query = {"recursive": True if recursive else None}
        await source.transport.json(call)
