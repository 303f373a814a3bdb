"""Providers of this package alone, never registered: what `sdk_otel_enabled` brings up."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from .._credentials import SandglassWarning
from ..errors import InvalidRequestError

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from .instruments import LoadProvider

_is_warned = False


class PrivateProvider:
    """Spans and durations go out over OTLP, as the `OTEL_*` variables say. All clients of the process share one, since all would configure
    it alike."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _shared: ClassVar[PrivateProvider | None] = None

    tracer_provider: TracerProvider
    meter_provider: MeterProvider

    def __init__(self, env: Mapping[str, str] = os.environ) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._users = 0
        # Both shut down at the end of the program by themselves: one that closes no client loses nothing.
        self.tracer_provider = TracerProvider()
        if env.get("OTEL_TRACES_EXPORTER", "").strip() != "none":
            self.tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        has_metrics = env.get("OTEL_METRICS_EXPORTER", "").strip() != "none"
        readers = [PeriodicExportingMetricReader(OTLPMetricExporter())] if has_metrics else []
        self.meter_provider = MeterProvider(readers)

    @classmethod
    def acquire(cls) -> PrivateProvider:
        """The one of this process; each call is to be matched by a `release`.

        Raises:
            InvalidRequestError: with what to install, where OpenTelemetry's packages are not there
        """
        with cls._lock:
            try:
                cls._shared = cls._shared or cls()
            except ImportError as error:
                raise InvalidRequestError(
                    f"the client is to send its own telemetry, and {error.name} is not installed",
                    hint="pip install 'sandglass[tracing]'",
                ) from error
            cls._shared._users += 1
            return cls._shared

    def release(self) -> None:
        """Sends what is held; the last user's also shuts it down."""
        with PrivateProvider._lock:
            self._users -= 1
            is_last = self._users == 0
            if is_last:
                PrivateProvider._shared = None
        if is_last:
            self.tracer_provider.shutdown()
            self.meter_provider.shutdown()
        else:
            self.tracer_provider.force_flush()
            self.meter_provider.force_flush()


def provider_loader(explicit: bool | None, env: Mapping[str, str] = os.environ) -> LoadProvider | None:
    """How a client gets its private provider, or None where it is to have none: what the program says, else SANDGLASS_SDK_OTEL_ENABLED,
    else whether an OTLP endpoint is set. OTEL_SDK_DISABLED is above all of it.

    Packages that are missing fail the calls of a program that has asked for them; where only the environment did, that is one
    warning and no telemetry: it may have been set for another program.
    """
    if _is_true(env.get("OTEL_SDK_DISABLED")):
        return None
    if explicit is True:
        return PrivateProvider.acquire
    return _acquire_or_warn if explicit is None and _is_asked(env) else None


def _is_asked(env: Mapping[str, str]) -> bool:
    said = env.get("SANDGLASS_SDK_OTEL_ENABLED")
    return _is_true(said) if said else bool(env.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def _acquire_or_warn() -> PrivateProvider | None:
    global _is_warned
    try:
        return PrivateProvider.acquire()
    except InvalidRequestError as error:
        if not _is_warned:
            _is_warned = True
            warnings.warn(f"{error.message}: {error.hint}", SandglassWarning, stacklevel=2)
        return None


def _is_true(value: str | None) -> bool:
    return (value or "").strip().lower() == "true"
