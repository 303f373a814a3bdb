"""The lines of an exec's stream, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ._output import OutputCollector
from ._protocol import Cause

__all__ = ["ExecResult", "ExitEvent", "OutputEvent", "ResultEvent", "StreamEvent"]


@dataclass
class OutputEvent:
    """What was written, as it was written."""

    type: Literal["stdout", "stderr"]
    data: str
    #: Counts the lines of one exec from 0, without gaps.
    seq: int
    #: Unix time in milliseconds.
    ts: int
    #: Present where the bytes are not UTF-8; see `output_bytes`.
    encoding: Literal["base64"] | None = None


@dataclass
class ResultEvent:
    """The value of a cell's last expression."""

    type: Literal["result"]
    #: By MIME type; "text/plain" is always there.
    data: dict[str, str]
    seq: int
    ts: int


@dataclass
class ExitEvent:
    """The last line of every stream."""

    type: Literal["exit"]
    #: Equal to `code`.
    data: int
    #: 128 + signal number where a signal ended it.
    code: int
    cause: Cause
    duration_ms: float
    exec_id: str
    seq: int
    ts: int
    signal: str | None = None
    #: Says the limit in words where the cause is a limit.
    reason: str | None = None
    #: The context's variables are gone: the next cell starts a fresh interpreter.
    context_lost: bool = False


StreamEvent: TypeAlias = OutputEvent | ResultEvent | ExitEvent


def parse_stream_event(line: Any) -> StreamEvent:
    """One line of the stream. By hand and not by `decode`: it is met a million times in a long output."""
    kind = line["type"]
    if kind == "exit":
        return ExitEvent(
            "exit",
            line["data"],
            line["code"],
            line["cause"],
            line["durationMs"],
            line["execId"],
            line["seq"],
            line["ts"],
            line.get("signal"),
            line.get("reason"),
            line.get("contextLost", False),
        )
    if kind == "result":
        return ResultEvent("result", line["data"], line["seq"], line["ts"])
    return OutputEvent(kind, line["data"], line["seq"], line["ts"], line.get("encoding"))


class ExecResult:
    """How an exec ended, and all it wrote."""

    __slots__ = (
        "_stderr",
        "_stdout",
        "cause",
        "context_lost",
        "duration_ms",
        "exec_id",
        "exit_code",
        "reason",
        "result",
        "signal",
        "stderr",
        "stdout",
        "trace_id",
    )

    def __init__(
        self,
        exit: ExitEvent,
        trace_id: str,
        result: dict[str, str] | None,
        stdout: OutputCollector,
        stderr: OutputCollector,
    ) -> None:
        self._stdout = stdout
        self._stderr = stderr
        #: As text; bytes that are not UTF-8 read as U+FFFD.
        self.stdout = stdout.text()
        self.stderr = stderr.text()
        #: The value of the cell's last expression by MIME type; "text/plain" is always there. None where there was none.
        self.result = result
        #: 128 + signal number where a signal ended it.
        self.exit_code = exit.code
        #: e.g. "SIGKILL".
        self.signal = exit.signal
        self.cause: Cause = exit.cause
        #: Says the limit in words where the cause is a limit.
        self.reason = exit.reason
        self.duration_ms = exit.duration_ms
        self.exec_id = exit.exec_id
        #: "" where the daemon named none.
        self.trace_id = trace_id
        #: The context's variables are gone: the next cell starts a fresh interpreter.
        self.context_lost = exit.context_lost

    @property
    def stdout_bytes(self) -> bytes:
        """Exactly as written."""
        return self._stdout.bytes()

    @property
    def stderr_bytes(self) -> bytes:
        """Exactly as written."""
        return self._stderr.bytes()

    def __repr__(self) -> str:
        text = f"stdout={self.stdout!r} stderr={self.stderr!r} exit_code={self.exit_code}"
        if self.result is not None:
            text += f" result={self.result!r}"
        return text if self.cause == "exited" else f"{text} cause={self.cause!r}"
