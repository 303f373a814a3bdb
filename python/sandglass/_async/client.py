"""A connection to one daemon."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._call import Call
from .._content import DEFAULT_MAX_BYTES, Content
from .._credentials import resolve_api_key, resolve_base_url, resolve_ca_file
from .._decode import decode
from .._later import models
from .._options import CreateSandboxOptions
from .._otel.instruments import Instruments
from .._otel.private_provider import provider_loader
from .._tracing import Tracing, checked_trace, environment_trace
from .._version import VERSION
from ..errors import InvalidRequestError
from .events import read_events
from .exporters import AsyncExporters
from .keys import AsyncKeys
from .logs import AsyncLogs
from .metrics import AsyncMetrics
from .recorded_runs import AsyncRecordedRuns
from .runs import AsyncRun
from .runtime import shared_clients
from .sandboxes import AsyncSandboxes
from .status import AsyncStatus
from .traces import AsyncTraces
from .transport import AsyncTransport

if TYPE_CHECKING:
    import httpx
    from typing_extensions import Self, Unpack

    from ..models import ConsoleLink, DoctorReport, EventLine, Level
    from .sandbox import AsyncSandbox


class AsyncClient:
    """Shared by any number of sandboxes. Makes no request until asked to.

    Example:
        async with AsyncClient("http://127.0.0.1:7070") as client:
            async with await client.create_sandbox("python") as sandbox:
                print(await sandbox.run_code("1 + 1"))
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        traceparent: str | None = None,
        tracestate: str | None = None,
        baggage: str | None = None,
        request_timeout_ms: float | None = None,
        connect_timeout_ms: float | None = None,
        stream_retries: int | None = None,
        sdk_otel_enabled: bool | None = None,
        ca: str | None = None,
        ca_file: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Args:
            base_url: default: `SANDGLASS_URL`, else `http://127.0.0.1:7070`
            api_key: default: `SANDGLASS_API_KEY`, else the key that the daemon of the same user keeps in the credentials file
            traceparent: W3C; the parent of calls that have no nearer one. Default: `SANDGLASS_TRACEPARENT`
            request_timeout_ms: until an answer is complete, or has begun where it is a stream; 0 is unlimited. Default 60,000
            connect_timeout_ms: until a connection stands; 0 leaves it to the system. Default 10,000
            stream_retries: how often in a row, with growing waits, a broken stream is picked up again. Default 12: about twenty seconds
            sdk_otel_enabled: sends the client's own spans and durations over OTLP, as the `OTEL_EXPORTER_OTLP_*` variables say, where the
                program has registered no OpenTelemetry provider of its own: that one always wins. Default: `SANDGLASS_SDK_OTEL_ENABLED`,
                else whether `OTEL_EXPORTER_OTLP_ENDPOINT` is set
            ca: certificates of authorities to trust beside those of the system, in PEM form: for a daemon whose certificate is of an
                authority of your own
            ca_file: a file that holds them. Default: `SANDGLASS_CA_FILE`, unless `ca` is given
            transport: of httpx, to send the requests another way: `httpx.AsyncHTTPTransport(proxy="http://…")`, or `httpx.MockTransport` in
                tests. It knows itself whom to trust, and is closed with the client. Default: one of its own, which uses no proxy

        Raises:
            InvalidRequestError: where the base URL is none, the file of authorities cannot be read, or one is given beside a transport
        """
        if transport is not None and (ca is not None or ca_file is not None):
            raise InvalidRequestError(
                "ca and ca_file are of no use beside a transport", hint="give the transport's `verify` them"
            )
        self.base_url = resolve_base_url(base_url)
        self._given_key = api_key
        self._found_key: str | None = None
        self._instruments = Instruments(provider_loader(sdk_otel_enabled))
        self._transport = AsyncTransport(
            base_url=self.base_url,
            api_key=self._api_key,
            user_agent=f"sandglass-python/{VERSION} python/{sys.version.split()[0]}",
            request_timeout_ms=request_timeout_ms,
            connect_timeout_ms=connect_timeout_ms,
            stream_retries=stream_retries,
            ca=ca,
            ca_file=None if ca_file is None and (ca, transport) != (None, None) else resolve_ca_file(ca_file),
            instruments=self._instruments,
            http=transport,
        )
        fallback = checked_trace(traceparent, tracestate, baggage) or environment_trace()
        self._tracing = Tracing(fallback=fallback)
        self.sandboxes = AsyncSandboxes(self._transport, self._tracing)
        self.keys = AsyncKeys(self._transport)
        #: Agent runs as they are in the record; `run` opens one.
        self.runs = AsyncRecordedRuns(self._transport)
        #: Where the daemon delivers events to.
        self.exporters = AsyncExporters(self._transport)
        self.traces = AsyncTraces(self._transport)
        self.logs = AsyncLogs(self._transport)
        self.metrics = AsyncMetrics(self._transport)
        #: How the service is, and its status page.
        self.status = AsyncStatus(self._transport)

    def _api_key(self) -> str | None:
        if self._found_key is None:
            self._found_key = resolve_api_key(self.base_url, self._given_key)
        return self._found_key

    async def create_sandbox(
        self, template: str | None = None, **options: Unpack[CreateSandboxOptions]
    ) -> AsyncSandbox:
        """Short for `client.sandboxes.create(template, …)`."""
        return await self.sandboxes.create(template, **options)

    def events(
        self,
        *,
        types: Sequence[str] | None = None,
        min_level: Level | None = None,
        sandbox_id: str | None = None,
        run_id: str | None = None,
        trace_id: str | None = None,
        after: str | None = None,
        last: int | None = None,
        search: str | None = None,
        follow: bool = False,
        limit: int | None = None,
        on_connection: Callable[[bool], object] | None = None,
    ) -> AsyncGenerator[EventLine, None]:
        """The record: every event, in order, each with the `cursor` to continue behind it. With `follow` it stays, yields what happens from
        now on, and survives broken connections.

        Args:
            types: patterns as `exec.*`, `sandbox.created`, `!exec.streamed`; default all
            min_level: this level and the more severe ones
            after: a `cursor` of an earlier line: what comes behind it. Default: from the beginning of what is kept
            last: instead of `after`: begin with the last so many that the filters let through, 1 to 100,000
            search: words of their texts, all of them: `word`, `begin*`, `"a phrase"`, `-not`. No more than 10,000 events, and not with `follow`
            limit: ends after so many events
            on_connection: told False when the connection broke and is being made again, and True when it stands: what came meanwhile comes then

        Raises:
            StreamError: where the daemon stays away for longer than the bounded tries

        Example:
            async for event in client.events(types=["exec.*"], follow=True):
                print(event.type)
        """
        return read_events(
            self._transport,
            types=types,
            min_level=min_level,
            sandbox_id=sandbox_id,
            run_id=run_id,
            trace_id=trace_id,
            after=after,
            last=last,
            search=search,
            follow=follow,
            limit=limit,
            on_connection=on_connection,
        )

    def run(
        self,
        name: str,
        *,
        agent: str | None = None,
        metadata: Mapping[str, str] | None = None,
        capture_content: bool = False,
        redact: Sequence[re.Pattern[str] | str] | None = None,
        max_content_bytes: int = DEFAULT_MAX_BYTES,
    ) -> AsyncRun:
        """An agent run, opened when its block is entered, or by `start`. Its sandboxes, tool calls and model calls become one trace.

        Args:
            capture_content: record thoughts, arguments and results of tools, and messages of errors too, not only names, times, sizes and
                kinds of errors
            redact: what is replaced by `[redacted]` in all that is captured, before it leaves the process: expressions, and strings as they
                are; `SECRET_PATTERNS` where it is None
            max_content_bytes: the most of one text that is recorded, in UTF-8; what is cut says so. 0 to 245,760

        Example:
            async with client.run("analyst") as run:
                sandbox = await run.sandboxes.create("python")
        """
        content = Content(capture_content, redact, max_content_bytes)
        return AsyncRun(self._transport, self._tracing, name, agent, metadata, content)

    async def doctor(self) -> DoctorReport:
        """What the host enforces, and the daemon's configuration."""
        return decode(models.DoctorReport, await self._transport.json(Call("doctor", tracing=self._tracing)))

    async def console_link(self) -> ConsoleLink:
        """A way into the web console with this client's key: good for one use, within a minute. Whoever opens it acts as the key."""
        link = await self._transport.json(Call("createConsoleLink"))
        return models.ConsoleLink(self.base_url + link["path"], link["expiresAt"])

    async def aclose(self) -> None:
        """Closes the connections; what is under way fails. Sends what telemetry of its own the client still holds."""
        await self._transport.aclose()
        self._instruments.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncClient {self.base_url}>"


_users: dict[AsyncClient, int] = {}


def acquire_client(chosen: Mapping[str, Any]) -> AsyncClient:
    """One client for all sandboxes of equal choice: their connections are reused."""
    options = {**chosen, "base_url": resolve_base_url(chosen.get("base_url"))}
    name = json.dumps(options, sort_keys=True)
    clients = shared_clients()
    return share_client(clients.get(name) or clients.setdefault(name, AsyncClient(**options)))


def share_client(client: AsyncClient) -> AsyncClient:
    """For one more sandbox, which lets go of it by itself."""
    _users[client] = _users.get(client, 0) + 1
    return client


async def release_client(client: AsyncClient) -> None:
    """The last sandbox that lets go of it closes its connections; it can be used on, with new ones."""
    users = _users.pop(client, 1) - 1
    if users > 0:
        _users[client] = users
    else:
        await client._transport.release()
