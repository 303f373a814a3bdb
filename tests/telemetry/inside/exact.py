"""Says what OpenTelemetry's SDK for JavaScript cannot: integers that no double holds, exemplars, names of events. Arguments: the name of its
scope, a compression, then integers. Prints what only it knows: the ids, flags and times of its span."""

import json
import logging
import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

logging.basicConfig(level=logging.WARNING)  # on stderr: what an exporter could not do
scope, compression, *integers = sys.argv[1:]
integers = [int(text) for text in integers]
compression = Compression(compression)

tracing = TracerProvider()
tracing.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(compression=compression)))
# Attributes that a view leaves out are on the exemplars.
metrics = MeterProvider(
    [PeriodicExportingMetricReader(OTLPMetricExporter(compression=compression), 3_600_000)],
    views=[View(instrument_name="*", attribute_keys={"kept"})],
)
logs = LoggerProvider()
logs.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(compression=compression)))

meter = metrics.get_meter(scope)
attributes = {"kept": "yes", "left out": integers[0]}
with tracing.get_tracer(scope).start_as_current_span("exact", attributes={"integers": integers}) as span:
    meter.create_counter("exact.sum").add(integers[0], attributes)
    meter.create_histogram("exact.histogram").record(0.5, attributes)
    logs.get_logger(scope).emit(
        timestamp=1776510028123456789,
        observed_timestamp=1776510028987654321,
        event_name="exact.event",
        body={"integers": integers, "nested": {"bytes": b"\x00\xff", "none": None}},
        attributes={"largest": integers[0]},
    )
    ids = span.get_span_context()
for provider in (tracing, metrics, logs):
    provider.shutdown()
times = [str(span.start_time), str(span.end_time)]
made = {"traceId": f"{ids.trace_id:032x}", "spanId": f"{ids.span_id:016x}", "flags": int(ids.trace_flags)}
print(json.dumps({**made, "times": times}))
