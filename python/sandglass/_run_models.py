"""What the API answers about agent runs; public as part of `sandglass.models`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ._protocol import Cause

#: `running` until its end; also where whoever ran it went away without a word.
RunState = Literal["running", "ok", "error", "cancelled"]


@dataclass(frozen=True)
class DeletionResult:
    """What there was and is not any more; all 0 where nothing was found."""

    sandboxes: int
    #: Of the record.
    events: int
    #: Of events, telemetry and kept output.
    bytes: int


@dataclass(frozen=True)
class RunSummary:
    """A run, summed up over all that belongs to it. Costs in US dollars."""

    run_id: str
    #: "" where nobody opened it: a framework's own id.
    name: str
    status: RunState
    started_at: str
    duration_ms: float
    trace_id: str
    span_id: str
    #: Model calls and sandboxes together.
    cost_usd: float
    llm_cost_usd: float
    runtime_cost_usd: float
    input_tokens: int
    output_tokens: int
    #: Of `input_tokens`.
    cached_tokens: int
    llm_calls: int
    #: Model calls without a known price: the cost is more than it says.
    unpriced_calls: int
    tool_calls: int
    tool_errors: int
    agent_errors: int
    sandboxes: int
    #: That have ended.
    execs: int
    #: Execs that ended otherwise than with exit code 0.
    failures: int
    agent: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    error: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True)
class RunModel:
    """What a run used of one model."""

    model: str
    calls: int
    unpriced_calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float


@dataclass(frozen=True)
class RunSandbox:
    """A sandbox of a run."""

    id: str
    template: str
    state: Literal["running", "paused", "terminated"]
    created_at: str
    execs: int
    failures: int
    cost_usd: float
    cause: Cause | None = None
    reason: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True)
class RunFailure:
    """An exec of a run that ended otherwise than with exit code 0."""

    exec_id: str
    sandbox_id: str
    cause: Cause
    exit_code: int
    ended_at: str
    reason: str | None = None


@dataclass(frozen=True)
class RunDetail(RunSummary):
    """One run with its parts."""

    #: By cost, the highest first.
    models: list[RunModel] = field(default_factory=list)
    #: In the order of their making; at most 1000.
    sandbox_list: list[RunSandbox] = field(default_factory=list)
    #: The last 100, newest first.
    failure_list: list[RunFailure] = field(default_factory=list)
