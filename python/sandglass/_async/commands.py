"""Plain processes in one sandbox."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._decode import wire
from ..stream_events import ExecResult, StreamEvent
from .exec import AsyncExecHandlers, collect_exec, stream_exec
from .source import AsyncSourceRef

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncCommands:
    """They run concurrently; REPL cells are `sandbox.run_code`."""

    def __init__(self, ref: AsyncSourceRef) -> None:
        self._ref = ref

    async def run(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout_ms: int | None = None,
        **handlers: Unpack[AsyncExecHandlers],
    ) -> ExecResult:
        """Runs a shell line (a string) or a program with its arguments (a list, no shell), and waits for its end. An exit code other
        than 0 is a result, not an error. Interrupted (Ctrl-C, a cancelled task), it kills the command.

        Args:
            cwd: default `/workspace`
            env: added to the sandbox's
            stdin: text for the process's stdin, which is then closed
            timeout_ms: until it is killed with cause `timed_out`; default: the daemon's

        Example:
            result = await sandbox.commands.run(["python3", "train.py", "--fast"], timeout_ms=60_000)
        """
        return await collect_exec(self._ref, _request(command, cwd, env, stdin, timeout_ms), handlers)

    def stream(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        timeout_ms: int | None = None,
        **handlers: Unpack[AsyncExecHandlers],
    ) -> AsyncGenerator[StreamEvent, None]:
        """As `run`, yielding each line as it comes; the last is `exit`. Starts with the loop; leaving it early lets the command run on."""
        return stream_exec(self._ref, _request(command, cwd, env, stdin, timeout_ms), handlers)


def _request(
    command: str | Sequence[str],
    cwd: str | None,
    env: Mapping[str, str] | None,
    stdin: str | None,
    timeout_ms: int | None,
) -> dict[str, Any]:
    what = {"command": command} if isinstance(command, str) else {"argv": list(command)}
    return {**what, **wire({"cwd": cwd, "env": env, "stdin": stdin, "timeout_ms": timeout_ms})}
