"""One sandbox."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._call import FORK_TIMEOUT_MS
from .._decode import decode, wire
from .._later import models
from .._options import CreateSandboxOptions, create_request
from .._trace_context import parse_traceparent
from ..errors import InvalidRequestError
from ..stream_events import ExecResult, StreamEvent
from .client import AsyncClient, acquire_client, release_client, share_client
from .commands import AsyncCommands
from .exec import AsyncExecHandlers, collect_exec, stream_exec
from .execs import AsyncExecs
from .files import AsyncFiles
from .source import AsyncSourceRef, AsyncStreamSource

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from ..models import Language, SandboxDiff, SandboxInfo


class AsyncSandbox:
    """One sandbox, created when its block is entered, or else by the first call.

    Example:
        async with AsyncSandbox(template="python") as sandbox:
            result = await sandbox.run_code("print(6 * 7); 'done'")
            print(result.stdout, result.result)
    """

    def __init__(
        self,
        template: str | None = None,
        *,
        client: AsyncClient | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        request_timeout_ms: float | None = None,
        connect_timeout_ms: float | None = None,
        stream_retries: int | None = None,
        sdk_otel_enabled: bool | None = None,
        ca: str | None = None,
        ca_file: str | None = None,
        **options: Unpack[CreateSandboxOptions],
    ) -> None:
        """
        Args:
            template: default "python"
            client: a client shared by many sandboxes; else `base_url` and the like choose the daemon, and sandboxes of equal choice share one
            options: limits and the like; `traceparent` is carried by every call of this sandbox
        """
        create_request(template, options, None)  # A name that is none is better said here.
        self._template = template
        self._options = options
        self._given = client
        self._chosen = {
            "base_url": base_url,
            "api_key": api_key,
            "request_timeout_ms": request_timeout_ms,
            "connect_timeout_ms": connect_timeout_ms,
            "stream_retries": stream_retries,
            "sdk_otel_enabled": sdk_otel_enabled,
            "ca": ca,
            "ca_file": ca_file,
        }
        self._acquired: AsyncClient | None = None
        self._info: SandboxInfo | None = None
        self._join(AsyncSourceRef(None, self._create))

    @classmethod
    def _of(cls, info: SandboxInfo, source: AsyncStreamSource) -> Self:
        """One that exists."""
        sandbox = cls()
        sandbox._info = info
        sandbox._join(AsyncSourceRef(source))
        return sandbox

    def _join(self, ref: AsyncSourceRef) -> None:
        self._ref = ref
        #: Plain processes.
        self.commands = AsyncCommands(ref)
        #: What runs and ran in it.
        self.execs = AsyncExecs(ref)
        self.files = AsyncFiles(ref)

    @classmethod
    async def create(
        cls, template: str | None = None, *, client: AsyncClient | None = None, **options: Any
    ) -> Self:
        """Creates a sandbox at once; takes what the class takes. To be ended by `terminate`.

        Raises:
            TemplateNotFoundError, SandboxLimitReachedError, UnsupportedOnHostError, ConnectionError
        """
        sandbox = cls(template, client=client, **options)
        await sandbox._ref.get()
        return sandbox

    @classmethod
    async def connect(
        cls, id: str, *, client: AsyncClient | None = None, traceparent: str | None = None, **chosen: Any
    ) -> AsyncSandbox:
        """A sandbox that exists.

        Raises:
            SandboxNotFoundError: where there is none of that id
        """
        acquired = None if client is not None else acquire_client(chosen)
        try:
            sandbox = await (client or acquired).sandboxes.connect(id, traceparent=traceparent)  # type: ignore[union-attr]
        except BaseException:
            if acquired is not None:
                await release_client(acquired)
            raise
        sandbox._acquired = acquired
        return sandbox

    async def _create(self) -> AsyncStreamSource:
        client = self._given
        if client is None:
            client = self._acquired = acquire_client(self._chosen)
        try:
            self._info, source = await client.sandboxes._create(self._template, self._options)
        except BaseException:
            await self._release()
            raise
        return source

    @property
    def id(self) -> str:
        return self._created.id

    @property
    def trace_id(self) -> str:
        """The trace it was created in."""
        return self._created.trace_id

    @property
    def template(self) -> str:
        return self._created.template

    @property
    def _created(self) -> SandboxInfo:
        if self._info is None:
            raise InvalidRequestError(
                "the sandbox has not been created yet",
                hint="enter it in a `with` block, or make it by `create`",
            )
        return self._info

    async def run_code(
        self,
        code: str,
        *,
        language: Language | None = None,
        context_id: str | None = None,
        timeout_ms: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        **handlers: Unpack[AsyncExecHandlers],
    ) -> ExecResult:
        """Runs a cell in a persistent context and waits for its end. An exception in the code is a result (`exit_code`, `stderr`), not an
        error of this call. Interrupted (Ctrl-C, a cancelled task), it kills the cell.

        Args:
            language: default: what the sandbox's template is for
            context_id: cells of one context share variables and queue in order; default: one context a language
            timeout_ms: until the cell is ended with cause `timed_out`; default: the daemon's
            env: for this cell only

        Example:
            (await sandbox.run_code("df.describe()")).result["text/plain"]
        """
        cell = _cell(code, language, context_id, timeout_ms, env, cwd)
        return await collect_exec(self._ref, cell, handlers)

    def run_code_stream(
        self,
        code: str,
        *,
        language: Language | None = None,
        context_id: str | None = None,
        timeout_ms: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        **handlers: Unpack[AsyncExecHandlers],
    ) -> AsyncGenerator[StreamEvent, None]:
        """Runs a cell and yields each line as it comes; the last is `exit` with `code` and `cause`. Starts with the loop. Leaving it early
        lets the cell run on."""
        cell = _cell(code, language, context_id, timeout_ms, env, cwd)
        return stream_exec(self._ref, cell, handlers)

    async def info(self) -> SandboxInfo:
        """Its state now; also when it has ended."""
        return decode(models.SandboxInfo, await self._ref.json("getSandbox"))

    async def pause(self) -> SandboxInfo:
        """Freezes every process; the next exec, or `resume`, thaws them."""
        return decode(models.SandboxInfo, await self._ref.json("pauseSandbox"))

    async def resume(self) -> SandboxInfo:
        return decode(models.SandboxInfo, await self._ref.json("resumeSandbox"))

    async def fork(self, n: int = 1) -> list[AsyncSandbox]:
        """Makes sandboxes with the same settings, and the same files as this one has at one moment. Processes, variables of interpreters
        and open ports are not copied. They are the caller's to end, as every other.

        Args:
            n: how many, from 1 to 32

        Raises:
            SandboxLimitReachedError, DiskFullError: where not all of them find room: then there is none
            UnsupportedOnHostError: where this host cannot do it

        Example:
            one, other = await sandbox.fork(2)
        """
        source = await self._ref.get()
        call = source.call("forkSandbox")
        call.json = {"n": n}
        call.timeout_ms = FORK_TIMEOUT_MS
        value, headers = await source.transport.json_answer(call)
        trace = parse_traceparent(headers.get("traceresponse"))
        trace_id = self.trace_id if trace is None else trace.trace_id
        forks = []
        for child in value["children"]:
            info = decode(
                models.SandboxInfo, {"id": child["id"], "traceId": trace_id, "template": self.template}
            )
            fork = AsyncSandbox._of(info, replace(source, sandbox_id=info.id))
            fork._acquired = None if self._acquired is None else share_client(self._acquired)
            forks.append(fork)
        return forks

    async def diff(self, against: AsyncSandbox | str | None = None) -> SandboxDiff:
        """What its file system has otherwise than that of another sandbox.

        Args:
            against: default: the sandbox that it was forked from

        Raises:
            InvalidRequestError: where it was forked from none and none is given
        """
        source = await self._ref.get()
        call = source.call("diffSandbox")
        call.query = {"against": None if against is None else await _id_of(against)}
        call.timeout_ms = FORK_TIMEOUT_MS
        return decode(models.SandboxDiff, await source.transport.json(call))

    async def merge(self, winner: AsyncSandbox | str) -> None:
        """Takes over the files of another sandbox of the same template: what `winner.diff(sandbox)` lists. The winner ends with cause
        `merged`.

        Raises:
            InvalidRequestError: where the two cannot be merged
            DiskFullError: where they do not fit
        """
        source = await self._ref.get()
        call = source.call("mergeSandbox", winner=await _id_of(winner))
        call.timeout_ms = FORK_TIMEOUT_MS
        await source.transport.json(call)

    async def terminate(self) -> None:
        """Ends it and everything in it. Idempotent: one that has ended, or was never created, is no error."""
        try:
            if self._ref.source is not None:
                await self._ref.json("deleteSandbox")
        finally:
            await self._release()

    async def kill(self) -> None:
        """The same as `terminate`."""
        await self.terminate()

    async def aclose(self) -> None:
        """The same as `terminate`."""
        await self.terminate()

    async def _release(self) -> None:
        acquired, self._acquired = self._acquired, None
        if acquired is not None:
            await release_client(acquired)

    async def __aenter__(self) -> Self:
        await self._ref.get()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.terminate()

    def __repr__(self) -> str:
        if self._info is None:
            return "<AsyncSandbox, not created yet>"
        return f"<AsyncSandbox {self._info.id} template={self._info.template!r}>"


async def _id_of(sandbox: AsyncSandbox | str) -> str:
    if isinstance(sandbox, str):
        return sandbox
    await sandbox._ref.get()
    return sandbox.id


def _cell(
    code: str,
    language: Language | None,
    context_id: str | None,
    timeout_ms: int | None,
    env: Mapping[str, str] | None,
    cwd: str | None,
) -> dict[str, Any]:
    options = {
        "language": language,
        "context_id": context_id,
        "timeout_ms": timeout_ms,
        "env": env,
        "cwd": cwd,
    }
    return {"code": code, **wire(options)}
