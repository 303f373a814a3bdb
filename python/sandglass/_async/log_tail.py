"""Log records as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from .._call import Call
from .._decode import decode
from .._later import models
from .._ndjson import NdjsonParser
from ..errors import StreamError
from .transport import AsyncTransport

if TYPE_CHECKING:
    from ..models import LogLine


async def tail_logs(transport: AsyncTransport, call: Call) -> AsyncGenerator[LogLine, None]:
    """A stream has no place to be picked up at, so a connection that ends is an error and not a hole that nobody sees: what came meanwhile
    is in the list."""
    import httpx

    from .exchange import chunks_of, close_response

    call.operation = operation = transport.begin(call)
    response: httpx.Response | None = None
    since: str | None = None
    cause: BaseException | None = None
    try:
        response = await transport.stream(call)
        chunks = chunks_of(response)
        parser = NdjsonParser()
        while True:
            try:
                arrived = parser.push(await chunks.__anext__())
            except StopAsyncIteration:
                break
            except (httpx.HTTPError, httpx.StreamError) as error:
                cause = error
                break
            for line in arrived:
                if "missed" in line:
                    yield decode(models.MissedLogs, line)
                    continue
                since = line["timestamp"]
                yield decode(models.LogEntry, line)
        hint = (
            "is the daemon running? follow again"
            if since is None
            else f'what came meanwhile is in logs.list(since="{since}"); follow again'
        )
        raise StreamError("the stream of log records broke", hint=hint) from cause
    except Exception as error:
        operation.fail(error)
        raise
    finally:
        operation.end()
        if response is not None:
            await close_response(response)
