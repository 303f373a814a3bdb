import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeByOracle } from "../testing/oracle.ts";
import { GrpcHarness, tenantNamed } from "./testing/grpc-harness.ts";
import { sendByOfficialSdk } from "./testing/grpc-official-sdk.ts";

const COUNT = 300;

for (const compression of ["none", "gzip"] as const) {
  test(`OpenTelemetry's own SDK and exporters get all through, with compression ${compression}`, async () => {
    await using harness = new GrpcHarness();
    const tenant = tenantNamed("sbx_1");
    await sendByOfficialSdk(await harness.listen(tenant), compression, COUNT);
    const kept = harness.sink.of(tenant);
    for (const signal of ["traces", "logs", "metrics"] as const) {
      const requests = kept.filter((request) => request.signal === signal);
      assert.equal(
        requests.reduce((sum, { items }) => sum + items, 0),
        COUNT,
        signal,
      );
      const text = JSON.stringify(requests.map(({ bytes }) => decodeByOracle(signal, bytes)));
      const [resource] = /"resource":\{.*?\},"scope/.exec(text)!;
      assert.match(resource, /sandglass\.sandbox\.id","value":\{"stringValue":"sbx_1"/);
      assert.match(text, signal === "metrics" ? /"jobs"/ : /grüße/);
    }
    assert.deepEqual(harness.intake.counts("sbx_1").refused, {});
  });
}
