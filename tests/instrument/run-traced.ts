import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { processTree, type ReceivedSpan } from "./received-span.ts";
import type { SpanSink } from "./span-sink.ts";

const LIBRARY = join(import.meta.dirname, "../../packages/runtime/native/build/libsandglass-spans.so");

export const TRACE = "0af7651916cd43dd8448eb211c80319c";
export const PARENT = "b7ad6b7169203331";

export interface TracedRun {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
  spans: ReceivedSpan[];
  /** See {@link processTree}; below the span that the program was started with. */
  tree: string[];
}

/** The environment of a program on the host that is traced as one inside a sandbox is. */
export function tracedEnvironment(endpoint: string): Record<string, string> {
  return {
    PATH: "/usr/bin:/bin",
    LC_ALL: "C",
    LD_PRELOAD: LIBRARY,
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    TRACEPARENT: `00-${TRACE}-${PARENT}-01`,
  };
}

/** Runs a program of this host with the library loaded, to its end. */
export async function runTraced(
  sink: SpanSink,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<TracedRun> {
  const before = sink.spans.length;
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    env: { ...tracedEnvironment(sink.endpoint), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  await sink.settled();
  const spans = sink.spans.slice(before);
  return { code, signal, stdout, stderr, spans, tree: processTree(spans, PARENT) };
}
