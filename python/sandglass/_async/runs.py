"""Agent runs."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .._call import Call
from .._decode import decode, wire
from .._trace_context import FLAGS_SAMPLED_RANDOM, format_traceparent
from .._tracing import TraceOptions, Tracing, in_trace
from ..errors import InvalidRequestError
from ..models import RunInfo, RunStatus
from .run_events import AsyncRunEvents
from .runtime import settle
from .sandboxes import AsyncSandboxes
from .transport import AsyncTransport

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")
#: Escaped and in UTF-8 still within the 256 KiB that the daemon takes as one event.
_MAX_CONTENT_CHARS = 32 * 1024


class AsyncRun:
    """One agent run across sandboxes: one trace, with the run's span above all that is done inside it.

    Its own events are sent in the background, in order, and are all in the record when `complete` or `flush` returns.
    """

    def __init__(
        self,
        transport: AsyncTransport,
        tracing: Tracing,
        name: str,
        agent: str | None,
        metadata: Mapping[str, str] | None,
        capture_content: bool,
    ) -> None:
        """Use `client.run`."""
        self.name = name
        self._transport = transport
        self._tracing = tracing
        self._request = wire({"name": name, "agent": agent, "metadata": metadata})
        self._capture_content = capture_content
        self._info: RunInfo | None = None
        self._is_completed = False
        self._cost_usd: float = 0
        self._input_tokens = 0
        self._output_tokens = 0

    async def start(self) -> Self:
        """Opens the run; the second time nothing happens. A `with` block does this by itself."""
        if self._info is not None:
            return self
        call = Call("startRun", json=self._request, tracing=self._tracing)
        value = await self._transport.json(call, lambda run: {"sandglass.run.id": run["runId"]})
        self._info = info = decode(RunInfo, value)
        own = Tracing(TraceOptions(self.traceparent), self._tracing.fallback, run_id=info.run_id)
        #: Sandboxes created here belong to the run.
        self.sandboxes = AsyncSandboxes(self._transport, own, info.run_id)
        self._events = AsyncRunEvents(self._transport, info.run_id, own)
        self._started_at = time.perf_counter()
        return self

    @property
    def run_id(self) -> str:
        return self._opened.run_id

    @property
    def trace_id(self) -> str:
        return self._opened.trace_id

    @property
    def traceparent(self) -> str:
        """Of the run's own span."""
        return format_traceparent(self._opened.trace_id, self._opened.span_id, FLAGS_SAMPLED_RANDOM)

    @property
    def _opened(self) -> RunInfo:
        if self._info is None:
            raise InvalidRequestError("the run has not been opened yet", hint="enter it in a `with` block")
        return self._info

    def tool_call(self, tool_name: str, args: Any = None) -> AsyncToolCall:
        """Records that the agent calls a tool; `result` on what it returns ends the span.

        Example:
            with run.tool_call("search", {"query": query}) as call:
                call.result(search(query))
        """
        call = AsyncToolCall(self, tool_name)
        data = {"toolName": tool_name, "toolCallId": call.tool_call_id, "arguments": self._captured(args)}
        self._add("agent.tool_call", data, call.span_id)
        return call

    async def tool(self, tool_name: str, args: T, fn: Callable[[T], Any]) -> Any:
        """Runs `fn(args)` as a tool call: what it asks of sandboxes of this run hangs below the call's span. An error is recorded and raised
        on.

        Example:
            await run.tool("python", {"code": code}, lambda args: sandbox.run_code(args["code"]))
        """
        call = self.tool_call(tool_name, args)
        with call:
            value = await settle(fn(args))
            call.result(value)
        return value

    def llm(
        self,
        model: str,
        *,
        input_tokens: int,
        output_tokens: int,
        cached_tokens: int | None = None,
        cache_creation_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        cost_usd: float | None = None,
        provider: str | None = None,
    ) -> None:
        """Records one model call; tokens and costs are summed up in the run's end."""
        self._cost_usd += cost_usd or 0
        self._input_tokens += input_tokens
        self._output_tokens += output_tokens
        usage = {
            "model": model,
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cached_tokens": cached_tokens,
            "cache_creation_tokens": cache_creation_tokens,
            "reasoning_tokens": reasoning_tokens,
            "cost_usd": cost_usd,
            "provider": provider,
        }
        self._add("cost.llm", wire(usage))

    def thinking(self, text: str) -> None:
        """Records a thought: its length, and its text with `capture_content`."""
        data = {"bytes": len(text.encode("utf-8", "surrogatepass")), "text": self._captured(text)}
        self._add("agent.thinking", data)

    async def flush(self) -> None:
        """Returns when all that was recorded so far is in the record."""
        await self._events.flush()

    async def complete(self, *, status: RunStatus = "ok", error: str | None = None) -> None:
        """Ends the run; the second time nothing is recorded."""
        if not self._is_completed:
            self._is_completed = True
            end = {
                "name": self.name,
                "status": status,
                "durationMs": (time.perf_counter() - self._started_at) * 1000,
                "costUsd": self._cost_usd,
                "inputTokens": self._input_tokens,
                "outputTokens": self._output_tokens,
                "error": error,
            }
            self._add("run.completed", end)
        await self.flush()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Completes the run: "ok", or "error" with its message where the block raised."""
        if error is None:
            await self.complete()
        else:
            await self.complete(status="error", error=f"{type(error).__name__}: {error}")

    def _captured(self, content: Any) -> str | None:
        if not self._capture_content or content is None:
            return None
        text = content if isinstance(content, str) else _as_json(content)
        return text if len(text) <= _MAX_CONTENT_CHARS else f"{text[:_MAX_CONTENT_CHARS]}…"

    def _add(self, type: str, data: Mapping[str, Any], span_id: str | None = None) -> None:
        self._opened  # noqa: B018  A run that is not open has nowhere to send it.
        given = {key: value for key, value in data.items() if value is not None}
        self._events.add(wire({"type": type, "span_id": span_id, "data": given}))

    def __repr__(self) -> str:
        return f"<AsyncRun {self.name!r} {'not opened yet' if self._info is None else self._info.run_id}>"


class AsyncToolCall:
    """A tool call that has begun. As a `with` block, what is called inside it hangs below the call's span, and its end is the call's."""

    def __init__(self, run: AsyncRun, tool_name: str) -> None:
        self.span_id = secrets.token_hex(8)
        self.tool_call_id = f"call_{self.span_id}"
        #: Parent for what the tool does elsewhere.
        self.traceparent = format_traceparent(run.trace_id, self.span_id, FLAGS_SAMPLED_RANDOM)
        self._run = run
        self._tool_name = tool_name
        self._started_at = time.perf_counter()
        self._is_ended = False

    def result(self, value: Any = None, *, is_error: bool = False) -> None:
        """Ends it; the second time nothing happens."""
        if self._is_ended:
            return
        self._is_ended = True
        ending = {
            "toolName": self._tool_name,
            "toolCallId": self.tool_call_id,
            "durationMs": (time.perf_counter() - self._started_at) * 1000,
            "isError": is_error,
            "result": self._run._captured(value),
        }
        self._run._add("agent.tool_result", ending, self.span_id)

    def error(self, error: BaseException | str) -> None:
        """Ends it with what went wrong."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.result(text, is_error=True)

    def __enter__(self) -> Self:
        self._inside = in_trace(TraceOptions(self.traceparent))
        self._inside.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inside.__exit__(None, None, None)
        if error is None:
            self.result()
        else:
            self.error(error)


def _as_json(content: Any) -> str:
    try:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError):
        return str(content)
