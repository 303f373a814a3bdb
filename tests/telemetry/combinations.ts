import { SIGNALS, type Signal } from "../../packages/telemetry/src/otlp/model.ts";

const PROTOCOLS = ["http/json", "http/protobuf", "grpc"] as const;
const COMPRESSIONS = ["none", "gzip"] as const;

/** One way to send, which is the name of the scope of what is sent so. */
export interface Combination {
  name: string;
  signal: Signal;
  protocol: (typeof PROTOCOLS)[number];
  compression: (typeof COMPRESSIONS)[number];
  /** Of its spans; the ids of its spans count up from `spanIds`. */
  traceId: string;
  spanIds: number;
}

/** All ways that the exporters of one SDK have. */
export function combinationsOf(sdk: string): Combination[] {
  return SIGNALS.flatMap((signal) =>
    PROTOCOLS.flatMap((protocol) =>
      COMPRESSIONS.map((compression) => ({
        ...{ name: `${sdk} ${signal} ${protocol} ${compression}`, signal, protocol, compression },
      })),
    ),
  ).map((combination, index) => ({
    ...combination,
    traceId: (index + 1).toString(16).padStart(2, "0").repeat(16),
    spanIds: (index + 1) * 0x1000,
  }));
}

/** The id that the `index`-th span of a combination has. */
export function spanIdOf({ spanIds }: Combination, index: number): string {
  return (spanIds + index).toString(16).padStart(16, "0");
}
