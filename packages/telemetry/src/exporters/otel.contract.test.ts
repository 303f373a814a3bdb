import { status } from "@grpc/grpc-js";
import {
  type ExporterHarness,
  exporterContract,
  type Fault,
  HttpFront,
  NO_FILES,
  type ReceivedEvent,
  selfSignedCertificate,
  type Tampering,
  TamperingProxy,
  UNRESOLVABLE_HOST,
} from "@sandglass/testkit";
import { decodeByOracle, encodeResponse } from "../otlp/testing/oracle.ts";
import { type GrpcAnswer, type GrpcCall, GrpcSink } from "./otel/testing/grpc-sink.ts";
import { loggedEvents, OtlpSink } from "./otel/testing/otlp-sink.ts";
import { retryInfoStatus } from "./otel/testing/retry-info.ts";
import { otel } from "./otel.ts";

const TOKEN = "otlp-contract-4711";
const FED = { batchSize: 20, flushIntervalMs: 10 };
const HEADERS = { authorization: { env: "OTLP_AUTH" } };
const GUARANTEES = { exactlyOnce: false, order: "none" } as const;

for (const protocol of ["http/protobuf", "http/json"] as const) {
  exporterContract(`otel over ${protocol}`, {
    guarantees: GUARANTEES,
    mayRunInThread: true,
    excused: NO_FILES,
    start: () => httpHarness(protocol),
  });
}

exporterContract("otel over grpc", {
  guarantees: GUARANTEES,
  mayRunInThread: true,
  excused: NO_FILES,
  start: grpcHarness,
});

async function httpHarness(protocol: "http/protobuf" | "http/json"): Promise<ExporterHarness> {
  const sink = await OtlpSink.start();
  const configAt = (endpoint: string) => ({ endpoint, protocol, headers: HEADERS, ...FED });
  const refused = new Set<string>();
  const isJson = protocol === "http/json";
  const headers = { "content-type": isJson ? "application/json" : "application/x-protobuf" };
  const answerOf = (partial: object) => ({
    status: 200,
    headers,
    body: isJson
      ? JSON.stringify({ partialSuccess: partial })
      : encodeResponse("logs", partial as Record<string, unknown>),
  });
  const front = await HttpFront.start(sink.url, {
    configAt,
    yes: answerOf({ errorMessage: "a warning to be read, not to be acted on" }),
    refuseSome(_request, marker) {
      refused.add(marker);
      sink.answer = ({ signal, data }) =>
        signal === "logs" && JSON.stringify(data).includes(marker)
          ? answerOf({ rejectedLogRecords: 1, errorMessage: "told to fail" })
          : undefined;
    },
  });
  return {
    definition: otel,
    config: () => configAt(front.origin),
    env: { OTLP_AUTH: `Bearer ${TOKEN}` },
    secrets: [TOKEN],
    faults: front.faults,
    received: async () =>
      sink.requests.filter(({ signal }) => signal === "logs").flatMap(({ data }) => kept(data, refused)),
    async close() {
      await front[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
    },
  };
}

async function grpcHarness(): Promise<ExporterHarness> {
  const sink = await GrpcSink.start();
  const proxy = await TamperingProxy.start(Number(new URL(sink.url).port));
  const taken: GrpcCall[] = [];
  const refused = new Set<string>();
  const configAt = (endpoint: string) => ({ endpoint, protocol: "grpc", headers: HEADERS, ...FED });
  const begin = (answer: (call: GrpcCall) => GrpcAnswer | undefined): Fault => {
    sink.answer = (call) => {
      const { body, ...given } = answer(call) ?? { body: new Uint8Array() };
      if (given.code === undefined && !given.hang) taken.push(call);
      return { ...given, ...(body && { body }) };
    };
    return { end: async () => void begin(() => undefined) };
  };
  const tamper = async (tampering: Tampering, says?: RegExp): Promise<Fault> => {
    proxy.tamper(tampering);
    return { end: async () => proxy.tamper("pass"), ...(says && { says }) };
  };
  begin(() => undefined);
  return {
    definition: otel,
    config: () => configAt(`http://127.0.0.1:${proxy.port}`),
    env: { OTLP_AUTH: `Bearer ${TOKEN}` },
    secrets: [TOKEN],
    faults: {
      unavailable: async () => begin(() => ({ code: status.UNAVAILABLE, details: "unavailable" })),
      hang: async () => begin(() => ({ hang: true })),
      unauthorized: async () => begin(() => ({ code: status.UNAUTHENTICATED })),
      // A channel that led to a time-out is given up, with what else was on it.
      slowDrip: () => tamper("drip", /timed out|Channel closed/),
      resetMidBody: () => tamper("cut"),
      wrongContentType: () => tamper("page", /Protocol error|closed/),
      dnsFailure: async () => ({
        config: configAt(`http://${UNRESOLVABLE_HOST}:4317`),
        end: async () => undefined,
      }),
      async tlsFailure() {
        const untrusted = await GrpcSink.start(selfSignedCertificate());
        return { config: configAt(untrusted.url), end: () => untrusted[Symbol.asyncDispose]() };
      },
      async retryAfter() {
        let answeredAt: number | undefined;
        const attempts: number[] = [];
        sink.onCall = () => attempts.push(performance.now());
        const fault = begin(() => {
          answeredAt ??= performance.now();
          return { code: status.UNAVAILABLE, statusDetails: retryInfoStatus(1), delayMs: 30 };
        });
        return { ...fault, afterMs: 1000, answeredAt: () => answeredAt, attempts: () => attempts };
      },
      poison: async (marker) => ({
        ...begin(({ body }) => (body.includes(marker) ? { code: status.INVALID_ARGUMENT } : undefined)),
        says: /INVALID_ARGUMENT/,
      }),
      async partialSuccess(marker) {
        refused.add(marker);
        const body = encodeResponse("logs", { rejectedLogRecords: 1, errorMessage: "told to fail" });
        const fault = begin((call) =>
          call.signal === "logs" && call.body.includes(marker) ? { body } : undefined,
        );
        return { ...fault, says: /told to fail/ };
      },
    },
    received: async () =>
      taken
        .filter(({ signal }) => signal === "logs")
        .flatMap(({ body }) => kept(decodeByOracle("logs", body), refused)),
    async close() {
      await proxy[Symbol.asyncDispose]();
      await sink[Symbol.asyncDispose]();
    },
  };
}

/** What was taken of a request, of which records that hold a marker were not. */
function kept(data: unknown, markers: ReadonlySet<string>): ReceivedEvent[] {
  const isRefused = (record: unknown) => {
    const text = JSON.stringify(record);
    return [...markers].some((marker) => text.includes(marker));
  };
  const left = JSON.parse(JSON.stringify(data), (name, value) =>
    name === "logRecords" ? value.filter((record: unknown) => !isRefused(record)) : value,
  );
  return loggedEvents(left);
}
