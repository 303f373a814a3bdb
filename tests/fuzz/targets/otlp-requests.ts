import assert from "node:assert/strict";
import {
  logsFromProtobuf,
  metricsFromProtobuf,
  tracesFromProtobuf,
} from "../../../packages/telemetry/src/otlp/from-protobuf.ts";
import { MalformedOtlpError } from "../../../packages/telemetry/src/otlp/malformed-otlp-error.ts";
import { SIGNALS, type Signal } from "../../../packages/telemetry/src/otlp/model.ts";
import {
  type Case,
  outcomeOf,
  seeds,
} from "../../../packages/telemetry/src/otlp/relay/testing/fuzz-relay.ts";
import { mutateBytes } from "../../../packages/telemetry/src/otlp/relay/testing/mutate-bytes.ts";
import { assertRelayedSafely } from "../../../packages/telemetry/src/otlp/relay/testing/relay-invariants.ts";
import { SpanReader } from "../../../packages/telemetry/src/otlp/span-reader.ts";
import type { FuzzTarget } from "../fuzz-target.ts";

const READERS = { traces: tracesFromProtobuf, logs: logsFromProtobuf, metrics: metricsFromProtobuf };

/** OTLP requests of a sandbox, as they are relayed and as the store reads them: the first byte says of which signal, the others are the body. */
export const otlpRequests: FuzzTarget = {
  name: "otlp-requests",
  watched: ["stamp", "scan", "content", "count", "field", "host-owned", "plain-key"]
    .map((file) => `/otlp/relay/${file}`)
    .concat(
      "/otlp/from-protobuf.ts",
      "/otlp/proto-reader.ts",
      "/otlp/span-reader.ts",
      "/otlp/span-cursor.ts",
    ),
  words: [],
  seeds: seeds().map(written),
  check(input) {
    const { signal, body } = read(input);
    const isRead = checkReaders(signal, body);
    if (!assertRelayedSafely(signal, body)) return "refused";
    return `${outcomeOf(signal, body)} ${isRead}`;
  },
  change(given, other, { int }) {
    const [{ signal, body }, second] = [read(given), read(other)];
    const to = int(8) === 0 ? second.signal : signal;
    return written({ signal: to, body: mutateBytes(body, second.body, int) });
  },
};

/** Whatever the bytes are, they are read or said to be malformed. */
function checkReaders(signal: Signal, body: Buffer): boolean {
  const spans = new SpanReader(() => undefined);
  const ways = [
    () => READERS[signal](body),
    ...(signal === "traces" ? [() => spans.read(body, () => {})] : []),
  ];
  const read = ways.map((way) => {
    try {
      way();
      return true;
    } catch (error) {
      assert.ok(error instanceof MalformedOtlpError, String(error));
      return false;
    }
  });
  return read.every(Boolean);
}

function read(input: Buffer): Case {
  return { signal: SIGNALS[(input[0] ?? 0) % SIGNALS.length] as Signal, body: input.subarray(1) };
}

function written({ signal, body }: Case): Buffer {
  return Buffer.concat([Buffer.of(SIGNALS.indexOf(signal)), body]);
}
