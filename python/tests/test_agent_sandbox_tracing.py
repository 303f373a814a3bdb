"""The unmodified client of Kubernetes' agent-sandbox with its own tracing on: one trace, from its spans to the process inside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

from sandglass import Client
from tests.support.daemon import Daemon

#: Of the package only two things are the test's: the exporter, for it would send its spans over gRPC, and what asks Kubernetes.
PROGRAM = """
import asyncio, json, os, sys, types
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

finished = InMemorySpanExporter()
grpc = types.ModuleType("opentelemetry.exporter.otlp.proto.grpc")
exporters = types.ModuleType("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
exporters.OTLPSpanExporter = lambda: finished
sys.modules[grpc.__name__], sys.modules[exporters.__name__] = grpc, exporters

class NoCluster:
    async def get_sandbox(self, *_): return {}

cluster = types.ModuleType("k8s_agent_sandbox.async_k8s_helper")
cluster.AsyncK8sHelper = NoCluster
sys.modules[cluster.__name__] = cluster

from k8s_agent_sandbox.async_sandbox import AsyncSandbox
from k8s_agent_sandbox.models import SandboxDirectConnectionConfig, SandboxTracerConfig
from k8s_agent_sandbox.trace_manager import initialize_tracer, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

async def main():
    initialize_tracer("agent")
    HTTPXClientInstrumentor().instrument()
    direct = SandboxDirectConnectionConfig(
        api_url=os.environ["API"], extra_headers={"Authorization": "Bearer " + os.environ["KEY"]}
    )
    config = SandboxTracerConfig(enable_tracing=True, trace_service_name="agent")
    sandbox = AsyncSandbox("claim", "own-tracing", connection_config=direct, tracer_config=config, k8s_helper=NoCluster())
    sandbox.tracing_manager.start_lifecycle_span()
    said = (await sandbox.commands.run("echo $TRACEPARENT")).stdout
    await sandbox.files.write("a.txt", "a")
    sandbox.tracing_manager.end_lifecycle_span()
    trace.get_tracer_provider().force_flush()
    spans = [
        [s.name, f"{s.context.trace_id:032x}", f"{s.context.span_id:016x}", f"{s.parent.span_id:016x}" if s.parent else ""]
        for s in finished.get_finished_spans()
    ]
    print(json.dumps([said, spans]))

asyncio.run(main())
"""


def test_its_own_spans_and_the_daemons_are_one_trace() -> None:
    with Daemon(args=["--agent-sandbox-listen", "--agent-sandbox-port", "0"]) as daemon:
        env = {**os.environ, "API": daemon.announced("agent_sandbox"), "KEY": daemon.api_key}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=env, timeout=100
        )
        assert done.returncode == 0, done.stderr
        said, theirs = json.loads(done.stdout)
        [trace_id] = {span[1] for span in theirs}
        with Client(daemon.url, daemon.api_key) as client:
            ours = client.traces.get(trace_id).spans

    parents: dict[str, tuple[str, str]] = {span_id: (name, parent) for name, _, span_id, parent in theirs}
    parents.update({span.span_id: (span.name, span.parent_span_id) for span in ours})

    def path(span_id: str) -> list[Any]:
        names: list[str] = []
        while span_id:
            name, span_id = parents[span_id]
            names.insert(0, name)
        return names

    [executed] = [span for span in ours if span.name == "sandbox.execute"]
    assert path(executed.span_id) == [
        "agent.lifecycle",
        "agent.run",
        "POST",
        "http_request",
        "sandbox.execute",
    ]
    [written] = [span for span in ours if span.name == "sandbox.file.write"]
    assert path(written.span_id)[:2] == ["agent.lifecycle", "agent.write"]
    assert re.fullmatch(rf"00-{trace_id}-{executed.span_id}-0[13]\n", said)
