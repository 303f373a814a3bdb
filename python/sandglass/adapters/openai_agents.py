"""Sandboxes as tools of the OpenAI Agents SDK (package `openai-agents`)."""

from __future__ import annotations

import json
from types import TracebackType
from typing import TYPE_CHECKING, Any

from agents import FunctionTool

from .._async.client import AsyncClient
from .._async.code_runner import AsyncCodeRunner
from .._async.runs import AsyncRun
from .._async.sandbox import AsyncSandbox
from ._options import CODE_PARAMETERS, INVALID_INPUT, ToolOptions, code_of

if TYPE_CHECKING:
    from agents.tool_context import ToolContext
    from typing_extensions import Self, Unpack


def sandbox_tool(
    *,
    sandbox: AsyncSandbox | None = None,
    run: AsyncRun | None = None,
    client: AsyncClient | None = None,
    **options: Unpack[ToolOptions],
) -> SandboxTool:
    """A function tool for an `Agent`. The model gets text; what fails of the runtime ends the agent's run.

    Args:
        sandbox: where the code runs; it stays at `aclose`. Default: one is made at the first call, and ended by `aclose`
        run: the agent run that the calls belong to; it stays open at `aclose`. Default: one for each trace that the tool is called in
        client: which daemon; not needed beside `run`. Default: the one that the environment names

    Example:
        async with sandbox_tool() as code:
            agent = Agent(name="Analyst", tools=[code.tool])
            result = await Runner.run(agent, "What is the 100th prime?")
    """
    return SandboxTool(AsyncCodeRunner("openai-agents", sandbox=sandbox, run=run, client=client, **options))


class SandboxTool:
    """The tool, and what ends what was made for it. Use `sandbox_tool`."""

    def __init__(self, runner: AsyncCodeRunner) -> None:
        self._runner = runner
        self.tool = FunctionTool(
            name=runner.name,
            description=runner.description,
            params_json_schema=CODE_PARAMETERS,
            on_invoke_tool=self._invoke,
            strict_json_schema=True,
        )

    async def _invoke(self, _context: ToolContext[Any], arguments: str) -> str:
        try:
            code = code_of(json.loads(arguments))
        except ValueError:
            code = None
        return INVALID_INPUT if code is None else (await self._runner.run(code)).text

    async def aclose(self) -> None:
        """Ends the sandbox and completes the run, as far as the tool made them itself. Calls fail behind it. Idempotent."""
        await self._runner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
