import assert from "node:assert/strict";
import { test } from "node:test";
import { negotiateFormat } from "./negotiate-format.ts";

const PROMETHEUS_2 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

const cases: [accept: string, format: "openmetrics" | "prometheus", why: string][] = [
  [PROMETHEUS_2, "openmetrics", "Prometheus 2 prefers it"],
  [PROMETHEUS_3, "openmetrics", "Prometheus 3 prefers it"],
  ["application/openmetrics-text", "openmetrics", "any version is ours too"],
  [
    'Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8',
    "openmetrics",
    "case and quotes do not matter",
  ],
  ["", "prometheus", "a client that asks for nothing"],
  ["*/*", "prometheus", "curl"],
  ["text/html,application/xhtml+xml,*/*;q=0.8", "prometheus", "a browser"],
  ["application/openmetrics-text;version=0.0.1", "prometheus", "a version that is not ours"],
  ["application/openmetrics-text;q=0", "prometheus", "what is ruled out"],
  ["application/openmetrics-text;q=0.4,text/plain;version=0.0.4;q=0.5", "prometheus", "what is liked better"],
  ["application/openmetrics-text;q=0.4,text/plain;q=0.2,*/*", "openmetrics", "the specific range decides"],
  ["application/openmetrics-text;q=nonsense", "prometheus", "a quality that is none"],
];

for (const [accept, format, why] of cases) {
  test(`the format is ${format} for "${accept.slice(0, 60)}": ${why}`, () => {
    assert.equal(negotiateFormat(accept), format);
  });
}
