import { resolve } from "node:path";
import { SandglassError } from "@sandglass/protocol";
import { strictObject } from "@sandglass/protocol/schemas";
import { z } from "zod";
import type { DeliveryTraits } from "../delivery/exporter.ts";
import { commonOptions, traitsOf } from "./common-options.ts";
import { defineExporter } from "./definition.ts";
import { JsonlExporter } from "./jsonl/jsonl-exporter.ts";
import { checkWritable, resolveTarget } from "./jsonl/target-path.ts";

const MODE = { error: 'must be permission bits like "0640"' };

const schema = strictObject({
  /** Relative to where the daemon was started. A link is followed. */
  filePath: z.string().regex(/^[^\0]*[^\0/]$/, { error: "must be the path of a file" }),
  /** False empties the file when the exporter opens it for the first time, never later. Default true. */
  append: z.boolean().optional(),
  /** About where a file ends and the next begins; 0 leaves rotation to another tool. Default 100,000,000. */
  rotateSizeBytes: z.int().min(0).optional(),
  /** Rotated files that are kept; older ones are removed. Default 10. */
  rotateFiles: z.int().min(1).max(100_000).optional(),
  /** Rotated files are compressed. Default false. */
  gzip: z.boolean().optional(),
  /** Permission bits of files that are made, as a number or in octal as a text. Default "0600". */
  mode: z
    .union(
      [
        z.int(MODE).min(0, MODE).max(0o777, MODE),
        z
          .string()
          .regex(/^0?[0-7]{3}$/, MODE)
          .transform((text) => Number.parseInt(text, 8)),
      ],
      MODE,
    )
    .optional(),
  /** A batch counts as delivered when it is on disk (fdatasync): survives a loss of power. Default false. */
  fsync: z.boolean().optional(),
  ...commonOptions,
});

const TRAITS: DeliveryTraits = {
  order: "total",
  concurrency: 1,
  batchSize: 1000,
  batchBytes: 1024 * 1024,
  flushIntervalMs: 200,
  maxQueueSize: 10_000,
  timeoutMs: 30_000,
  commitsEachBatch: true,
  needsEvents: false,
};

/**
 * Each event as a line of JSON in a file of this machine, exactly once also across crashes: the length of the file is committed with
 * the cursor, and what stands behind it is cut when the file is opened again. The file is the exporter's alone to write to; it may
 * be renamed, removed or emptied by others at any time.
 *
 * @example { provider: "jsonl", config: { filePath: "./events.jsonl", gzip: true } }
 */
export const jsonl = defineExporter({
  provider: "jsonl",
  mayRunInThread: true,
  schema,
  prepare(options, context) {
    if (!context.isTrusted) {
      throw new SandglassError("INVALID_REQUEST", "jsonl writes to files of the daemon's machine", {
        hint: "configure it with a key that has the scope admin, or where the daemon is started",
      });
    }
    const { rotateSizeBytes = 100_000_000 } = options;
    const path = resolve(context.cwd, options.filePath);
    const target = checkTarget(path, rotateSizeBytes > 0);
    const settings = {
      path,
      append: options.append ?? true,
      rotateSizeBytes,
      rotateFiles: options.rotateFiles ?? 10,
      gzip: options.gzip ?? false,
      mode: options.mode ?? 0o600,
      fsync: options.fsync ?? false,
    };
    return {
      destination: path,
      secrets: [],
      claims: [`file:${target}`],
      // One file has one end: what was asked for besides does not change that.
      traits: { ...traitsOf(options, TRAITS), concurrency: 1 },
      onError: options.onError,
      verify: async () => checkWritable(target, rotateSizeBytes > 0),
      open: ({ checkpoint }) => JsonlExporter.open(settings, checkpoint),
    };
  },
});

function checkTarget(path: string, isRotated: boolean): string {
  let target: string;
  try {
    target = resolveTarget(path);
  } catch (error) {
    throw new SandglassError("INVALID_REQUEST", `filePath: ${(error as Error).message}`, { cause: error });
  }
  checkWritable(target, isRotated);
  return target;
}
