"""The first on PYTHONPATH in an instrumented sandbox, so that Python runs this at its start.

Where OpenTelemetry's zero-code instrumentation can be imported as a whole it is switched on; else nothing happens.
The sitecustomize that this one stands in front of, a distribution's own or the user's, runs before, as if this were not here.
"""

import os
import sys

HERE = os.path.dirname(__file__)
sys.path[:] = [entry for entry in sys.path if entry != HERE]


def run_next():
    own = sys.modules.pop(__name__)
    try:
        import sitecustomize  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != __name__:
            raise
        sys.modules[__name__] = own


def is_complete():
    """Whether there is more than a half of it, which would complain on stderr of every program."""
    from importlib.machinery import PathFinder

    if PathFinder.find_spec("opentelemetry") is None:  # the common case, decided without an import
        return False
    from importlib.util import find_spec

    wanted = ["opentelemetry.instrumentation.auto_instrumentation", "opentelemetry.distro"]
    if "OTEL_TRACES_EXPORTER" not in os.environ:
        wanted.append("opentelemetry.exporter.otlp.proto.http")
    try:
        return all(find_spec(name) is not None for name in wanted)
    except ImportError:
        return False


def follow_environment():
    """Makes what the environment names the parent of all that has none in the program: in every thread, and as a cell changes it."""
    import opentelemetry.context as api
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    class EnvironmentContext:
        def __init__(self, inner):
            self.inner = inner
            self.seen = None
            self.outside = api.Context()

        def attach(self, context):
            return self.inner.attach(context)

        def detach(self, token):
            self.inner.detach(token)

        def get_current(self):
            return self.inner.get_current() or self.read()

        def read(self):
            given = tuple(map(os.environ.get, ("TRACEPARENT", "TRACESTATE", "BAGGAGE")))
            if given != self.seen:
                carrier = {name: value for name, value in zip(("traceparent", "tracestate", "baggage"), given) if value}
                context = TraceContextTextMapPropagator().extract(carrier, api.Context())
                self.outside = W3CBaggagePropagator().extract(carrier, context)
                self.seen = given
            return self.outside

    api._RUNTIME_CONTEXT = EnvironmentContext(api._RUNTIME_CONTEXT)


def instrument():
    follow_environment()
    from opentelemetry.instrumentation import auto_instrumentation

    if hasattr(auto_instrumentation, "initialize"):
        auto_instrumentation.initialize()
    else:  # before 0.46
        import opentelemetry.instrumentation.auto_instrumentation.sitecustomize  # noqa: F401


run_next()
if is_complete():
    instrument()
