"""Sandboxes as tools of Anthropic's Messages API (package `anthropic`, of which only types are used)."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from .._async.client import AsyncClient
from .._async.code_runner import AsyncCodeRunner
from .._async.runs import AsyncRun
from .._async.sandbox import AsyncSandbox
from .._sync.client import Client
from .._sync.code_runner import CodeRunner
from .._sync.runs import Run
from .._sync.sandbox import Sandbox
from ._code_result import CodeResult
from ._options import CODE_PARAMETERS, INVALID_INPUT, ToolOptions, code_of

if TYPE_CHECKING:
    from anthropic.types import Message, ToolParam, ToolResultBlockParam, ToolUseBlock
    from typing_extensions import Self, Unpack


def sandbox_tool(
    *,
    sandbox: Sandbox | None = None,
    run: Run | None = None,
    client: Client | None = None,
    **options: Unpack[ToolOptions],
) -> SandboxTool:
    """A client tool, and what answers the model's use of it.

    Args:
        sandbox: where the code runs; it stays at `close`. Default: one is made at the first call, and ended by `close`
        run: the agent run that the calls belong to; it stays open at `close`. Default: one for each trace that the tool is called in
        client: which daemon; not needed beside `run`. Default: the one that the environment names

    Example:
        with sandbox_tool() as code:
            message = anthropic.messages.create(model=…, max_tokens=…, messages=messages, tools=[code.tool])
            messages += [
                {"role": "assistant", "content": message.content},
                {"role": "user", "content": code.results(message)},
            ]
    """
    return SandboxTool(CodeRunner("anthropic", sandbox=sandbox, run=run, client=client, **options))


def async_sandbox_tool(
    *,
    sandbox: AsyncSandbox | None = None,
    run: AsyncRun | None = None,
    client: AsyncClient | None = None,
    **options: Unpack[ToolOptions],
) -> AsyncSandboxTool:
    """As `sandbox_tool`, for `AsyncAnthropic`."""
    return AsyncSandboxTool(AsyncCodeRunner("anthropic", sandbox=sandbox, run=run, client=client, **options))


class SandboxTool:
    """The tool, and what ends what was made for it. Use `sandbox_tool`."""

    def __init__(self, runner: CodeRunner) -> None:
        self._runner = runner
        self.tool = _tool(runner.name, runner.description)

    def results(self, message: Message) -> list[ToolResultBlockParam]:
        """Runs every use of this tool in a message, one after the other: the content of the user's next message, empty where the model did
        not use the tool.

        Raises:
            SandglassError: where the runtime fails
        """
        blocks: list[ToolResultBlockParam] = []
        for use in _uses(message, self._runner.name):
            code = code_of(use.input)
            blocks.append(_result(use, None if code is None else self._runner.run(code)))
        return blocks

    def close(self) -> None:
        """Ends the sandbox and completes the run, as far as the tool made them itself. Calls fail behind it. Idempotent."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncSandboxTool:
    """As `SandboxTool`. Use `async_sandbox_tool`."""

    def __init__(self, runner: AsyncCodeRunner) -> None:
        self._runner = runner
        self.tool = _tool(runner.name, runner.description)

    async def results(self, message: Message) -> list[ToolResultBlockParam]:
        """As `SandboxTool.results`."""
        blocks: list[ToolResultBlockParam] = []
        for use in _uses(message, self._runner.name):
            code = code_of(use.input)
            blocks.append(_result(use, None if code is None else await self._runner.run(code)))
        return blocks

    async def aclose(self) -> None:
        """As `SandboxTool.close`."""
        await self._runner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _tool(name: str, description: str) -> ToolParam:
    schema: Any = CODE_PARAMETERS
    return {"name": name, "description": description, "input_schema": schema}


def _uses(message: Message, name: str) -> Iterable[ToolUseBlock]:
    return (block for block in message.content if block.type == "tool_use" and block.name == name)


def _result(use: ToolUseBlock, result: CodeResult | None) -> ToolResultBlockParam:
    return {
        "type": "tool_result",
        "tool_use_id": use.id,
        "content": INVALID_INPUT if result is None else result.text,
        "is_error": result is None or result.is_error,
    }
