"""Execs, from their beginning to their result."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, TypedDict

from .._output import OutputCollector, output_text
from ..errors import StreamError
from ..stream_events import ExecResult, ExitEvent, OutputEvent, StreamEvent
from .exec_stream import AsyncExecStream
from .runtime import INTERRUPTIONS, settle
from .source import AsyncSourceRef


class AsyncExecHandlers(TypedDict, total=False):
    """What a caller may hear of an exec while it runs. A handler holds the stream back until it is done."""

    #: Once, when the exec has begun, with its id and its trace's.
    on_start: Callable[[str, str], object] | None
    #: As written; the event has the raw form for bytes that are not UTF-8 (see `output_bytes`).
    on_stdout: Callable[[str, OutputEvent], object] | None
    on_stderr: Callable[[str, OutputEvent], object] | None
    #: The value of a cell's last expression, by MIME type.
    on_result: Callable[[dict[str, str]], object] | None
    #: False once when the connection to the daemon broke and is being made again, True when it stands: what was written meanwhile comes
    #: then. Where the tries are used up, a StreamError follows the False.
    on_connection: Callable[[bool], object] | None


async def collect_exec(
    ref: AsyncSourceRef, request: dict[str, Any], handlers: AsyncExecHandlers
) -> ExecResult:
    """Runs to the end and gathers. Interrupted, it ends the exec."""
    stream = await _started(ref, request, handlers)
    outputs = {"stdout": OutputCollector(), "stderr": OutputCollector()}
    heard = {"stdout": handlers.get("on_stdout"), "stderr": handlers.get("on_stderr")}
    on_result = handlers.get("on_result")
    result: dict[str, str] | None = None
    exit: ExitEvent | None = None
    try:
        while batch := await stream.next():
            for event in batch:
                if event.type == "stdout" or event.type == "stderr":
                    outputs[event.type].add(event)
                    handler = heard[event.type]
                    if handler is not None:
                        await settle(handler(output_text(event), event))
                elif event.type == "result":
                    result = event.data
                    if on_result is not None:
                        await settle(on_result(event.data))
                else:
                    exit = event
    except INTERRUPTIONS as interruption:
        await stream.interrupt(interruption)
        raise
    except BaseException as error:
        await stream.aclose(error)
        raise
    if exit is None:
        raise StreamError("the stream ended without its exit line")
    return ExecResult(exit, stream.trace_id, result, outputs["stdout"], outputs["stderr"])


async def stream_exec(
    ref: AsyncSourceRef, request: dict[str, Any], handlers: AsyncExecHandlers
) -> AsyncGenerator[StreamEvent, None]:
    """Runs and yields each line as it comes. Leaving the loop lets the exec run on; an interruption ends it."""
    stream = await _started(ref, request, handlers)
    try:
        while batch := await stream.next():
            for event in batch:
                yield event
    except INTERRUPTIONS as interruption:
        await stream.interrupt(interruption)
        raise
    finally:
        await stream.aclose()


async def follow_exec(
    ref: AsyncSourceRef,
    exec_id: str,
    after: int | None,
    on_connection: Callable[[bool], object] | None,
) -> AsyncGenerator[StreamEvent, None]:
    """Replays and follows. A follower is a listener: its going away, by interruption too, is nothing to the exec."""
    stream = await AsyncExecStream.attach(await ref.get(), exec_id, after, on_connection)
    try:
        while batch := await stream.next():
            for event in batch:
                yield event
    finally:
        await stream.aclose()


async def _started(
    ref: AsyncSourceRef, request: dict[str, Any], handlers: Mapping[str, Any]
) -> AsyncExecStream:
    stream = await AsyncExecStream.start(await ref.get(), request, handlers.get("on_connection"))
    on_start = handlers.get("on_start")
    if on_start is not None:
        try:
            await settle(on_start(stream.exec_id, stream.trace_id))
        except BaseException as error:
            await stream.aclose(error)
            raise
    return stream
