import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { instrumentation, instrumentedEnvironment } from "./instrumented-environment.ts";

describe("the environment of an instrumented process", () => {
  test("has what loads the library, Python's module and Node's", () => {
    assert.deepEqual(instrumentation({ PATH: "/bin" }), {
      LD_PRELOAD: "/run/sandglass/libsandglass-spans.so",
      PYTHONPATH: "/run/sandglass/python",
      NODE_OPTIONS: "--require=/run/sandglass/node/register.cjs",
      ASAN_OPTIONS: "verify_asan_link_order=0",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_BSP_SCHEDULE_DELAY: "500",
      OTEL_BLRP_SCHEDULE_DELAY: "500",
      OTEL_NODE_RESOURCE_DETECTORS: "env",
    });
  });

  test("keeps what was there: lists are added to, choices stay", () => {
    const env = {
      LD_PRELOAD: "/opt/a.so /opt/b.so",
      PYTHONPATH: "/opt/lib::/opt/more",
      NODE_OPTIONS: '--title="a b"',
      ASAN_OPTIONS: "verify_asan_link_order=1",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_NODE_RESOURCE_DETECTORS: "all",
      LANG: "C",
    };
    assert.deepEqual(instrumentedEnvironment(env), {
      LD_PRELOAD: "/opt/a.so /opt/b.so:/run/sandglass/libsandglass-spans.so",
      PYTHONPATH: "/run/sandglass/python:/opt/lib::/opt/more",
      NODE_OPTIONS: '--title="a b" --require=/run/sandglass/node/register.cjs',
      // The last one counts, so that the user's does.
      ASAN_OPTIONS: "verify_asan_link_order=0:verify_asan_link_order=1",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_BLRP_SCHEDULE_DELAY: "500",
      OTEL_NODE_RESOURCE_DETECTORS: "all",
      LANG: "C",
    });
  });

  test("is the same when it is made of itself, and takes an empty variable for none", () => {
    const once = instrumentedEnvironment({ PYTHONPATH: "", NODE_OPTIONS: "--no-warnings" });
    assert.equal(once.PYTHONPATH, "/run/sandglass/python");
    assert.deepEqual(instrumentedEnvironment(once), once);
  });
});
