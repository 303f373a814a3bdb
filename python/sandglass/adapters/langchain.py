"""Sandboxes as tools of LangChain and LangGraph (package `langchain-core`)."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from langchain_core.tools import StructuredTool

from .._sync.client import Client
from .._sync.code_runner import CodeRunner
from .._sync.runs import Run
from .._sync.sandbox import Sandbox
from ..stream_events import ExecResult
from ._options import CODE_PARAMETERS, INVALID_INPUT, ToolOptions, code_of

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


def sandbox_tool(
    *,
    sandbox: Sandbox | None = None,
    run: Run | None = None,
    client: Client | None = None,
    **options: Unpack[ToolOptions],
) -> SandboxTool:
    """A structured tool for `bind_tools`, `create_agent` and `ToolNode`. The model gets text; the artifact of the `ToolMessage` is the whole
    `ExecResult`. `ainvoke` runs it in a thread, as LangChain does with every tool that is not a coroutine.

    Args:
        sandbox: where the code runs; it stays at `close`. Default: one is made at the first call, and ended by `close`
        run: the agent run that the calls belong to; it stays open at `close`. Default: one for each trace that the tool is called in
        client: which daemon; not needed beside `run`. Default: the one that the environment names

    Example:
        with sandbox_tool() as code:
            agent = create_agent(model, tools=[code.tool])
            agent.invoke({"messages": [("user", "What is the 100th prime?")]})
    """
    return SandboxTool(CodeRunner("langchain", sandbox=sandbox, run=run, client=client, **options))


class SandboxTool:
    """The tool, and what ends what was made for it. Use `sandbox_tool`."""

    def __init__(self, runner: CodeRunner) -> None:
        self._runner = runner
        self.tool = StructuredTool(
            name=runner.name,
            description=runner.description,
            args_schema=CODE_PARAMETERS,
            func=self._invoke,
            response_format="content_and_artifact",
        )

    def _invoke(self, **arguments: object) -> tuple[str, ExecResult | None]:
        # A schema that is given as JSON is shown to the model, and not enforced.
        code = code_of(arguments)
        if code is None:
            return INVALID_INPUT, None
        result = self._runner.run(code)
        return result.text, result.exec

    def close(self) -> None:
        """Ends the sandbox and completes the run, as far as the tool made them itself. Calls fail behind it. Idempotent."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
