"""Spans by OpenTelemetry's own SDK, sent as they end. As a program it makes one, named by its first argument, below the context of its
environment; further arguments are the names of spans of child processes, each of which is started by the one before. `MEET=mine,other`
holds them open until another program has come as far."""

import os
import pathlib
import subprocess
import sys
import time

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

VARIABLES = ("TRACEPARENT", "TRACESTATE", "BAGGAGE")


def start():
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def work(name, *children, context=None, meet=None):
    """Prints the ids of its span, so that a test knows them from elsewhere than the span that arrives."""
    with trace.get_tracer("inside").start_as_current_span(name, context=context) as span:
        ids = span.get_span_context()
        print(f"{name} {ids.trace_id:032x} {ids.span_id:016x}", flush=True)
        if meet is not None:
            rendezvous(*meet)
        if children:
            carrier = {}
            propagate.inject(carrier)
            env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
            env |= {name.upper(): value for name, value in carrier.items()}
            subprocess.run([sys.executable, __file__, *children], check=True, env=env)


def rendezvous(mine, other):
    """Returns when both have come here: their spans are open at the same time."""
    pathlib.Path("/tmp", mine).touch()
    while not pathlib.Path("/tmp", other).exists():
        time.sleep(0.005)


if __name__ == "__main__":
    start()
    environment = {name.lower(): os.environ[name] for name in VARIABLES if name in os.environ}
    meet = os.environ.get("MEET")
    work(*sys.argv[1:], context=propagate.extract(environment), meet=meet and meet.split(","))
