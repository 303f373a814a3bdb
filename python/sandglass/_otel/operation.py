"""One operation of the API as its caller sees it, however many requests it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._error import SandglassError
from .._protocol import OPERATION_NAMES, ROUTES
from .._tracing import trace_headers

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from .._call import Call
    from ..stream_events import ExitEvent
    from .instruments import Instruments

_PARAMETERS = {
    "id": "sandglass.sandbox.id",
    "execId": "sandglass.exec.id",
    "runId": "sandglass.run.id",
    "exporterId": "sandglass.exporter.id",
}


class Operation:
    """A CLIENT span, and one value of the histogram `sandglass.client.operation.duration`.

    Where nobody collects spans there is none, and the headers are the caller's own trace.
    """

    __slots__ = (
        "__weakref__",
        "_instruments",
        "_is_ended",
        "_metric_attributes",
        "_request_attributes",
        "_resends",
        "_server",
        "_span",
        "_started_at",
        "headers",
    )

    def __init__(
        self, instruments: Instruments, call: Call, url_of_call: str, server: Mapping[str, Any]
    ) -> None:
        name = call.name or OPERATION_NAMES.get(call.route, call.route)
        method, template = ROUTES[call.route]
        self._instruments = instruments
        self._server = server
        self._metric_attributes = {"sandglass.operation": name, **server}
        self._request_attributes = {"http.request.method": method, "url.template": template, **server}
        self._span: Span | None = None
        if instruments.has_tracer():
            attributes = {**self._request_attributes, "url.full": url_of_call, **_attributes_of(call)}
            self._span = instruments.start_span(f"sandglass.{name}", call.tracing, attributes)
        #: The trace context that each of its requests carries.
        self.headers = trace_headers(call.tracing, self._span.get_span_context() if self._span else None)
        self._started_at = time.perf_counter()
        self._resends = 0
        self._is_ended = False
        if self._span is not None:
            instruments.opened(self)

    @contextmanager
    def request(self) -> Iterator[Request]:
        """Around one HTTP request, from its beginning to the head of its answer: one value of `http.client.request.duration`.

        HTTP instrumentation makes no second span in here, whose context it would send in place of this operation's.
        """
        request = Request()
        started_at = time.perf_counter()
        with self._instruments.suppressed():
            try:
                yield request
            except BaseException as error:
                self._record_request(started_at, {"error.type": error_type(error)})
                raise
        outcome: dict[str, Any] = {"http.response.status_code": request.status}
        if request.status >= 400:
            outcome["error.type"] = str(request.status)
        self._record_request(started_at, outcome)
        if self._span is not None:
            self._span.set_attribute("http.response.status_code", request.status)

    def _record_request(self, started_at: float, outcome: Mapping[str, Any]) -> None:
        seconds = time.perf_counter() - started_at
        self._instruments.record_request(seconds, self._request_attributes, outcome, self._span)

    def resent(self, error: BaseException) -> None:
        """A request that broke is sent again."""
        self._resends += 1
        if self._span is not None:
            self._span.set_attribute("http.request.resend_count", self._resends)
            self._span.add_event("sandglass.resend", {"error.type": error_type(error)})

    def reconnecting(self) -> None:
        """A stream that broke is picked up again."""
        if self._span is not None:
            self._span.add_event("sandglass.reconnect")

    def set(self, attributes: Mapping[str, Any]) -> None:
        if self._span is not None:
            self._span.set_attributes({key: value for key, value in attributes.items() if value is not None})

    def exited(self, exit: ExitEvent) -> None:
        """Its exec has ended, and it with that; an exit code other than 0 is a result, not an error of the operation."""
        self.set({"process.exit.code": exit.code, "sandglass.cause": exit.cause})
        self.end()

    def fail(self, error: BaseException) -> None:
        """It failed; the first ending counts."""
        if self._is_ended:
            return
        kind = error_type(error)
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_attribute("error.type", kind)
            self._span.set_status(Status(StatusCode.ERROR, getattr(error, "message", None) or str(error)))
            self._span.record_exception(error)
        self._end({"error.type": kind})

    def end(self) -> None:
        """It is over, and went well; the first ending counts."""
        if not self._is_ended:
            self._end({})

    def _end(self, outcome: Mapping[str, Any]) -> None:
        self._is_ended = True
        seconds = time.perf_counter() - self._started_at
        self._instruments.record_operation(seconds, self._metric_attributes, outcome, self._span)
        if self._span is not None:
            self._span.end()
            self._instruments.ended(self)


class Request:
    """What is known of one request when its answer has begun."""

    __slots__ = ("status",)

    def __init__(self) -> None:
        self.status = 0


def _attributes_of(call: Call) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    if call.tracing is not None and call.tracing.run_id:
        attributes["sandglass.run.id"] = call.tracing.run_id
    for parameter, name in _PARAMETERS.items():
        if parameter in call.params:
            attributes[name] = call.params[parameter]
    attributes.update(call.attributes)
    return attributes


def error_type(error: BaseException) -> str:
    """The catalogue's code, so that there are few; else the error's class."""
    return error.code if isinstance(error, SandglassError) else type(error).__qualname__
