"""What agents do in a run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from .._decode import wire
from .._tool_outcome import ToolOutcome
from .._trace_context import FLAGS_SAMPLED_RANDOM, format_traceparent, parse_traceparent
from .._tracing import TraceOptions, checked_trace, in_trace, innermost_trace
from .run_ledger import AsyncRunLedger
from .runtime import settle
from .sandboxes import AsyncSandboxes

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


@dataclass(frozen=True)
class SpanPlace:
    """Where something stands in a trace."""

    trace_id: str
    span_id: str
    #: None of a run's own: the daemon knows it.
    parent_span_id: str | None = None
    flags: int = FLAGS_SAMPLED_RANDOM

    @property
    def traceparent(self) -> str:
        return format_traceparent(self.trace_id, self.span_id, self.flags)


class AsyncAgent:
    """What one agent does in a run, all of it below the agent's span, `invoke_agent {name}`. The run itself is the first; `agent` gives
    others that work for it. As a `with` block its end is the agent's, and what is called inside hangs below it."""

    #: Sandboxes created here belong to the run.
    sandboxes: AsyncSandboxes

    def __init__(self, name: str, place: SpanPlace | None, ledger: AsyncRunLedger | None) -> None:
        """Use `run.agent`."""
        self.name = name
        self._given_place = place
        self._given_ledger = ledger
        if place is not None and ledger is not None:
            self.sandboxes = ledger.sandboxes_of(place.traceparent)

    @property
    def _place(self) -> SpanPlace:
        assert self._given_place is not None
        return self._given_place

    @property
    def _ledger(self) -> AsyncRunLedger:
        assert self._given_ledger is not None
        return self._given_ledger

    @property
    def trace_id(self) -> str:
        return self._place.trace_id

    @property
    def traceparent(self) -> str:
        """Of the agent's own span."""
        return self._place.traceparent

    def tool_call(
        self,
        name: str,
        arguments: Any = None,
        *,
        id: str | None = None,
        traceparent: str | None = None,
        tracestate: str | None = None,
        baggage: str | None = None,
    ) -> AsyncToolCall:
        """Records that the agent calls a tool; `result` or `error` ends the span.

        Args:
            arguments: recorded with `capture_content`
            id: the model's own id of the call; one is made where there is none
            traceparent: W3C, of whose span the call's becomes a child: a server that is called by agents gets it with each call. Default: the
                tool call or agent that it is made in, else this agent
            tracestate: the caller's, for what is called inside the `with` block; of no meaning without `traceparent`
            baggage: the caller's, likewise

        Example:
            with run.tool_call("search", arguments={"query": query}) as call:
                call.result(search(query))
        """
        caller = checked_trace(traceparent, tracestate)
        place = self._place_below(caller)
        inside = TraceOptions(place.traceparent, caller.tracestate if caller else None, baggage)
        call = AsyncToolCall(self._ledger, place, name, id or f"call_{place.span_id}", inside)
        given = self._ledger.content.text(arguments)
        data = {"tool_name": name, "tool_call_id": call.tool_call_id, "arguments": given}
        _add(self._ledger, place, "agent.tool_call", data)
        return call

    async def tool(
        self,
        tool_name: str,
        args: T,
        fn: Callable[[T], Any],
        *,
        id: str | None = None,
        traceparent: str | None = None,
        tracestate: str | None = None,
        baggage: str | None = None,
        outcome: Callable[[Any], ToolOutcome] | None = None,
    ) -> Any:
        """Runs `fn(args)` as a tool call: what it asks of sandboxes of this run hangs below the call's span. An error is recorded and raised
        on.

        Args:
            id, traceparent, tracestate, baggage: as in `tool_call`
            outcome: says what of the value is recorded. Default: all of it, as a success

        Example:
            await run.tool("python", {"code": code}, lambda args: sandbox.run_code(args["code"]))
        """
        call = self.tool_call(
            tool_name, args, id=id, traceparent=traceparent, tracestate=tracestate, baggage=baggage
        )
        with call:
            value = await settle(fn(args))
            said = outcome(value) if outcome is not None else ToolOutcome(value)
            if said.is_error:
                call.error(said.result)
            else:
                call.result(said.result)
        return value

    def agent(self, name: str) -> AsyncWorkingAgent:
        """Another agent of the same run that works for this one: a span `invoke_agent {name}` below this agent's, or below the tool call it is
        called in. It begins and ends with its block; an error ends it with the status "error" and is raised on.

        Args:
            name: 1 to 200 characters

        Example:
            with run.agent("researcher") as agent:
                await agent.tool("search", {"query": query}, search)
        """
        return AsyncWorkingAgent(name, self._place_below(), self._ledger)

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
        self._ledger.count(cost_usd or 0, input_tokens, output_tokens)
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
        _add(self._ledger, self._place, "cost.llm", usage)

    def thinking(self, text: str) -> None:
        """Records a thought: its length, and its text with `capture_content`."""
        data = {"bytes": len(text.encode("utf-8", "surrogatepass")), "text": self._ledger.content.text(text)}
        _add(self._ledger, self._place, "agent.thinking", data)

    def _place_below(self, caller: TraceOptions | None = None) -> SpanPlace:
        """A new span below the caller's, else below the tool call or the agent around, else below this agent's."""
        around = caller or innermost_trace()
        parent = parse_traceparent(around.traceparent) if around else None
        span_id = os.urandom(8).hex()
        if parent is None:
            return SpanPlace(self._place.trace_id, span_id, self._place.span_id)
        return SpanPlace(parent.trace_id, span_id, parent.parent_span_id, parent.flags)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class AsyncWorkingAgent(AsyncAgent):
    """An agent that works for the run's own, for as long as its `with` block takes."""

    def __enter__(self) -> Self:
        self._started_at = time.perf_counter()
        _add(self._ledger, self._place, "agent.started", {"agent_name": self.name})
        self._inside = in_trace(TraceOptions(self.traceparent), self._ledger.run)
        self._inside.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inside.__exit__(None, None, None)
        ending = {
            "agent_name": self.name,
            "status": "ok" if error is None else "error",
            "duration_ms": (time.perf_counter() - self._started_at) * 1000,
            "error": self._ledger.content.error(error),
        }
        _add(self._ledger, self._place, "agent.completed", ending)


class AsyncToolCall:
    """A tool call that has begun. As a `with` block, what is called inside it hangs below the call's span, and its end is the call's."""

    def __init__(
        self,
        ledger: AsyncRunLedger,
        place: SpanPlace,
        tool_name: str,
        tool_call_id: str,
        inside: TraceOptions,
    ) -> None:
        """Use `run.tool_call`."""
        self.tool_call_id = tool_call_id
        #: Parent for what the tool does elsewhere.
        self.traceparent = place.traceparent
        self._ledger = ledger
        self._place = place
        self._inside_trace = inside
        self._tool_name = tool_name
        self._started_at = time.perf_counter()
        self._is_ended = False

    def result(self, value: Any = None) -> None:
        """Ends it with what it returned; recorded with `capture_content`. Once it has ended nothing happens."""
        self._end(value, False)

    def error(self, error: BaseException | str | None = None) -> None:
        """Ends it as failed. What went wrong is recorded with `capture_content`. Once it has ended nothing happens."""
        self._end(error, True)

    def _end(self, value: Any, is_error: bool) -> None:
        if self._is_ended:
            return
        self._is_ended = True
        ending = {
            "tool_name": self._tool_name,
            "tool_call_id": self.tool_call_id,
            "duration_ms": (time.perf_counter() - self._started_at) * 1000,
            "is_error": is_error,
            "result": self._ledger.content.text(value),
        }
        _add(self._ledger, self._place, "agent.tool_result", ending)

    def __enter__(self) -> Self:
        self._inside = in_trace(self._inside_trace, self._ledger.run)
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


def _add(ledger: AsyncRunLedger, place: SpanPlace, type: str, data: Mapping[str, Any]) -> None:
    event: dict[str, Any] = {"type": type, "data": wire(data)}
    # What stands on the run's own span the daemon puts there.
    if place.parent_span_id is not None:
        event["spanId"] = place.span_id
        event["parentSpanId"] = place.parent_span_id
        if place.trace_id != ledger.trace_id:
            event["traceId"] = place.trace_id
    ledger.add(event)
