import { WriteStream } from "node:tty";
import { SandglassError } from "@sandglass/protocol";
import { strictObject } from "@sandglass/protocol/schemas";
import { z } from "zod";
import type { DeliveryTraits } from "../delivery/exporter.ts";
import { commonOptions, traitsOf } from "./common-options.ts";
import { ConsoleExporter } from "./console/console-exporter.ts";
import { jsonLine } from "./console/json-line.ts";
import { CONSOLE_LEVELS, isShown } from "./console/level-option.ts";
import { type Output, openOutput } from "./console/output.ts";
import { prettyFormat } from "./console/pretty-line.ts";
import { defineExporter, type Environment, type ExporterDefinition } from "./definition.ts";

const schema = strictObject({
  /** "pretty" is for the eye, "json" is the event as it is in the log. Default "pretty". */
  format: z.enum(["pretty", "json"]).optional(),
  /** A family of events, or only what went wrong. Default "all". */
  level: z.enum(CONSOLE_LEVELS).optional(),
  /** Default true. */
  includeTimestamp: z.boolean().optional(),
  /** Of "pretty". Default: where FORCE_COLOR says so, or at a terminal where NO_COLOR does not. */
  colorize: z.boolean().optional(),
  /** Default "stdout". */
  stream: z.enum(["stdout", "stderr"]).optional(),
  ...commonOptions,
});

const TRAITS: DeliveryTraits = {
  order: "total",
  concurrency: 1,
  batchSize: 200,
  batchBytes: 256 * 1024,
  flushIntervalMs: 20,
  maxQueueSize: 2000,
  timeoutMs: 30_000,
};

/**
 * Each event as one line on the process's stdout or stderr. A reader that is slow or stopped holds up nothing but this exporter;
 * when it is gone, the exporter is disabled.
 *
 * @example { provider: "console", config: { level: "exec" } }
 */
export const consoleExporter: ExporterDefinition<typeof schema> = defineConsole(openOutput);

/** @param open for tests: the output that stands for the process's own */
export function defineConsole(
  open: (stream: "stdout" | "stderr") => Output,
): ExporterDefinition<typeof schema> {
  return defineExporter({
    provider: "console",
    schema,
    prepare(options, context) {
      if (!context.isTrusted) {
        throw new SandglassError("INVALID_REQUEST", "console writes to the daemon's own output", {
          hint: "configure it with a key that has the scope admin, or where the daemon is started",
        });
      }
      const { format = "pretty", level = "all", includeTimestamp = true, stream = "stdout" } = options;
      return {
        destination: stream,
        secrets: [],
        // An output has one end: what was asked for besides does not change that.
        traits: { ...traitsOf(options, TRAITS), concurrency: 1 },
        onError: options.onError,
        accepts: (event) => isShown(event, level),
        async open() {
          const output = open(stream);
          if (format === "json") {
            return new ConsoleExporter(output, stream, (event) => jsonLine(event, includeTimestamp));
          }
          const hasColors = options.colorize ?? wantsColors(context.env, output.isTerminal);
          const line = prettyFormat({ hasTimestamp: includeTimestamp, hasColors });
          return new ConsoleExporter(output, stream, line);
        },
      };
    },
  });
}

/** As Node decides for its own streams, where FORCE_COLOR, NO_COLOR, TERM and what CI systems set is taken into account. */
function wantsColors(env: Environment, isTerminal: boolean): boolean {
  if (!isTerminal && env.FORCE_COLOR === undefined) return false;
  // Does not look at the stream.
  return WriteStream.prototype.getColorDepth(env) > 1;
}
