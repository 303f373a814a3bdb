"""The models, each when it is used first: to make their classes is most of what importing this package takes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

#: Where each is that `sandglass.models` has.
MODELS = {
    "Cause": "_protocol",
    "Check": "_core_models",
    "ComponentInfo": "_status_models",
    "ComponentStatus": "_status_models",
    "ConfigEntry": "_core_models",
    "ConsoleLink": "_core_models",
    "CreatedKey": "_core_models",
    "DeadLetter": "_exporter_models",
    "DeadTelemetry": "_exporter_models",
    "DeletionResult": "_run_models",
    "DoctorReport": "_core_models",
    "EventLine": "_event_models",
    "EventType": "_protocol",
    "ExecInfo": "_core_models",
    "ExporterCounts": "_exporter_models",
    "ExporterError": "_exporter_models",
    "ExporterInfo": "_exporter_models",
    "FileInfo": "_core_models",
    "FlushResult": "_exporter_models",
    "GapLine": "_event_models",
    "IncidentImpact": "_status_models",
    "IncidentInfo": "_status_models",
    "IncidentStatus": "_status_models",
    "IncidentUpdate": "_status_models",
    "Isolation": "_words",
    "KeyInfo": "_core_models",
    "Language": "_words",
    "Level": "_words",
    "LogEntry": "_trace_models",
    "LogLine": "_trace_models",
    "MaintenanceInfo": "_status_models",
    "MaintenanceStatus": "_status_models",
    "MetricAggregation": "_metric_models",
    "MetricInfo": "_metric_models",
    "MetricSeries": "_metric_models",
    "MetricSeriesList": "_metric_models",
    "MetricType": "_metric_models",
    "MissedLogs": "_trace_models",
    "Page": "_core_models",
    "RecordMode": "_words",
    "RunDetail": "_run_models",
    "RunFailure": "_run_models",
    "RunInfo": "_core_models",
    "RunModel": "_run_models",
    "RunSandbox": "_run_models",
    "RunState": "_run_models",
    "RunSummary": "_run_models",
    "RuntimeEvent": "_event_models",
    "SandboxDiff": "_core_models",
    "SandboxInfo": "_core_models",
    "SandboxLimits": "_core_models",
    "SandboxState": "_words",
    "SandboxTelemetry": "_core_models",
    "Scope": "_words",
    "SignalName": "_protocol",
    "StatusFile": "_status_models",
    "StatusReport": "_status_models",
    "TelemetryDelivery": "_exporter_models",
    "TraceEvent": "_trace_models",
    "TraceInfo": "_trace_models",
    "TraceSpan": "_trace_models",
    "TraceSummary": "_trace_models",
    "UnenforcedLimit": "_core_models",
}

if TYPE_CHECKING:
    from . import models as models
else:

    class _Models:
        """As the module `sandglass.models`, of which it loads only what is asked for."""

        def __getattr__(self, name: str) -> Any:
            module = MODELS.get(name)
            if module is None:
                raise AttributeError(f"there is no model {name!r}")
            value = getattr(import_module(f".{module}", __package__), name)
            setattr(self, name, value)
            return value

    models = _Models()
