"""What all adapters to agent frameworks share."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from ..adapters._active_trace import active_trace_id
from ..adapters._code_result import CodeResult, to_code_result
from ..adapters._options import TEMPLATES, ToolOptions, describe_tool
from ..errors import InvalidRequestError, SandboxEndedError, SandboxNotFoundError
from .client import AsyncClient
from .runs import AsyncRun
from .runtime import Lock
from .sandbox import AsyncSandbox

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_DEFAULT_TIMEOUT_MS = 60_000
_DEFAULT_MAX_OUTPUT_CHARS = 8_000
#: Traces whose runs are open at once; before there are more, the one that was longest not called in is completed.
_MAX_OPEN_RUNS = 100


class AsyncCodeRunner:
    """A sandbox that is made when it is first needed, a run for each trace, and a tool call around each piece of code.

    A failure of the code is a `CodeResult`. A failure of the runtime is raised.
    """

    def __init__(
        self,
        framework: str,
        *,
        sandbox: AsyncSandbox | None = None,
        run: AsyncRun | None = None,
        client: AsyncClient | None = None,
        **options: Unpack[ToolOptions],
    ) -> None:
        """
        Args:
            framework: name of the runs that are opened, e.g. "langchain"
            sandbox: where the code runs; it stays at `aclose`. Default: one is made at the first call, and ended by `aclose`
            run: the agent run that the calls belong to; it stays open at `aclose`. Default: one is opened for each trace that the tool is
                called in, and completed by `aclose`
            client: which daemon; not needed beside `run`. Default: the one that the environment names, by a client of its own
        """
        self.name, self.description = describe_tool(**options)
        self._framework = framework
        self._given_sandbox = sandbox
        self._given_run = run
        self._client = client
        self._own_client: AsyncClient | None = None
        self._options = options
        self._sandbox: AsyncSandbox | None = None
        #: By trace id, "" for callers in none; in the order of their last use.
        self._runs: dict[str, AsyncRun] = {}
        self._lock = Lock()
        self._is_closed = False

    async def run(self, code: str) -> CodeResult:
        """Runs code as a tool call of the run, in the caller's trace.

        Raises:
            SandglassError: where the daemon refuses, or the sandbox is gone: the next call then makes a new one, unless it was given
        """
        is_hidden = self._options.get("capture_content") is False
        run = await self._current_run()
        with run.tool_call(self.name, arguments=None if is_hidden else {"code": code}) as call:
            result = await self._execute(run, code)
            end = call.error if result.is_error else call.result
            end(None if is_hidden else result.text)
        return result

    async def _execute(self, run: AsyncRun, code: str) -> CodeResult:
        sandbox = self._given_sandbox or await self._made_sandbox(run)
        timeout_ms = self._options.get("timeout_ms", _DEFAULT_TIMEOUT_MS)
        try:
            exec = await sandbox.run_code(
                code, language=self._options.get("language") or "python", timeout_ms=timeout_ms or None
            )
        except (SandboxEndedError, SandboxNotFoundError):
            if self._sandbox is sandbox:
                self._sandbox = None
            raise
        return to_code_result(exec, self._options.get("max_output_chars", _DEFAULT_MAX_OUTPUT_CHARS))

    async def _made_sandbox(self, run: AsyncRun) -> AsyncSandbox:
        """Made once, however many calls come at the same time; one that could not be made is tried again by the next call."""
        async with self._lock:
            self._check_open()
            if self._sandbox is None:
                template = (
                    self._options.get("template") or TEMPLATES[self._options.get("language") or "python"]
                )
                self._sandbox = await run.sandboxes.create(template, **(self._options.get("create") or {}))
            return self._sandbox

    async def _current_run(self) -> AsyncRun:
        async with self._lock:
            self._check_open()
            if self._given_run is not None:
                return self._given_run
            trace_id = active_trace_id()
            run = self._runs.pop(trace_id, None)
            if run is None:
                if self._client is None:
                    self._client = self._own_client = AsyncClient()
                run = await self._client.run(
                    self._framework,
                    agent=self._framework,
                    capture_content=self._options.get("capture_content") or False,
                ).start()
            self._runs[trace_id] = run
            if len(self._runs) > _MAX_OPEN_RUNS:
                await self._runs.pop(next(iter(self._runs))).complete()
            return run

    def _check_open(self) -> None:
        if self._is_closed:
            raise InvalidRequestError(f"the tool {self.name} has been closed")

    async def aclose(self) -> None:
        """Ends the sandbox and completes the runs, as far as they were made here. Calls fail behind it. Idempotent."""
        async with self._lock:
            self._is_closed = True
            sandbox, self._sandbox = self._sandbox, None
            runs, self._runs = list(self._runs.values()), {}
            own_client, self._own_client = self._own_client, None
        try:
            # First: whatever becomes of the record, it must not stay.
            if sandbox is not None:
                await sandbox.terminate()
        finally:
            for run in runs:
                await run.complete()
            if own_client is not None:
                await own_client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
