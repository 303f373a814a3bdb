/**
 * Relaying requests of a sandbox's spans: stamped with the host's attributes by splicing, buffer to buffer, and the same by decoding
 * and encoding with protobufjs, in turns. Rates are per second of processor time, of all threads of this process.
 */
import { isDeepStrictEqual } from "node:util";
import { OutputBuffer } from "../../packages/telemetry/src/otlp/relay/output-buffer.ts";
import { type ResourceStamp, resourceStamp } from "../../packages/telemetry/src/otlp/relay/resource-stamp.ts";
import { type StampOptions, stampRequest } from "../../packages/telemetry/src/otlp/relay/stamp-request.ts";
import { effortOf } from "../measure/effort.ts";
import type { Part, Plan } from "../measure/plan.ts";
import { type Row, row } from "../measure/row.ts";
import { median } from "../measure/statistics.ts";
import { ProtobufjsRelay } from "./protobufjs-relay.ts";
import { spanRequest } from "./span-requests.ts";

const SPANS = 512;
/** Different ones, more than a processor's nearest caches hold. */
const REQUESTS = 32;

const HOST_ATTRIBUTES = {
  "sandglass.sandbox.id": "sbx_0199c1b2e4d87a6fb3c5d7e9f1a2b3c4",
  "sandglass.org.id": "default",
  "sandglass.template.id": "python",
  "sandglass.run.id": "run_0199c1b2e4d87a6fb3c5d7e9f1a2b3c5",
  "service.instance.id": "sbx_0199c1b2e4d87a6fb3c5d7e9f1a2b3c4",
};

export const relay: Part = { name: "relay", title: "Relay of OTLP requests", measure: measureRelay };

async function measureRelay(plan: Plan): Promise<Row[]> {
  const peer = new ProtobufjsRelay(HOST_ATTRIBUTES);
  const stamp = resourceStamp(HOST_ATTRIBUTES);
  const requests = Array.from({ length: REQUESTS }, () => peer.encode(spanRequest(SPANS)));
  const single = Array.from({ length: REQUESTS }, () => peer.encode(spanRequest(1)));
  assertSameJob(peer, stamp, requests[0]!);
  const candidates = [
    { name: "spliced", spans: SPANS, times: plan.times(600, 60), run: relayOf(requests, stamp, "unchecked") },
    { name: "checked", spans: SPANS, times: plan.times(100, 10), run: relayOf(requests, stamp, "checked") },
    { name: "single", spans: 1, times: plan.times(3000, 300), run: relayOf(single, stamp, "checked") },
    { name: "protobufjs", spans: SPANS, times: 1, run: () => stampAll(peer, requests) },
  ];
  const rates = new Map(candidates.map(({ name }): [string, number[]] => [name, []]));
  for (let round = -1; round < plan.times(9, 2); round++) {
    for (const { name, spans, times, run } of candidates) {
      const { cpuMs } = await effortOf(async () => {
        for (let time = 0; time < times; time++) run();
      });
      // The first is for warming up.
      if (round >= 0) rates.get(name)!.push((times * REQUESTS * spans) / (cpuMs / 1000));
    }
  }
  const rate = (name: string) => median(rates.get(name)!);
  const ratio = (name: string) => rate(name) / rate("protobufjs");
  const bytes = requests.reduce((sum, { length }) => sum + length, 0) / REQUESTS / SPANS;
  const note = `${SPANS} spans a request, ${bytes.toFixed(0)} bytes each`;
  return [
    row("spans spliced, unchecked", rate("spliced"), "/s", { target: { atLeast: 5_000_000 }, note }),
    row("against protobufjs, unchecked", ratio("spliced"), "x", { target: { atLeast: 100 } }),
    row("spans spliced, all content checked", rate("checked"), "/s", {
      target: { atLeast: 5_000_000 },
      note: "the default, and what the collector does",
    }),
    row("against protobufjs, all content checked", ratio("checked"), "x", { target: { atLeast: 100 } }),
    row("requests of one span, all content checked", rate("single"), "/s"),
    row("spans decoded, stamped and encoded by protobufjs", rate("protobufjs"), "/s"),
  ];
}

function relayOf(
  requests: readonly Buffer[],
  stamp: ResourceStamp,
  content: NonNullable<StampOptions["content"]>,
): () => void {
  const options = { output: new OutputBuffer(), content };
  return () => {
    for (const body of requests) {
      if ("error" in stampRequest("traces", body, stamp, options)) throw new Error("a request was refused");
    }
  };
}

function stampAll(peer: ProtobufjsRelay, requests: readonly Buffer[]): void {
  for (const body of requests) peer.stamp(body);
}

/** Both have to come to the same. */
function assertSameJob(peer: ProtobufjsRelay, stamp: ResourceStamp, body: Buffer): void {
  const result = stampRequest("traces", body, stamp);
  if ("error" in result) throw new Error(result.error.reason);
  if (result.items !== SPANS) throw new Error(`${result.items} spans were counted`);
  if (!isDeepStrictEqual(peer.decode(result.bytes), peer.decode(peer.stamp(body)))) {
    throw new Error("protobufjs relays something else");
  }
}
