import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Sandbox } from "sandglass";
import type { Exemplar, OtlpMetric, Signal } from "../../packages/telemetry/src/otlp/model.ts";
import { receivedScopes } from "./received-scopes.ts";
import { INSTALL_TIMEOUT_MS } from "./sandbox-packages.ts";
import { TracedDaemon } from "./traced-daemon.ts";

/** The largest, the smallest, and ones that a double would round. */
const INTEGERS = ["9223372036854775807", "-9223372036854775808", "9007199254740993", "-9007199254740993"];
const LARGEST = { intValue: INTEGERS[0] };
const LIST = { arrayValue: { values: INTEGERS.map((intValue) => ({ intValue })) } };

describe("what OpenTelemetry's SDK for Python says more exactly than that for JavaScript arrives as it was told", () => {
  let world: TracedDaemon;
  let sandbox: Sandbox;
  before(
    async () => {
      world = await TracedDaemon.start();
      sandbox = await world.client.createSandbox("plain");
    },
    { timeout: INSTALL_TIMEOUT_MS },
  );
  after(() => world?.[Symbol.asyncDispose]());

  for (const compression of ["none", "gzip"]) {
    const scope = `exact ${compression}`;

    /** What is under the scope, in all of a signal's requests. */
    function arrived(wanted: Signal): unknown[] {
      return world.sink.requests
        .filter(({ signal }) => signal === wanted)
        .flatMap(({ signal, data }) => receivedScopes(signal, data))
        .flatMap((received) => (received.scope.name === scope ? received.items : []));
    }

    test(`with compression ${compression}: 64-bit integers, exemplars, names of events, bodies, times`, async () => {
      const argv = ["python3", "/opt/inside/exact.py", scope, compression, ...INTEGERS];
      const { stdout, stderr } = await sandbox.commands.run(argv);
      assert.equal(stderr, "");
      const made = JSON.parse(stdout) as { traceId: string; spanId: string; flags: number; times: string[] };
      const { traceId, spanId, flags, times } = made;
      await world.delivered();

      const [start, end] = times;
      const [span, ...more] = arrived("traces") as Record<string, unknown>[];
      assert.deepEqual(more, []);
      assert.deepEqual(
        [span?.traceId, span?.spanId, span?.startTimeUnixNano, span?.endTimeUnixNano, span?.attributes],
        [traceId, spanId, start, end, [{ key: "integers", value: LIST }]],
      );

      assert.deepEqual(arrived("logs"), [
        {
          ...{ timeUnixNano: "1776510028123456789", observedTimeUnixNano: "1776510028987654321" },
          ...{ traceId, spanId, flags, eventName: "exact.event" },
          body: mapOf({ integers: LIST, nested: mapOf({ bytes: { bytesValue: "AP8=" }, none: {} }) }),
          attributes: [{ key: "largest", value: LARGEST }],
        },
      ]);

      const [sum, histogram, ...others] = arrived("metrics") as OtlpMetric[];
      assert.deepEqual([sum?.name, histogram?.name, others], ["exact.sum", "exact.histogram", []]);
      const kept = [{ key: "kept", value: { stringValue: "yes" } }];
      const exemplar = (value: Partial<Exemplar>, { timeUnixNano }: Exemplar) => [
        {
          filteredAttributes: [{ key: "left out", value: LARGEST }],
          timeUnixNano,
          spanId,
          traceId,
          ...value,
        },
      ];
      const [total, ...totals] = sum?.sum?.dataPoints ?? [];
      assert.deepEqual([total?.asInt, total?.attributes, totals], [INTEGERS[0], kept, []]);
      assert.deepEqual(total?.exemplars, exemplar({ asInt: INTEGERS[0]! }, total!.exemplars![0]!));
      const [spread, ...spreads] = histogram?.histogram?.dataPoints ?? [];
      assert.deepEqual([spread?.sum, spread?.attributes, spreads], [0.5, kept, []]);
      assert.deepEqual(spread?.exemplars, exemplar({ asDouble: 0.5 }, spread!.exemplars![0]!));
    });
  }
});

function mapOf(entries: Record<string, object>): object {
  return { kvlistValue: { values: Object.entries(entries).map(([key, value]) => ({ key, value })) } };
}
