"""Measures the Python client: a line on stdin is one `run_code`, its milliseconds a line on stdout."""

from __future__ import annotations

import sys
import time

from sandglass import Client

base_url, api_key = sys.argv[1:3]
with Client(base_url, api_key, sdk_otel_enabled=False) as client, client.create_sandbox("python") as sandbox:
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        result = sandbox.run_code("print(1)")
        took = (time.perf_counter() - started) * 1000
        if result.stdout != "1\n":
            raise SystemExit(f"print(1) printed {result.stdout!r}")
        print(took, flush=True)
