"""The Python client of Sandglass: run AI agents' code in sandboxes you can see through.

Example:
    from sandglass import Sandbox

    with Sandbox(template="python") as sandbox:
        print(sandbox.run_code("print(6 * 7)").stdout)

Every class has an asynchronous twin: `AsyncSandbox`, `AsyncClient`, ….
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import errors
from ._content import SECRET_PATTERNS
from ._credentials import SandglassWarning
from ._later import MODELS
from ._options import CreateSandboxOptions, EgressOptions, ExporterFilter, NetworkOptions
from ._output import output_bytes, output_text
from ._sync.agents import Agent, ToolCall
from ._sync.client import Client
from ._sync.commands import Commands
from ._sync.execs import Execs
from ._sync.exporters import Exporters
from ._sync.files import Files
from ._sync.keys import Keys
from ._sync.logs import Logs
from ._sync.metrics import Metrics
from ._sync.recorded_runs import RecordedRuns
from ._sync.runs import Run
from ._sync.sandbox import Sandbox
from ._sync.sandboxes import Sandboxes
from ._sync.status import Status
from ._sync.traces import Traces
from ._tool_outcome import ToolOutcome
from ._version import VERSION
from .errors import *  # noqa: F403
from .stream_events import ExecResult, ExitEvent, OutputEvent, ResultEvent, StreamEvent

if TYPE_CHECKING:
    from ._async.agents import AsyncAgent, AsyncToolCall
    from ._async.client import AsyncClient
    from ._async.commands import AsyncCommands
    from ._async.execs import AsyncExecs
    from ._async.exporters import AsyncExporters
    from ._async.files import AsyncFiles
    from ._async.keys import AsyncKeys
    from ._async.logs import AsyncLogs
    from ._async.metrics import AsyncMetrics
    from ._async.recorded_runs import AsyncRecordedRuns
    from ._async.runs import AsyncRun
    from ._async.sandbox import AsyncSandbox
    from ._async.sandboxes import AsyncSandboxes
    from ._async.status import AsyncStatus
    from ._async.traces import AsyncTraces
    from .models import *  # noqa: F403

__version__ = VERSION

#: Where those are that are imported when they are used: the asynchronous ones, which import asyncio, and the models, whose classes take long to
#: make. A program that has no use for them need not wait for them.
_LATER = {
    **MODELS,
    "AsyncAgent": "_async.agents",
    "AsyncClient": "_async.client",
    "AsyncCommands": "_async.commands",
    "AsyncExecs": "_async.execs",
    "AsyncExporters": "_async.exporters",
    "AsyncFiles": "_async.files",
    "AsyncKeys": "_async.keys",
    "AsyncLogs": "_async.logs",
    "AsyncMetrics": "_async.metrics",
    "AsyncRecordedRuns": "_async.recorded_runs",
    "AsyncRun": "_async.runs",
    "AsyncSandbox": "_async.sandbox",
    "AsyncSandboxes": "_async.sandboxes",
    "AsyncStatus": "_async.status",
    "AsyncToolCall": "_async.agents",
    "AsyncTraces": "_async.traces",
}

__all__ = [
    "SECRET_PATTERNS",
    "VERSION",
    "Agent",
    "AsyncAgent",
    "AsyncClient",
    "AsyncCommands",
    "AsyncExecs",
    "AsyncExporters",
    "AsyncFiles",
    "AsyncKeys",
    "AsyncLogs",
    "AsyncMetrics",
    "AsyncRecordedRuns",
    "AsyncRun",
    "AsyncSandbox",
    "AsyncSandboxes",
    "AsyncStatus",
    "AsyncToolCall",
    "AsyncTraces",
    "Client",
    "Commands",
    "CreateSandboxOptions",
    "EgressOptions",
    "ExecResult",
    "Execs",
    "ExitEvent",
    "ExporterFilter",
    "Exporters",
    "Files",
    "Keys",
    "Logs",
    "Metrics",
    "NetworkOptions",
    "OutputEvent",
    "RecordedRuns",
    "ResultEvent",
    "Run",
    "Sandbox",
    "Sandboxes",
    "SandglassWarning",
    "Status",
    "StreamEvent",
    "ToolCall",
    "ToolOutcome",
    "Traces",
    "output_bytes",
    "output_text",
    *errors.__all__,
    *MODELS,
]


def __getattr__(name: str) -> Any:
    if name == "models":
        return import_module(".models", __name__)
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module 'sandglass' has no attribute {name!r}")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER, "models"})
