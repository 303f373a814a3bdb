"""Where one client's spans and durations go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from .._tracing import has_opentelemetry, parent_context
from .._version import VERSION
from ..errors import ConnectionError

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import Span, Tracer

    from .._tracing import Tracing
    from .operation import Operation
    from .private_provider import PrivateProvider

_SCOPE = "sandglass"
#: Seconds: those of the HTTP conventions.
_REQUEST_BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
#: And on to what an exec may take.
_OPERATION_BOUNDARIES = (*_REQUEST_BOUNDARIES, 30, 60, 300)
_OPERATION = (
    "sandglass.client.operation.duration",
    "How long the operations of the client took, streams to their end.",
    _OPERATION_BOUNDARIES,
)
_REQUEST = ("http.client.request.duration", "Duration of HTTP client requests.", _REQUEST_BOUNDARIES)

_histograms: WeakKeyDictionary[MeterProvider, dict[str, Histogram]] = WeakKeyDictionary()

LoadProvider = Callable[[], "PrivateProvider | None"]


class Instruments:
    """To the providers that the program has registered, which are looked for at each operation, else to the private one, else nowhere."""

    def __init__(self, load: LoadProvider | None = None) -> None:
        """
        Args:
            load: brings the private provider up, at the first operation that finds none registered; None: there is to be none
        """
        self._load = load
        self._loading = threading.Lock()
        self._own: PrivateProvider | None = None
        self._open: WeakSet[Operation] = WeakSet()

    def has_tracer(self) -> bool:
        """Whether spans are collected here; brings the private provider up where one is wanted."""
        if self._load is not None and not (has_opentelemetry() and _is_tracing_registered()):
            with self._loading:
                if self._load is not None:
                    self._own = self._load()
                    self._load = None
        if not has_opentelemetry():
            return False
        return (self._own is not None or _is_tracing_registered()) and not _is_suppressed()

    def start_span(self, name: str, tracing: Tracing | None, attributes: Mapping[str, Any]) -> Span | None:
        """None where the span would say nothing."""
        from opentelemetry.trace import Link, SpanKind, get_current_span

        parent = parent_context(tracing)
        active = get_current_span().get_span_context()
        # Who asked, where the operation hangs elsewhere: below a run, or in the trace that the sandbox was given.
        is_elsewhere = (
            active.is_valid and get_current_span(parent).get_span_context().span_id != active.span_id
        )
        span = self._tracer().start_span(
            name, parent, SpanKind.CLIENT, dict(attributes), [Link(active)] if is_elsewhere else None
        )
        return span if span.get_span_context().is_valid else None

    def _tracer(self) -> Tracer:
        from opentelemetry import trace

        if not _is_tracing_registered() and self._own is not None:
            return self._own.tracer_provider.get_tracer(_SCOPE, VERSION)
        return trace.get_tracer(_SCOPE, VERSION)

    def record_operation(self, seconds: float, *attributes: Any) -> None:
        self._record(_OPERATION, seconds, *attributes)

    def record_request(self, seconds: float, *attributes: Any) -> None:
        self._record(_REQUEST, seconds, *attributes)

    def _record(
        self,
        described: tuple[str, str, tuple[float, ...]],
        seconds: float,
        attributes: Mapping[str, Any],
        outcome: Mapping[str, Any],
        span: Span | None,
    ) -> None:
        provider = self._meter_provider()
        if provider is None:
            return
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        histogram = _histogram_of(provider, *described)
        # The span becomes the value's exemplar where the provider keeps such.
        context = Context() if span is None else set_span_in_context(span, Context())
        histogram.record(seconds, {**attributes, **outcome}, context)

    def _meter_provider(self) -> MeterProvider | None:
        if not has_opentelemetry():
            return None
        from opentelemetry import metrics

        provider = metrics.get_meter_provider()
        # The API's stand-in, which does nothing until a provider is registered, has no public name.
        if type(provider).__name__ == "_ProxyMeterProvider":
            return None if self._own is None else self._own.meter_provider
        return provider

    @contextmanager
    def suppressed(self) -> Iterator[None]:
        """HTTP instrumentation does nothing in here, where the client says all that it would say."""
        key = _suppression_key() if has_opentelemetry() else None
        if key is None or not (_is_tracing_registered() or self._meter_provider() is not None):
            yield
            return
        from opentelemetry import context

        token = context.attach(context.set_value(key, True))
        try:
            yield
        finally:
            context.detach(token)

    def opened(self, operation: Operation) -> None:
        self._open.add(operation)

    def ended(self, operation: Operation) -> None:
        self._open.discard(operation)

    def close(self) -> None:
        """Ends what is still open, and sends on what the private provider holds. The program's own provider is the program's to flush."""
        for operation in list(self._open):
            operation.fail(ConnectionError("the client was closed"))
        own, self._own, self._load = self._own, None, None
        if own is not None:
            own.release()


def _is_tracing_registered() -> bool:
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    return not isinstance(get_tracer_provider(), ProxyTracerProvider)


@cache
def _suppression_key() -> str | None:
    """As the instrumentations read it: what they share has no public name yet."""
    from opentelemetry import context

    return getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", None)


def _is_suppressed() -> bool:
    """Whether the program wants no telemetry from here, as an exporter does of its own requests."""
    from opentelemetry import context

    key = getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", None)
    return key is not None and bool(context.get_value(key))


def _histogram_of(
    provider: MeterProvider, name: str, description: str, boundaries: tuple[float, ...]
) -> Histogram:
    of_provider = _histograms.setdefault(provider, {})
    if name not in of_provider:
        meter = provider.get_meter(_SCOPE, VERSION)
        of_provider[name] = meter.create_histogram(
            name, "s", description, explicit_bucket_boundaries_advisory=boundaries
        )
    return of_provider[name]
